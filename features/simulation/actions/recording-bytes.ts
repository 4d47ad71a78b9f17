import type { RecordedIncident, RecordedPart } from '../recording.ts';

/** Maximum size of a recording as JSON, in bytes. A response of AWS Lambda has at most 6 MB. */
export const RECORDING_MAX_BYTES = 4 * 1024 * 1024;

/** Bytes of the inputs of decisions, and of messages, in a recording that is too large without annotations, too. */
const INPUTS_MAX_BYTES = RECORDING_MAX_BYTES / 2;
const MESSAGES_MAX_BYTES = RECORDING_MAX_BYTES / 4;

export const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/**
 * Returns a recording with at most `RECORDING_MAX_BYTES`, which names what it lacks: first annotations, which only matchers
 * of runbooks read, then the last inputs, messages, and alerts. The first ones decide whether and when an incident opens.
 */
export function inRecordingBytes(recorded: RecordedIncident): RecordedIncident {
  if (bytesOf(recorded) <= RECORDING_MAX_BYTES) return recorded;
  const signals = recorded.signals.map((signal) => ({ ...signal, annotations: [] }));
  const plain = { ...recorded, signals, left_out: ['annotations'] satisfies RecordedPart[] };
  if (bytesOf(plain) <= RECORDING_MAX_BYTES) return plain;
  const decided = fitting(recorded.decisions, INPUTS_MAX_BYTES);
  const messages = recorded.messages.slice(0, fitting(recorded.messages, MESSAGES_MAX_BYTES));
  const decisions = recorded.decisions.map((one, n) => (n < decided ? one : { ...one, inputs: null }));
  const rest = { ...plain, decisions, messages, signals: [] };
  // Names of what is left out have some bytes, too.
  const kept = signals.slice(0, fitting(signals, RECORDING_MAX_BYTES - bytesOf(rest) - 64));
  const left_out: RecordedPart[] = ['annotations'];
  if (decided < decisions.length) left_out.push('inputs');
  if (messages.length < recorded.messages.length) left_out.push('messages');
  if (kept.length < signals.length) left_out.push('alerts');
  return { ...rest, signals: kept, truncated: recorded.truncated || kept.length < signals.length, left_out };
}

/** Returns how many items from the start have at most this number of bytes as JSON, with their separators. */
export function fitting(items: readonly unknown[], maxBytes: number): number {
  let bytes = 0;
  const end = items.findIndex((item) => (bytes += bytesOf(item) + 1) > maxBytes);
  return end === -1 ? items.length : end;
}

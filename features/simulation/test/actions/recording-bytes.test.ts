import { expect, test } from 'vitest';
import { bytesOf, inRecordingBytes, RECORDING_MAX_BYTES } from '../../actions/recording-bytes.ts';
import { replayIncident } from '../../decisions/replay-incident.ts';
import { RecordedIncident } from '../../recording.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { NOON } from '../../../../test/core/arbitraries.ts';
import { recordedIncident, recordedSignal } from '../decisions/recordings.ts';

const policy = Config.parse({
  version: 'test',
  services: { checkout: { environments: { production: null } } },
  paging: {},
});
const signals = (count: number, bytes: number, annotationBytes: number) =>
  Array.from({ length: count }, (_, n) =>
    recordedSignal({
      fingerprint: String(n),
      title: 't'.repeat(bytes),
      annotations: [['hint', 'a'.repeat(annotationBytes)]],
    }),
  );
const MB = 1_000_000;

test('a recording that fits is complete', () => {
  const recorded = recordedIncident(policy, { signals: signals(100, 500, 8000) });
  expect(inRecordingBytes(recorded)).toBe(recorded);
});

test('a large recording lacks its annotations, and its replay says so', () => {
  const bounded = inRecordingBytes(recordedIncident(policy, { signals: signals(1000, 500, 8000) }));
  expect(bounded).toMatchObject({ truncated: false, left_out: ['annotations'] });
  expect(bounded.signals).toHaveLength(1000);
  expect(bytesOf(bounded)).toBeLessThanOrEqual(RECORDING_MAX_BYTES);
  expect(replayIncident(bounded, policy).unknown).toContain(
    'the recording would be too large, so it lacks annotations',
  );
});

test('a recording that is too large without annotations keeps its first alerts, messages, and inputs', () => {
  const decision = { at: NOON, kind: 'approve', state: 'final', from: null, to: null } as const;
  const decisions = Array.from({ length: 6 }, (_, n) => ({
    ...decision,
    number: n + 1,
    inputs: { a: 'x'.repeat(MB) },
  }));
  const message = { kind: 'signals', fired: 1, resolved: 0, severity: 'critical', requests_rollback: false } as const;
  const messages = Array.from({ length: 20_000 }, (_, seq) => ({ seq, at: NOON, message: message as never }));
  const bounded = inRecordingBytes(recordedIncident(policy, { signals: signals(2000, 3000, 10), decisions, messages }));
  expect(bytesOf(bounded)).toBeLessThanOrEqual(RECORDING_MAX_BYTES);
  expect(bytesOf(bounded)).toBeGreaterThan(RECORDING_MAX_BYTES - 10_000);
  expect(bounded).toMatchObject({ truncated: true, left_out: ['annotations', 'inputs', 'messages', 'alerts'] });
  expect(bounded.signals.map(({ fingerprint }) => fingerprint)).toEqual(bounded.signals.map((_, n) => String(n)));
  expect(bounded.decisions.map(({ inputs }) => inputs !== null)).toEqual([true, true, false, false, false, false]);
  expect(bounded.messages.map(({ seq }) => seq)).toEqual(bounded.messages.map((_, n) => n));
  expect(RecordedIncident.shape.left_out.parse(bounded.left_out)).toEqual(bounded.left_out);
});

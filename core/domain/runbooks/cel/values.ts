import { type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import type { Declarations, Json, Variables } from '../variables.ts';

/**
 * Limits of the values passed to an expression, which bound its run time: an alert can have any number of labels of any
 * length. Texts are in UTF-16 code units.
 */
const MAX_TEXT_CHARS = 4096;
const MAX_ENTRIES = 200;
const MAX_DEPTH = 8;

/** Labels that an expression reads by name without testing for their presence. They are empty if missing. */
export type EmptyWhereMissing = Record<'labels' | 'annotations', readonly string[]>;

/** Converts the variables to CEL values: integers are bigints, objects are maps. */
export function toCel(
  { incident, labels, annotations, inputs, service, steps, suspect, decision }: Variables,
  declared: Declarations,
  empty: EmptyWhereMissing,
  celTimestamp: (at: Timestamp) => unknown,
): Record<string, unknown> {
  return {
    incident: new Map(
      Object.entries({
        ...incident,
        title: cut(incident.title),
        firing: BigInt(incident.firing),
        opened_at: celTimestamp(incident.opened_at),
      }),
    ),
    labels: textMap(labels, empty.labels),
    annotations: textMap(annotations, empty.annotations),
    inputs: new Map(
      Object.entries(declared.inputs).map(([name, type]) => {
        const value = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
        return [name, type === 'integer' && typeof value === 'number' ? BigInt(Math.trunc(value)) : value];
      }),
    ),
    service: new Map<string, unknown>([
      ['team', service.team],
      ['tier', BigInt(service.tier)],
    ]),
    steps: new Map(
      declared.steps.map((id) => {
        const step = Object.hasOwn(steps, id) ? steps[id] : undefined;
        return [id, new Map(Object.entries({ status: step?.status ?? 'pending', output: fromJson(step?.output) }))];
      }),
    ),
    suspect: suspect && new Map(Object.entries(suspect)),
    decision: decision && new Map(Object.entries(decision)),
  };
}

const cut = (text: string): string => text.slice(0, MAX_TEXT_CHARS);

function textMap(given: ReadonlyMap<string, string>, empty: readonly string[]): Map<string, string> {
  const shortened = [...given].slice(0, MAX_ENTRIES).map(([name, text]) => [name, cut(text)] as const);
  return new Map([...empty.map((name) => [name, ''] as const), ...shortened]);
}

function fromJson(value: Json | undefined, depth = 0): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== 'object' || value === null) return value ?? null;
  if (depth >= MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((item) => fromJson(item, depth + 1));
  return new Map(
    Object.entries(value)
      .slice(0, MAX_ENTRIES)
      .map(([key, item]) => [key, fromJson(item, depth + 1)]),
  );
}

/** @throws RangeError for values that JSON cannot represent */
export function toJson(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), toJson(item)]));
  if (isPlain(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  if (isTime(value)) return timestamp(value.getTime());
  throw new RangeError('its result is not a string, number, boolean, list, or map');
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);

const isTime = (value: unknown): value is { getTime(): number } =>
  typeof value === 'object' && value !== null && 'getTime' in value && typeof value.getTime === 'function';

import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import { InstantIn, millisOf } from '../../../schemas/time/time.ts';

/** `null` for no sample from here on. The three texts are values that JSON numbers can't represent. */
const Value = z.union([z.number(), z.enum(['NaN', '+Inf', '-Inf'])]).nullable();

/** A series in the result of a query, with values at points in time, or at seconds from now. */
export const GivenSeries = z
  .strictObject({
    /** The exact text of the query. */
    query: z.string().min(1),
    labels: z
      .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'must be a valid label name'), z.string())
      .default({}),
    points: z.array(z.strictObject({ at: InstantIn.transform(millisOf), value: Value })).optional(),
    /** Negative for the past. Real seconds, not divided by the time scale. */
    steps: z.array(z.strictObject({ after_seconds: z.number(), value: Value })).optional(),
  })
  .refine(({ points, steps }) => (points === undefined) !== (steps === undefined), 'set either points or steps')
  .refine(({ points, steps }) => (points ?? steps ?? []).length > 0, 'set at least one point');
export type GivenSeries = z.infer<typeof GivenSeries>;

/** A point. `at` is in milliseconds since the Unix epoch; the value is formatted as in Prometheus. */
export type Point = { at: number; value: string | null };

/** A step function over time: a value applies until the next point. There is no value before the first point. */
export type Series = {
  query: string;
  labels: Readonly<Record<string, string>>;
  /** In chronological order. */
  points: Point[];
};

export function openSeries(db: DatabaseSync) {
  const stored = documents<Series>(db, 'prometheus series');
  const keyOf = ({ query, labels }: Pick<Series, 'query' | 'labels'>): [string, string] => [
    query,
    JSON.stringify(labels),
  ];
  /** Returns the series of one query, or all, sorted by labels as in Prometheus. */
  const of = (query: string | undefined): Series[] =>
    stored
      .all()
      .filter((series) => query === undefined || series.query === query)
      .toSorted((one, other) => (keyOf(one).join('\n') < keyOf(other).join('\n') ? -1 : 1));
  return {
    of,
    /** Adds points to a series, and creates it if needed. Replaces points at the same time. */
    add({ query, labels: given, points = [], steps = [] }: GivenSeries, now: number): void {
      const labels = sorted(given);
      const later = steps.map(({ after_seconds: s, value }) => ({ at: now + Math.round(s * 1000), value }));
      const before = stored.get(...keyOf({ query, labels }))?.points ?? [];
      const all = new Map(before.map((point) => [point.at, point]));
      for (const { at, value } of [...points, ...later])
        all.set(at, { at, value: value === null ? null : sampleText(value) });
      const inOrder = [...all.values()].toSorted((one, other) => one.at - other.at);
      stored.put({ query, labels, points: inOrder }, ...keyOf({ query, labels }));
    },
    /** Deletes the series of one query, or all. */
    drop(query: string | undefined): void {
      for (const series of of(query)) stored.drop(...keyOf(series));
    },
    isEmpty: () => stored.count() === 0,
  };
}

/** Returns the value at a time, or `null` if there is no sample. */
export const valueAt = ({ points }: Pick<Series, 'points'>, at: number): string | null =>
  points.findLast((point) => point.at <= at)?.value ?? null;

/**
 * Returns the time since which the series has had values without a gap, or undefined if it has no value at `at`.
 * Milliseconds since the Unix epoch.
 */
export function activeSince({ points }: Pick<Series, 'points'>, at: number): number | undefined {
  const past = points.filter((point) => point.at <= at);
  const gap = past.findLastIndex(({ value }) => value === null);
  return past[gap + 1]?.at;
}

const sorted = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Formats a number as Go does: exponents have at least two digits. */
const sampleText = (value: number | string): string => String(value).replace(/e([+-])(\d)$/, 'e$10$2');

import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { InstantIn, millisOf } from '../../../schemas/time/time.ts';

export const seriesTables = `
  create table if not exists prometheus_series (
    id integer primary key,
    query text not null,
    labels text not null,
    unique (query, labels)
  );
  create table if not exists prometheus_points (
    series integer not null references prometheus_series (id),
    at integer not null,
    value text,
    primary key (series, at)
  );
`;

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

export type SeriesStore = {
  /** Adds points to a series, and creates it if needed. Replaces points at the same time. */
  add(series: GivenSeries, now: number): void;
  /** Returns the series of one query, or all, sorted by labels as in Prometheus. */
  of(query: string | undefined): Series[];
  /** Deletes the series of one query, or all. */
  drop(query: string | undefined): void;
  isEmpty(): boolean;
};

export function openSeries(db: DatabaseSync): SeriesStore {
  const insert = db.prepare(`
    insert into prometheus_series (query, labels) values (?, ?)
    on conflict do update set query = query returning id`);
  const addPoint = db.prepare(`
    insert into prometheus_points (series, at, value) values (:id, :at, :value)
    on conflict do update set value = :value`);
  const select = db.prepare(`
    select * from prometheus_series where ?1 is null or query = ?1 order by query, labels`);
  const selectPoints = db.prepare('select at, value from prometheus_points where series = ? order by at');
  const dropPoints = db.prepare('delete from prometheus_points where series = ?');
  const drop = db.prepare('delete from prometheus_series where id = ?');
  const count = db.prepare('select count(*) as number from prometheus_series');

  const rows = (query: string | undefined) =>
    select.all(query ?? null) as { id: number; query: string; labels: string }[];
  return {
    add({ query, labels, points = [], steps = [] }, now) {
      const { id } = insert.get(query, JSON.stringify(sorted(labels))) as { id: number };
      const later = steps.map(({ after_seconds: s, value }) => ({ at: now + Math.round(s * 1000), value }));
      for (const { at, value } of [...points, ...later]) {
        addPoint.run({ id, at, value: value === null ? null : sampleText(value) });
      }
    },
    of: (selected) =>
      rows(selected).map(({ id, query, labels }) => ({
        query,
        labels: JSON.parse(labels) as Record<string, string>,
        points: selectPoints.all(id) as Point[],
      })),
    drop(query) {
      for (const { id } of rows(query)) {
        dropPoints.run(id);
        drop.run(id);
      }
    },
    isEmpty: () => (count.get() as { number: number }).number === 0,
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

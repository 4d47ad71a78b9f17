import { millisOf, type Timestamp } from '../../../schemas/time/time.ts';
import type { Curve } from './evidence.ts';

/** A sample. `at` is in milliseconds since the Unix epoch. */
export type Point = { at: number; value: number };

/**
 * Sorts the samples by time and drops values that are not finite and samples later than `until`. Of several values at
 * one time, the greatest counts: with several series, the worst one decides.
 */
export function pointsOf(curve: Curve, until: Timestamp): Point[] {
  const last = millisOf(until);
  const points: Point[] = [];
  let isOrdered = true;
  for (const [text, value] of curve) {
    const at = millisOf(text);
    if (!Number.isFinite(at) || !Number.isFinite(value) || at > last) continue;
    isOrdered &&= at > (points.at(-1)?.at ?? -Infinity);
    points.push({ at, value });
  }
  // Curves are read in order, those of hundreds of services for one decision.
  return isOrdered ? points : worstByTime(points);
}

/** Returns the values of a curve by their time in milliseconds. */
export const valuesByTime = (curve: Curve, until: Timestamp): Map<number, number> =>
  new Map(pointsOf(curve, until).map(({ at, value }) => [at, value]));

function worstByTime(points: readonly Point[]): Point[] {
  const worst = new Map<number, number>();
  for (const { at, value } of points) worst.set(at, Math.max(value, worst.get(at) ?? -Infinity));
  return [...worst].map(([at, value]) => ({ at, value })).toSorted((a, b) => a.at - b.at);
}

/** Returns the points from `from` (inclusive) to `to` (exclusive). */
export const pointsBetween = (points: readonly Point[], from: number, to: number): Point[] =>
  points.filter(({ at }) => at >= from && at < to);

/**
 * Returns the value that this share of the points is at or below, without interpolation, so it is always an observed
 * value.
 * @param share 0 to 1
 * @returns NaN for no points
 */
export function quantile(points: readonly Point[], share: number): number {
  const values = points.map(({ value }) => value).toSorted((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
}

export const median = (points: readonly Point[]): number => quantile(points, 0.5);

/**
 * Replaces each point by the median of itself and its neighbors, which removes single outliers and keeps steps in
 * place.
 */
export const smooth = (points: readonly Point[]): Point[] =>
  points.map(({ at }, index) => ({ at, value: median(points.slice(Math.max(0, index - 1), index + 2)) }));

/** @returns NaN for no points */
export const mean = (points: readonly Point[]): number =>
  points.reduce((sum, { value }) => sum + value, 0) / points.length;

/** Usual distance of two samples, and of two scrapes: a series begins, and a value is older than its time, by at most as much. */
export const USUAL_INTERVAL_MS = 30_000;

/** Returns the usual interval of the samples in milliseconds: that of the query, or that of the scrapes if it is longer. */
export function intervalOf(points: readonly Point[]): number {
  const gaps = points.slice(1).map(({ at }, index) => ({ at, value: at - (points[index]?.at ?? at) }));
  return Math.max(USUAL_INTERVAL_MS, median(gaps) || 0);
}

/** Distance of two samples, in intervals, between which nothing is known. */
const GAP_INTERVALS = 3;

/** Returns the milliseconds between two samples from which on some are missing between them. */
export const gapOf = (points: readonly Point[]): number => GAP_INTERVALS * intervalOf(points);

/** Returns whether the newest sample describes the present: none is missing since. */
export const isFresh = (points: readonly Point[], at: Timestamp): boolean =>
  millisOf(at) - (points.at(-1)?.at ?? -Infinity) <= gapOf(points);

import { millisOf, type Timestamp } from '../../schemas/time.ts';
import type { Curve } from './evidence.ts';

/** A sample, its time in milliseconds since the Unix epoch. */
export type Point = { at: number; value: number };

/**
 * Sorted by time, without what is no number and what is later than `until`. Of two values at one time the greater
 * counts, as of several series the worst one does.
 */
export function pointsOf(curve: Curve, until: Timestamp): Point[] {
  const worst = new Map<number, number>();
  const last = millisOf(until);
  for (const [text, value] of curve) {
    const at = millisOf(text);
    if (!Number.isFinite(at) || !Number.isFinite(value) || at > last) continue;
    worst.set(at, Math.max(value, worst.get(at) ?? -Infinity));
  }
  return [...worst].map(([at, value]) => ({ at, value })).toSorted((a, b) => a.at - b.at);
}

/** Those from `from` up to, and without, `to`. */
export const between = (points: readonly Point[], from: number, to: number): Point[] =>
  points.filter(({ at }) => at >= from && at < to);

/**
 * The value that this share of the points is at or below; no interpolation, so it is always a value that was seen.
 *
 * @param share 0 to 1
 * @returns NaN of no points
 */
export function quantile(points: readonly Point[], share: number): number {
  const values = points.map(({ value }) => value).toSorted((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
}

export const median = (points: readonly Point[]): number => quantile(points, 0.5);

/** Each point as the median of itself and its neighbours: a single outlier disappears, a step stays where it is. */
export const smooth = (points: readonly Point[]): Point[] =>
  points.map(({ at }, index) => ({ at, value: median(points.slice(Math.max(0, index - 1), index + 2)) }));

import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Curve, Health } from './evidence.ts';
import { median, type Point, pointsBetween, pointsOf } from './samples.ts';

/** Days that are read to find the start of a slow rise, and the seconds between two samples. */
export const LEAK_LOOK_BACK_SECONDS = 2 * 24 * 3600;
export const LEAK_STEP_SECONDS = 600;

/** Smallest rise within the usual samples that can be a part of a longer one, as a share of the limit. */
const RISING = 0.02;
/** Smallest part of that rise in each half of the time. */
const EACH_HALF = 0.25;
const MIN_SAMPLES = 60;

/** Minimum samples on each side of the start: one hour. */
const MIN_SIDE = 6;

/** Rise as a share of the limit, at least; the rise before the start, and its noise, as a share of that, at most. */
const MIN_RISE = 0.2;
const RISE_BEFORE = 0.25;
const NOISE = 0.15;

/** Share of the limit that the straight line must reach: otherwise something sudden passed the limit. */
const REACHED = 0.85;

/** Difference of squared errors, in variances, within which another start is as good (95 %). */
const AS_GOOD = 4;

/** The start of a slow rise, in milliseconds, with its bounds. */
export type SlopeStart = { at: number; earliest: number; latest: number };

/**
 * Returns whether the usual samples rise throughout, so that the start of the rise can be before them. Only then are older
 * samples worth a query.
 */
export function risesThroughout({ max, curve }: Health, alertStartedAt: Timestamp): boolean {
  const points = pointsOf(curve, alertStartedAt);
  if (points.length < MIN_SAMPLES || !(max > 0)) return false;
  const third = Math.floor(points.length / 3);
  const [early, middle, late] = [0, 1, 2].map((n) => median(points.slice(n * third, (n + 1) * third)));
  if (early === undefined || middle === undefined || late === undefined) return false;
  const rise = late - early;
  return rise >= RISING * max && middle - early >= EACH_HALF * rise && late - middle >= EACH_HALF * rise;
}

/**
 * Finds when a slow rise began that leads in a straight line to the limit, such as a leak: with the least squared error of
 * two straight lines, before and after. Null: there is none, or it was there all the time.
 *
 * @param passed milliseconds at which the limit was passed
 */
export function slopeStartOf(long: Curve, max: number, passed: number, until: Timestamp): SlopeStart | null {
  const points = pointsBetween(pointsOf(long, until), -Infinity, passed + 1);
  if (points.length < 2 * MIN_SIDE || !(max > 0)) return null;
  const lines = linesOf(points);
  const all = lines(0, points.length);
  const starts = points.slice(MIN_SIDE, points.length - MIN_SIDE + 1).map((_, n) => {
    const index = n + MIN_SIDE;
    const [before, after] = [lines(0, index), lines(index, points.length)];
    return { index, before, after, error: before.error + after.error };
  });
  const best = starts.reduce((least, one) => (one.error < least.error ? one : least));
  const [start, last] = [points[best.index], points.at(-1)];
  if (start === undefined || last === undefined) return null;
  const hours = last.at - start.at;
  const rise = best.after.slope * hours;
  const noise = Math.sqrt(Math.max(best.before.error / best.index, best.after.error / (points.length - best.index)));
  const isSlope =
    rise >= MIN_RISE * max &&
    best.before.slope * hours <= RISE_BEFORE * rise &&
    noise <= NOISE * rise &&
    best.error <= all.error / 2 &&
    best.after.valueAt(passed) >= REACHED * max;
  if (!isSlope) return null;
  const variance = best.error / Math.max(1, points.length - 5);
  const good = starts.filter(({ error }) => error <= best.error + AS_GOOD * variance + 1e-12);
  const [first, final] = [good[0] ?? best, good.at(-1) ?? best];
  // It began between two samples.
  return {
    at: start.at,
    earliest: points[first.index - 1]?.at ?? start.at,
    latest: points[final.index]?.at ?? start.at,
  };
}

type Line = { slope: number; error: number; valueAt: (at: number) => number };

/** Returns a function that fits a straight line to the points from an index to another, exclusive, by least squares. */
function linesOf(points: readonly Point[]): (from: number, to: number) => Line {
  const origin = points[0]?.at ?? 0;
  const sums = [{ x: 0, y: 0, xx: 0, xy: 0, yy: 0 }];
  for (const { at, value: y } of points) {
    const x = (at - origin) / 1000;
    const so = sums.at(-1) ?? { x: 0, y: 0, xx: 0, xy: 0, yy: 0 };
    sums.push({ x: so.x + x, y: so.y + y, xx: so.xx + x * x, xy: so.xy + x * y, yy: so.yy + y * y });
  }
  return (from, to) => {
    const count = to - from;
    const part = (key: 'x' | 'y' | 'xx' | 'xy' | 'yy'): number => (sums[to]?.[key] ?? 0) - (sums[from]?.[key] ?? 0);
    const [x, y] = [part('x') / count, part('y') / count];
    const [xx, xy, yy] = [part('xx') - count * x * x, part('xy') - count * x * y, part('yy') - count * y * y];
    const slope = xx > 0 ? xy / xx : 0;
    return {
      slope: slope / 1000,
      error: Math.max(0, yy - slope * xy),
      valueAt: (at) => y + slope * ((at - origin) / 1000 - x),
    };
  };
}

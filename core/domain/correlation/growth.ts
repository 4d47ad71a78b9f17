import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import type { Evidence } from './evidence.ts';
import type { Onset } from './onset.ts';
import { mean, median, pointsBetween, pointsOf } from './samples.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Minimum samples since the onset, and seconds that they cover. */
const MIN_SAMPLES = 4;
const MIN_SECONDS = 120;

/**
 * How much faster than a sudden problem errors must grow, as the logarithm of a factor: from none of the weight to all of
 * it. Less is noise.
 */
const NOTICEABLE = 0.1;
const CLEAR = 0.5;

/** For how many times as long as errors have been seen to grow they can have grown before. */
const HIDDEN = 2;

/** Returns the seconds for which errors that keep growing can have grown before they showed. */
export const hiddenGrowth = (evidence: Pick<Evidence, 'health' | 'at'>, onset: Onset): number =>
  HIDDEN * growthOf(evidence, onset) * secondsBetween(onset.at, evidence.at);

/**
 * Returns how clearly errors keep growing since the onset, from 0 to 1: as of a leak, or of a roll-out that goes on. The
 * second half of the time since then is compared with the first one. A sudden problem also grows for the length of the
 * window of the query, so the comparison is with that.
 */
export function growthOf({ health, at }: Pick<Evidence, 'health' | 'at'>, onset: Onset): number {
  if (health === null || onset.from !== 'health') return 0;
  const points = pointsOf(health.curve, at);
  const start = millisOf(onset.at);
  const since = pointsBetween(points, start + 1, Infinity);
  const length = (since.at(-1)?.at ?? start) - start;
  if (since.length < MIN_SAMPLES || length < MIN_SECONDS * 1000) return 0;
  const usual = median(points.filter((point) => point.at <= start)) || 0;
  const [first, second] = [
    pointsBetween(since, start, start + length / 2),
    pointsBetween(since, start + length / 2, Infinity),
  ].map((half) => mean(half) - usual);
  const window = (health.window ?? UNKNOWN_WINDOW_SECONDS.usual) * 1000;
  const sudden = meanOfSudden(length / 2, length, window) / meanOfSudden(0, length / 2, window);
  if (first === undefined || second === undefined || !(second > 0)) return 0;
  const growth = first <= 0 ? Infinity : Math.log(second / first / sudden);
  return Math.max(0, Math.min(1, (growth - NOTICEABLE) / (CLEAR - NOTICEABLE)));
}

/** Returns the mean, over a span after a sudden change, of a value that describes the window before it. */
function meanOfSudden(from: number, to: number, window: number): number {
  const sum = (time: number): number => (time < window ? time ** 2 / (2 * window) : time - window / 2);
  return (sum(to) - sum(from)) / (to - from);
}

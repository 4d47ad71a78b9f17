import { millisOf } from '../../../schemas/time/time.ts';
import { hasFallen, singleFailure } from './chance.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { sameVersion } from '../changes/versions.ts';
import type { Evidence, VersionSeries } from './evidence.ts';
import type { Onset } from './onset.ts';
import { windowOfVersions } from './series.ts';
import { isFresh, median, type Point, pointsBetween, pointsOf } from './samples.ts';

const MINUTE_MS = 60_000;

/** Time in milliseconds for which errors within their limit have ended. */
const ENDED_MS = 180_000;

/** Window in milliseconds up to which the values of a query show soon enough that errors fall. */
const SHORT_WINDOW_MS = 150_000;

/** Part of the errors of a minute ago from which on they have not become fewer. */
const LEVEL = 0.9;

/** Part of all requests that fail from which on it is impossible, with some tolerance for the times of scrapes. */
const MORE_THAN_ALL = 2;

/**
 * Errors of the last minutes. `fallen`: part of their height since the onset by which those of the last minute have fallen, from 0 to 1.
 * `isLevel`: they are no fewer than those of the minute before. `haveEnded`: those of the last three minutes are within the limit.
 */
export type LastMinutes = { fallen: number; isLevel: boolean; haveEnded: boolean };

/**
 * Returns the errors of the last minutes. A value of a ratio of requests describes its whole window, so it stays high, or keeps rising,
 * while errors end: what it gains in a time are the errors of that time. Values of other queries, and over a short or an unknown window,
 * are read as they are. Null: not known.
 */
export function lastMinutesOf(
  { health, traffic, at }: Pick<Evidence, 'health' | 'traffic' | 'at'>,
  onset: Onset,
): LastMinutes | null {
  if (health === null || onset.from !== 'health') return null;
  const whole = health.whole ?? null;
  const window = (health.window ?? 0) * 1000;
  const isLong = whole !== null && health.quantile !== true && window > SHORT_WINDOW_MS;
  const points = pointsOf(health.curve, at);
  const start = millisOf(onset.at);
  const usual = median(points.filter((point) => point.at <= start)) || 0;
  const since = pointsBetween(points, start + 1, Infinity);
  const minutes = isLong ? valuesOver(MINUTE_MS, points, { start, usual, window }) : since;
  const [last, before] = minutes.slice(-2).toReversed();
  if (last === undefined || before === undefined || !isFresh(points, at)) return null;
  // More than all requests cannot fail, so the values are not what their query says.
  if (isLong && minutes.some((point) => point.value > MORE_THAN_ALL * whole)) return null;
  // A scrape can fall into one minute instead of the next.
  const value = Math.max(last.value, before.value);
  const peak = Math.max(...minutes.map((point) => point.value));
  const single = singleFailure({ health, traffic, at });
  const hasFallenTo = (to: number, time: number): boolean =>
    hasFallen(peak, to, single === null || !isLong ? single : (single * window) / time);
  const newest = isLong
    ? valuesOver(ENDED_MS, points, { start, usual, window }).slice(-1)
    : pointsBetween(since, last.at - ENDED_MS, Infinity);
  const worst = Math.max(...newest.map((point) => point.value));
  const earlier = minuteBefore(minutes, last.at)?.value ?? peak;
  return {
    fallen: hasFallenTo(value, MINUTE_MS) ? Math.min(1, (peak - value) / (peak - usual)) : 0,
    isLevel: last.value > LEVEL * earlier,
    // Of few requests, none may fail for minutes by chance.
    haveEnded: last.at - start > ENDED_MS && worst <= health.max && hasFallenTo(worst, ENDED_MS),
  };
}

/** Returns whether the values of the health query are above their limit, and above that of a minute ago. */
export function areGrowing({ health, at }: Pick<Evidence, 'health' | 'at'>): boolean {
  const points = pointsOf(health?.curve ?? [], at);
  const [last, before] = [points.at(-1), minuteBefore(points, millisOf(at))];
  return health !== null && last !== undefined && last.value > Math.max(before?.value ?? NaN, health.max);
}

/** Returns the newest point that is at least a minute older than a time. */
const minuteBefore = (points: readonly Point[], at: number): Point | undefined =>
  points.findLast((point) => point.at <= at - MINUTE_MS);

/** Part of its usual requests in the last minute from which on a version serves. */
const SERVES = 0.5;

/** Returns whether another version also takes requests now, so that the next samples can tell them apart. */
export function servesBeside(evidence: Evidence, { version }: Pick<Change, 'version'>, onset: Onset): boolean {
  const { by_version, by_version_close: close, callers } = evidence;
  const own = close ?? (by_version && { versions: by_version, window: windowOfVersions(evidence) });
  return [own, callers].some((seen) =>
    (seen?.versions ?? []).some(
      (one) => !sameVersion(one.version, version) && isServing(one, (seen?.window ?? 0) * 1000, evidence, onset),
    ),
  );
}

function isServing({ traffic }: VersionSeries, window: number, { at }: Evidence, onset: Onset): boolean {
  if (traffic === null) return true;
  const points = pointsOf(traffic, at);
  const start = millisOf(onset.earliest) - window;
  const usual = median(points.filter((point) => point.at <= start));
  const last = (window > MINUTE_MS ? valuesOver(MINUTE_MS, points, { start, usual, window }) : points).at(-1);
  return last !== undefined && isFresh(points, at) && !(last.value < SERVES * usual);
}

/** Returns the values since a time as those of a query over a shorter one, in milliseconds. */
function valuesOver(
  time: number,
  points: readonly Point[],
  { start, usual, window }: { start: number; usual: number; window: number },
): Point[] {
  const values: Point[] = [];
  // Indexes of the last point that is `time` older than the current one, and of the last value that has left the window.
  let [before, left] = [-1, -1];
  for (const { at, value } of points) {
    while ((points[before + 1]?.at ?? Infinity) <= at - time) before += 1;
    while ((values[left + 1]?.at ?? Infinity) <= at - window) left += 1;
    const earlier = points[before];
    if (at <= start || earlier === undefined) continue;
    const gained = ((value - earlier.value) * window) / (at - earlier.at);
    values.push({ at, value: gained + (values[left]?.value ?? usual) });
  }
  return values;
}

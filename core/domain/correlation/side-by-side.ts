import type { Timestamp } from '../../../schemas/time/time.ts';
import { FAR_WORSE, MIN_REQUESTS } from './chance.ts';
import type { Series } from './evidence.ts';
import { type Point, pointsOf, valuesByTime } from './samples.ts';

/** What monitoring shows of one version: the health query and the requests per second. */
export type VersionCurves = Series & { traffic: NonNullable<Series['traffic']> };

/** How a value of the health query relates to requests. */
export type Measure = {
  /** Seconds that a value covers. */
  window: number;
  /** Healthy up to this value. */
  max: number;
  /** Value if all requests fail. */
  whole: 1 | 100;
  /** The health query is this quantile, from 0 to 1. Absent: it is a ratio of failed requests. */
  quantile?: number;
  /** The window is the shortest over which a rate is reliable: four scrapes. */
  isShortest?: true;
};

/** The time in which requests are compared: from when a version began to fail, in milliseconds. */
type Compared = { from: number; until: Timestamp; measure: Measure };

/** Requests, and failed ones, of two versions in the time in which both served, and its length in seconds. */
export type Beside = { own: Counts; other: Counts; seconds: number };
type Counts = { requests: number; failed: number };

/**
 * Part of the requests of the other version after which it has served its time. Rates are extrapolated, so the requests seem
 * to grow a little for the rest of the window.
 */
const MOST = 2 / 3;

/** Minimum failed requests of the suspect and of the other version. */
const MIN_FAILED = 5;
const MIN_FAILED_OF_OTHER = 2;

/**
 * Minimum of the G statistic: with the same error ratio in both versions, it is as large once in 100,000 times. Failures
 * come in bursts, and even if each one counts twice, once in 600 times.
 */
const MIN_G = 20;

/**
 * Minimum time side by side: seconds, and as a share of the window. A series that begins with an error shows the next ones
 * only after another scrape, and a window has at least four scrapes.
 */
export const MIN_SECONDS_SIDE_BY_SIDE = 60;
const MIN_OF_WINDOW = 0.25;

/** The same of the shortest window: two of its four scrapes, and the distance of two samples in seconds. */
const MIN_OF_SHORTEST = 0.5;
const SAMPLE_SECONDS = 15;

/** Minimum requests to the other version, and by how much they must exceed what raises a quantile of the window. */
const MIN_REQUESTS_OF_QUANTILE = 50;
const BEYOND_QUANTILE = 3;

/**
 * Returns whether a version fails and another one, which served at the same time, does not: by more than chance, and only
 * by the requests since the version fails. A value describes the window before it, so the part from before is subtracted.
 * A version that was replaced just before the problem began has no such requests.
 */
export function differsBeside(own: VersionCurves, other: VersionCurves, compared: Compared): boolean {
  const { measure } = compared;
  if (measure.quantile !== undefined) return servedEnough(other, compared, measure.quantile);
  const counts = countsBeside(own, other, compared);
  if (counts === null) return false;
  const [ownRatio, otherRatio] = [ratio(counts.own), ratio(counts.other)];
  const limit = measure.max / measure.whole;
  return (
    counts.seconds >= leastSeconds(measure) &&
    counts.own.requests >= MIN_REQUESTS &&
    counts.other.requests >= MIN_REQUESTS &&
    counts.own.failed >= MIN_FAILED &&
    ownRatio > limit &&
    otherRatio <= limit &&
    ownRatio >= FAR_WORSE * otherRatio &&
    gOf(counts) >= MIN_G
  );
}

/**
 * Returns whether the other version fails as well, by its requests since one fails. Its ratio over the window still contains
 * the healthy time before, which a new version does not have.
 */
export function otherFailsBeside(own: VersionCurves, other: VersionCurves, compared: Compared): boolean {
  const { measure } = compared;
  if (measure.quantile !== undefined) return false;
  const counts = countsBeside(own, other, compared);
  return (
    counts !== null &&
    counts.other.requests >= MIN_REQUESTS &&
    counts.other.failed >= MIN_FAILED_OF_OTHER &&
    ratio(counts.other) > measure.max / measure.whole
  );
}

/** Counts the requests to both versions since one of them fails, until the other one has served its time. Null: none. */
export function countsBeside(own: VersionCurves, other: VersionCurves, compared: Compared): Beside | null {
  const { from, until, measure } = compared;
  const [ownTotals, otherTotals] = [totals(own, compared), totals(other, compared)];
  const most = Math.max(0, ...otherTotals.map(({ requests }) => requests));
  // Longer windows still show requests of a version that is gone.
  const end =
    measure.isShortest === true && keepsRate(pointsOf(other.traffic, until), from)
      ? otherTotals.at(-1)
      : otherTotals.find(({ requests }) => requests > 0 && requests >= MOST * most);
  const last = ownTotals.findLast(({ at }) => end !== undefined && at <= end.at);
  return end === undefined || last === undefined ? null : { own: last, other: end, seconds: (end.at - from) / 1000 };
}

/** Part of an earlier rate of requests from which on it is about the same. */
const STEADY = 0.8;

/** Returns whether a version takes about as many requests as at an earlier time in milliseconds: it is not being replaced. */
export function keepsRate(rates: readonly Point[], since: number): boolean {
  const [before, newest] = [rates.findLast(({ at }) => at <= since), rates.at(-1)];
  return before !== undefined && newest !== undefined && newest.value >= STEADY * before.value;
}

/** Time in seconds for which requests are counted, at most, if the window is shorter. */
const COUNTED_SECONDS = 300;

/** Returns the requests and failed ones from a time on, at each sample. The values of successive windows add up. */
function totals({ curve, traffic }: VersionCurves, { from, until, measure }: Compared): (Counts & { at: number })[] {
  const length = measure.window * 1000;
  const values = valuesByTime(curve, until);
  const rates = pointsOf(traffic, until);
  const inWindow = ({ at, value }: Point): Counts => {
    const requests = Math.max(0, value) * measure.window;
    const failed = Math.max(0, values.get(at) ?? 0) / measure.whole;
    return { requests, failed: requests * Math.min(1, failed) };
  };
  const first = rates.findLast(({ at }) => at <= from);
  const before = first === undefined || from - first.at > length ? { requests: 0, failed: 0 } : inWindow(first);
  const found: (Counts & { at: number })[] = [];
  for (const point of rates.filter(({ at }) => at > from && at <= from + Math.max(length, COUNTED_SECONDS * 1000))) {
    const all = inWindow(point);
    const begin = point.at - length;
    const earlier = begin < from ? { requests: 0, failed: 0 } : countedAt(found, begin, from);
    const left = Math.max(0, 1 - (point.at - from) / length);
    found.push({
      at: point.at,
      requests: Math.max(0, earlier.requests + all.requests - before.requests * left),
      failed: Math.max(0, earlier.failed + all.failed - before.failed * left),
    });
  }
  return found;
}

/** Returns the counts at a time, between the two samples around it; none at `from`. */
function countedAt(counts: readonly (Counts & { at: number })[], time: number, from: number): Counts {
  const next = counts.find(({ at }) => at >= time) ?? counts.at(-1);
  const previous = counts.findLast(({ at }) => at < time) ?? { at: from, requests: 0, failed: 0 };
  if (next === undefined) return previous;
  const part = next.at > previous.at ? Math.min(1, (time - previous.at) / (next.at - previous.at)) : 1;
  return {
    requests: previous.requests + part * (next.requests - previous.requests),
    failed: previous.failed + part * (next.failed - previous.failed),
  };
}

/** Returns whether so many requests of the window came since then that the quantile would show if they were slow. */
function servedEnough(other: VersionCurves, compared: Compared, quantile: number): boolean {
  const { until, measure } = compared;
  const rates = valuesByTime(other.traffic, until);
  return totals(other, compared).some(
    ({ at, requests }) =>
      requests >= MIN_REQUESTS_OF_QUANTILE &&
      requests >= Math.min(1, BEYOND_QUANTILE * (1 - quantile)) * ((rates.get(at) ?? Infinity) * measure.window),
  );
}

/** Returns the minimum time in seconds for which versions must have served side by side. */
export const leastSeconds = ({ window, isShortest }: Pick<Measure, 'window' | 'isShortest'>): number =>
  Math.max(
    MIN_SECONDS_SIDE_BY_SIDE,
    isShortest === true ? MIN_OF_SHORTEST * window + SAMPLE_SECONDS : MIN_OF_WINDOW * window,
  );

const ratio = ({ requests, failed }: Counts): number => (requests > 0 ? Math.min(1, failed / requests) : 0);

/** Returns the G statistic of two failure ratios: how much better two ratios explain the counts than one for both. */
function gOf({ own, other }: Beside): number {
  const all = ratio({ requests: own.requests + other.requests, failed: own.failed + other.failed });
  return 2 * [own, other].reduce((sum, one) => sum + one.requests * divergence(ratio(one), all), 0);
}

function divergence(one: number, all: number): number {
  const term = (a: number, b: number): number => (a > 0 ? a * Math.log(a / b) : 0);
  return term(one, all) + term(1 - one, 1 - all);
}

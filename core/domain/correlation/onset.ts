import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { greatestByChance, limitBeyondChance, singleFailure } from './chance.ts';
import type { Evidence, Health, OnsetEvidence } from './evidence.ts';
import { slopeStartOf } from './leak.ts';
import { healthWithZeros } from './zeros.ts';
import { mean, pointsBetween, type Point, pointsOf, quantile, smooth, USUAL_INTERVAL_MS } from './samples.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

export type Onset = {
  /** The most probable start of the problem. */
  at: Timestamp;
  from: 'health' | 'rule' | 'alert';
  /** The problem began neither before nor after these, as far as the samples show. */
  earliest: Timestamp;
  latest: Timestamp;
  /** Seconds from the departure from the baseline until the limit was passed. Null: not measured. */
  rise: number | null;
  /** It is the start of a slow rise over hours, such as a leak. Absent: it is not. */
  slope?: true;
};

/**
 * Returns the onset, which is before the alert: the departure of the health query from its baseline, else the alert's
 * start minus the rule's `for` and one evaluation interval, else the alert's start.
 */
export function onsetOf(
  evidence: Pick<Evidence, 'onset' | 'health' | 'at'> & Partial<Pick<Evidence, 'traffic'>>,
): Onset {
  const { onset, at } = evidence;
  const health = healthWithZeros(evidence);
  const { alertStartedAt, rule } = onset;
  const single = singleFailure({ health, traffic: evidence.traffic ?? null, at });
  const departed = health === null ? null : departureOf(health, badAt(health, onset, at), at, single);
  if (departed !== null && health !== null)
    return notAfter(startOfSlope(health, departed, at) ?? departed, alertStartedAt);
  if (rule === null) {
    // Without its rule, the alert may have been pending for some minutes.
    return { at: alertStartedAt, from: 'alert', earliest: alertStartedAt, latest: alertStartedAt, rise: null };
  }
  const began = plusSeconds(alertStartedAt, -(rule.forSeconds + rule.intervalSeconds));
  const latest = plusSeconds(alertStartedAt, -rule.forSeconds);
  return { at: began, from: 'rule', earliest: began, latest, rise: null };
}

/** Time in seconds after the start of an alert without `for` within which the first sample above the limit can follow. */
const BETWEEN_SAMPLES_SECONDS = 60;

/**
 * Returns a time at which the curve must be above its limit: the start of the alert or, if its rule does not wait, the
 * first sample after it, because the rule is evaluated between two samples.
 */
function badAt({ max, curve }: Health, { alertStartedAt, rule }: OnsetEvidence, now: Timestamp): Timestamp {
  const bad = now < alertStartedAt ? now : alertStartedAt;
  if (rule !== null && rule.forSeconds >= BETWEEN_SAMPLES_SECONDS) return bad;
  const next = pointsOf(curve, now).find((point) => point.at > millisOf(bad));
  const isSoon = next !== undefined && next.at - millisOf(bad) <= BETWEEN_SAMPLES_SECONDS * 1000;
  return isSoon && next.value > max ? timestamp(next.at) : bad;
}

/** Returns the start of a slow rise that leads to this departure. Null: there is none, or older samples were not read. */
function startOfSlope({ long, max }: Health, { at, rise }: Onset, until: Timestamp): Onset | null {
  const passed = millisOf(at) + (rise ?? 0) * 1000;
  const start = long === undefined ? null : slopeStartOf(long, max, passed, until);
  return start === null || start.at > millisOf(at)
    ? null
    : { ...measured(start.earliest, start.at, start.latest, passed), slope: true };
}

/** Bounds a measured onset by the start of the alert, which can lie between two samples. */
const notAfter = (onset: Onset, alert: Timestamp): Onset => ({
  ...onset,
  at: onset.at < alert ? onset.at : alert,
  earliest: onset.earliest < alert ? onset.earliest : alert,
  latest: onset.latest < alert ? onset.latest : alert,
});

/** Longest run of good samples, and longest gap in seconds, within one problem. Values near the limit are noisy. */
const DIPS_MAX = 2;
const GAP_MAX_SECONDS = 300;

/** Share of the samples below the baseline: low, because a slow leak fills most of the look-back. */
const BASELINE = 0.3;

/** Minimum number of samples of the baseline; with fewer, only the first sample above the limit is known. */
const MIN_BASELINE = 8;

/**
 * Distance from the baseline that may be a departure, and that certainly is one: in typical deviations, and as a share of
 * the way to the limit.
 */
const POSSIBLE = { deviations: 4, share: 0.2 };
const CERTAIN = { deviations: 8, share: 0.5 };

/** How much longer than the window a sudden problem may take to rise; what takes longer is slow, or begins with noise. */
const SUDDEN = 1.5;

/** Minimum duration of a slow rise. Windows of `rate()`, mostly up to 5 minutes, smear a step over their length. */
export const SLOW_RISE_SECONDS = 600;

/**
 * Finds when the curve departed from its baseline in the run of bad samples that reaches `bad`.
 *
 * A value describes the window before it, so a sudden problem rises over the length of the window: its start is
 * extrapolated. The last sample near the baseline can contain as much of the problem as the noise hides.
 *
 * @param bad the newest time at which the curve must be above its limit, such as the start of the alert
 * @param until samples after it are not read
 * @param single value that a single failed request causes. Null: not known
 * @returns null if it was not above its limit then
 */
export function departureOf(
  { max, curve, window = null }: Health,
  bad: Timestamp,
  until: Timestamp,
  single: number | null = null,
): Onset | null {
  if (!Number.isFinite(max)) return null;
  const points = pointsOf(curve, until);
  const limit = limitOf(points, { max, bad, single });
  const first = startOfRun(points, millisOf(bad), ({ value }) => value > limit);
  const passed = points[first];
  if (passed === undefined) return null;
  const before = pointsBetween(points, -Infinity, passed.at).filter(({ value }) => value <= max);
  const previous = points[first - 1];
  const level = quantile(before, BASELINE);
  if (before.length < MIN_BASELINE) return measured(previous?.at ?? passed.at, passed.at, passed.at, passed.at);
  const spread = Math.max(0, level - quantile(before, 0.05));
  const chance = single === null ? 0 : greatestByChance(mean(before), single) - level;
  const above = ({ deviations, share }: typeof POSSIBLE): number =>
    Math.min(limit, level + Math.max(deviations * spread, share * (max - level), chance));
  const calm = smooth(points);
  const [run, next] = [points.slice(0, first + 1), points[first + 1]?.at ?? passed.at];
  const departure = (least: number): Point =>
    run[startOfRun(run, next, ({ value }, index) => Math.min(value, calm[index]?.value ?? value) > least)] ?? passed;
  const [start, certain] = [departure(above(POSSIBLE)), departure(above(CERTAIN))];
  const normal = points.findLast(({ at }) => at < start.at) ?? start;
  // The level of the problem, once the window contains nothing else.
  const wide = (window ?? UNKNOWN_WINDOW_SECONDS.usual) * 1000;
  const risen = pointsBetween(points, start.at, Math.max(passed.at, start.at + wide) + 1);
  const peak = Math.max(...risen.map(({ value }) => value));
  const half = risen.find(({ value }) => value >= level + (peak - level) / 2) ?? start;
  const share = (value: number): number => (peak > level ? (value - level) / (peak - level) : 1);
  const climbed = share(half.value) - share(start.value);
  const length = half.at > start.at && climbed > 0 ? (half.at - start.at) / climbed : 0;
  const slowest = Math.max(length, window === null ? 0 : wide);
  const hidden = Math.max(0, share(above(POSSIBLE))) * slowest;
  const earliest = normal.at - hidden - USUAL_INTERVAL_MS;
  const guess = start.at - share(start.value) * length;
  // A sudden problem has its level after one window, and does not go back to the baseline on its way.
  const usual = Math.min(1, SUDDEN * (share(certain.value) - share(start.value))) * wide + USUAL_INTERVAL_MS;
  const isSudden =
    certain.at - start.at <= usual &&
    pointsBetween(calm, start.at, certain.at).every(({ value }) => value > above(POSSIBLE));
  const latest = isSudden ? start.at : certain.at;
  return measured(earliest, Math.max(Math.min(normal.at, start.at), Math.min(guess, start.at)), latest, passed.at);
}

/** Returns the value above which errors begin: where there had been none, a single failed request is chance. */
function limitOf(
  points: readonly Point[],
  { max, bad, single }: { max: number; bad: Timestamp; single: number | null },
): number {
  const passed = points[startOfRun(points, millisOf(bad), ({ value }) => value > max)];
  if (passed === undefined) return max;
  const before = points.filter(({ at, value }) => at < passed.at && value <= max);
  return before.length >= MIN_BASELINE && mean(before) === 0 ? limitBeyondChance(max, 0, single) : max;
}

const measured = (earliest: number, at: number, latest: number, passed: number): Onset => ({
  at: timestamp(Math.round(at)),
  from: 'health',
  earliest: timestamp(Math.round(Math.min(earliest, at))),
  latest: timestamp(Math.round(latest)),
  rise: Math.max(0, Math.round((passed - at) / 1000)),
});

/**
 * Returns the index of the first bad sample in the run that reaches `until`; -1 if there is none. Earlier, separate runs don't
 * belong to this problem.
 */
function startOfRun(points: readonly Point[], until: number, isBad: (point: Point, index: number) => boolean): number {
  let first = -1;
  let next = until;
  let dips = 0;
  for (let index = points.findLastIndex(({ at }) => at <= until); index >= 0; index -= 1) {
    const point = points[index];
    if (point === undefined || next - point.at > GAP_MAX_SECONDS * 1000) break;
    next = point.at;
    if (isBad(point, index)) [first, dips] = [index, 0];
    else if (++dips > DIPS_MAX) break;
  }
  return first;
}

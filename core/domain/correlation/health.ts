import { clockText, millisOf, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { putsVersionLive } from '../changes/versions.ts';
import { counted } from '../reports/words.ts';
import { DOUBLED, hasFallen, limitBeyondChance, singleFailure } from './chance.ts';
import { called, type Candidate, CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
import type { Curve, Evidence, Health } from './evidence.ts';
import { explainedSpans, outside } from './explained.ts';
import { applying, type Factor, weightedFactor, gradedFactor, unweightedFactor } from './factor.ts';
import { type Onset, SLOW_RISE_SECONDS } from './onset.ts';
import { gapOf, isFresh, median, type Point, pointsBetween, pointsOf, quantile, smooth } from './samples.ts';
import { hasLimit } from './series.ts';
import { formatAmount, formatHealth, formatPercent, formatDuration } from './words.ts';

/** Length of the baseline before a change. */
const BASELINE_SECONDS = 3600;

/** Minimum number of samples before the change and since the onset; with fewer, the curve cannot show a step. */
export const MIN_BEFORE = 5;
export const MIN_SINCE = 2;

/** Minimum baseline as a share of the limit: near zero, every error would be a large multiple. */
const FLOOR_OF_MAX = 0.1;

/** Ratio below which a rise can be noise. */
const NOTICEABLE = 1.3;
/** Ratio from which a step gets its maximum weight. */
const LARGE = 10;

/** Share of samples above the limit before the change that, with at least two samples, is not a coincidence. */
const BAD_BEFORE_SHARE = 0.05;

/** Values of the health query around one change. */
export type Course = {
  max: number;
  /** `max` is the height of the incident before a change that made it worse. */
  isHeight: boolean;
  /** Greatest possible value, if many requests failed before that change: then successes are compared, too. */
  whole: number;
  before: Point[];
  since: Point[];
  /** Median of `before`; NaN if `before` is empty. */
  baseline: number;
  /** Error level since the onset: the third quartile, which is robust against a single outlier and a smeared start. */
  level: number;
  /**
   * Ratio of level to baseline, where the baseline has a floor derived from `max`. Null: too few samples, or a query
   * with negative values.
   */
  ratio: number | null;
  /** The rise has lasted for hours, and its start is known. `uncertain`: from 0, exact, to 1, within half an hour. */
  slope: { uncertain: number } | null;
  /** Value that a single failed request causes. Null: not known. */
  single: number | null;
  /** Formats a value of the health query. */
  shown: (value: number) => string;
  /** Duration in seconds of a slow rise from the departure from the baseline to the limit. Null: no slow rise. */
  slow: number | null;
};

/** @returns null if there is no health query or it returned no answer */
export function courseOf(evidence: Evidence, { change, timing }: Candidate, onset: Onset): Course | null {
  const { health, at } = evidence;
  if (!hasLimit(health)) return null;
  const { max } = health;
  const recent = pointsOf(health.curve, at);
  const older = pointsOf(health.long ?? [], at).filter((point) => point.at < (recent[0]?.at ?? Infinity));
  const points = [...older, ...recent];
  // If the clock is in doubt, errors that seem slightly older than the change can still be caused by it.
  const start = millisOf(change.started_at) - (timing === 'clock_skew' ? CLOCK_TOLERANCE_SECONDS * 1000 : 0);
  const before = baselineBefore(evidence, points, start);
  const since = pointsBetween(points, millisOf(onset.latest), Infinity);
  const baseline = median(before);
  const level = quantile(since, 0.75);
  const whole = health.is_height === true ? ceilingOf(health, points) : Infinity;
  const base = Math.max(baseline, max * FLOOR_OF_MAX);
  const enough = before.length >= MIN_BEFORE && since.length >= MIN_SINCE && baseline >= 0 && max >= 0;
  return {
    max,
    isHeight: health.is_height === true,
    whole,
    before,
    since,
    baseline,
    level,
    single: singleFailure(evidence),
    ratio: enough ? Math.max(ratioOf(level, base), remainingOf(level, base, whole)) : null,
    slope: onset.slope
      ? { uncertain: Math.min(1, secondsBetween(onset.earliest, onset.latest) / LOOK_BACK_SECONDS) }
      : null,
    shown: (value) => formatHealth(value, health.whole),
    slow: onset.rise !== null && onset.rise > Math.max(SLOW_RISE_SECONDS, 2 * (health.window ?? 0)) ? onset.rise : null,
  };
}

/**
 * Returns the samples of the hour before `start`, without the times at which another change explains them. The hour is then as
 * much longer.
 */
function baselineBefore(evidence: Evidence, points: readonly Point[], start: number): Point[] {
  const from = start - BASELINE_SECONDS * 1000;
  const spans = explainedSpans(evidence, points).filter(({ until }) => until <= start);
  const explained = spans.reduce((sum, span) => sum + Math.max(0, span.until - Math.max(span.from, from)), 0);
  return outside(pointsBetween(points, from - explained, start), spans);
}

const ratioOf = (level: number, base: number): number => (base > 0 ? level / base : level > 0 ? Infinity : 1);

/** Returns by how much the part that still succeeds has shrunk: 2 if half of it is left. */
const remainingOf = (level: number, base: number, whole: number): number =>
  Number.isFinite(whole) && base < whole ? ratioOf(whole - base, whole - level) : 0;

/** Returns the greatest possible value of a share of the requests; infinity if the query is none. */
export const ceilingOf = ({ whole }: Health, points: readonly Point[]): number =>
  whole !== undefined && points.every(({ value }) => value <= whole) ? whole : Infinity;

/** Weighs the curve of the health query for or against one change. */
export function healthFactors(course: Course, candidate: Candidate, onset: Onset): Factor[] {
  const earlier = badBefore(course, candidate) ?? risingBefore(course, candidate) ?? slowFactor(course);
  return applying([earlier, stepFactor(course, candidate, onset)]);
}

function badBefore(course: Course, candidate: Candidate): Factor | null {
  const { before, max, baseline, single, shown } = course;
  const limit = limitBeyondChance(max, baseline || 0, single);
  const bad = before.filter(({ value }) => value > limit).length;
  if (bad < 2 || bad < before.length * BAD_BEFORE_SHARE) return null;
  const right = before.slice(-3).filter(({ value }) => value > limit).length >= 2;
  const times = `${bad} of ${counted(before.length, 'sample')} in the hour before ${called(candidate)}`;
  return right
    ? weightedFactor('bad_before', `the health query was already above ${shown(max)}, in ${times}`)
    : weightedFactor('bad_earlier', `the health query had been above ${shown(max)} earlier, in ${times}`);
}

/**
 * Detects whether all of the last three samples before the change stand clearly above the level that was usual until
 * five minutes before it.
 */
function risingBefore(course: Course, candidate: Candidate): Factor | null {
  const { before, max, baseline, single, shown } = course;
  const start = before.at(-1)?.at ?? 0;
  const usual = before.filter(({ at }) => at < start - 300_000);
  const last = before.slice(-3);
  if (usual.length < MIN_BEFORE || last.length < 3) return null;
  const high = quantile(usual, 0.9);
  const lowest = Math.min(...last.map(({ value }) => value));
  const limit = limitBeyondChance(0, baseline, single);
  if (high < 0 || lowest < 1.5 * high || lowest - high < 0.15 * max || lowest <= limit) return null;
  return weightedFactor(
    'rising_before',
    `the health query had risen from ${shown(high)} to ${shown(lowest)} before ${called(candidate)} began`,
  );
}

/** The less exactly the start of a slow rise is known, the more it speaks against one change. */
const slowFactor = ({ slow, slope }: Course): Factor | null =>
  slow === null
    ? null
    : gradedFactor('slow_rise', `errors rose slowly, over ${formatDuration(slow)}, as of a leak or of growing load`, {
        slow_rise: slope === null ? 1 : slope.uncertain,
      });

/** Returns whether errors have at least doubled since the change, and are above their limit. */
export const haveRisenClearly = (factors: readonly Factor[]): boolean =>
  factors.some(({ features }) => features.large_step !== undefined);

/**
 * Returns whether errors are at least twice as high as before the change, and have not exceeded their limit since the problem began:
 * the alert is about that rise, as one about a burn rate or a version, and the limit does not show that the problem is over.
 */
export const isRisenWithinLimit = (course: Course | null): boolean =>
  course !== null &&
  course.ratio !== null &&
  course.ratio >= DOUBLED &&
  course.since.every(({ value }) => value <= course.max);

function stepFactor(course: Course, candidate: Candidate, { at }: Onset): Factor {
  const { ratio, baseline, level, max, whole, before, since, shown } = course;
  if (ratio === null)
    return unweightedFactor(
      'step',
      // `unmeasured` says so, and decides.
      since.length < MIN_SINCE && before.length >= MIN_BEFORE
        ? ''
        : `the health query cannot be compared before and after ${called(candidate)}: ` +
            `${counted(before.length, 'sample')} before it, ${since.length} since the problem began`,
    );
  // Of almost zero, it says nothing that the values do not.
  const times = baseline > 0 && level / baseline < 1000 ? `${formatAmount(level / baseline)} times` : null;
  const left =
    Number.isFinite(whole) && level < DOUBLED * baseline
      ? `${formatPercent(1 - baseline / whole)} succeeded before, and ${formatPercent(1 - level / whole)} do now`
      : null;
  const seconds = (millisOf(at) - millisOf(candidate.change.started_at)) / 1000;
  const when =
    seconds >= 0 ? `${formatDuration(seconds)} after ${called(candidate)} began` : `as ${called(candidate)} began`;
  if (course.slope !== null)
    return unweightedFactor(
      'step',
      `the health query has risen in a straight line since ${clockText(at)}, from ${shown(baseline)} before ${called(candidate)}; healthy up to ${shown(max)}`,
    );
  const limit = course.isHeight ? `the incident itself had been below ${shown(max)}` : `healthy up to ${shown(max)}`;
  const facts = [times, left, limit].filter((fact) => fact !== null).join('; ');
  const text = `the health query went from ${shown(baseline)} to ${shown(level)} (${facts}) ${when}`;
  if (ratio < NOTICEABLE)
    return weightedFactor(
      'no_step',
      `the health query is at ${shown(level)}, and was at ${shown(baseline)} before ${called(candidate)} ` +
        `(median of ${counted(before.length, 'sample')}): no noticeable rise`,
    );
  if (ratio < DOUBLED) return weightedFactor('small_step', `${text}: less than double`);
  if (level <= max) return unweightedFactor('step', `${text}: still within its limit`);
  const grown = Math.min(1, Math.log(ratio / DOUBLED) / Math.log(LARGE / DOUBLED));
  return gradedFactor('step', text, { large_step: grown });
}

/**
 * Detects that the problem is over or never existed: the newest samples are within the limit. A single sample can be
 * noise, so it prevents automatic action but is not evidence against the change.
 */
export function healthyNow(
  { health, at }: Pick<Evidence, 'health' | 'at'>,
  onset: Onset,
): Factor<'healthy_now' | 'healthy_just_now'> | null {
  if (!hasLimit(health)) return null;
  const points = pointsOf(health.curve, at);
  const from = Math.max(millisOf(at) - gapOf(points), millisOf(onset.latest));
  const [last, before] = pointsBetween(points, from, Infinity).slice(-2).toReversed();
  if (last === undefined || last.value > health.max) return null;
  const value = formatHealth(last.value, health.whole);
  const limit = `within its limit of ${formatHealth(health.max, health.whole)}`;
  return before !== undefined && before.value <= health.max
    ? weightedFactor('healthy_now', `the health query is at ${value} now, ${limit}`)
    : weightedFactor(
        'healthy_just_now',
        `the newest sample of the health query, ${value}, is ${limit}: the problem may be over`,
      );
}

/** Minimum age of the peak in seconds; the part of it by which errors have fallen for the whole weight, and at least. */
const FALLING_SECONDS = 60;
const FALLEN = 0.4;
const SLIGHTLY_FALLEN = 0.4;

/** Detects that errors are above the limit but already falling. A bad version that keeps running would keep failing. */
export function falling(
  { health, at, traffic }: Pick<Evidence, 'health' | 'at' | 'traffic'>,
  onset: Onset,
): Factor<'falling'> | null {
  if (!hasLimit(health) || onset.from !== 'health') return null;
  const calm = pointsBetween(smooth(pointsOf(health.curve, at)), millisOf(onset.latest), Infinity);
  const peak = Math.max(...calm.map(({ value }) => value));
  const peakAt = calm.findLast(({ value }) => value === peak)?.at ?? Infinity;
  const since = calm.filter((point) => point.at > peakAt);
  const last = calm.at(-1);
  if (last === undefined || last.at - peakAt < FALLING_SECONDS * 1000) return null;
  const fallen = Math.min(1, (1 - last.value / peak) / FALLEN);
  if (last.value <= health.max || fallen < SLIGHTLY_FALLEN) return null;
  if (!hasFallen(peak, last.value, singleFailure({ health, traffic, at }))) return null;
  const falls = since.every((point, index) => point.value <= (since[index - 1]?.value ?? peak) * 1.1);
  const text = `errors are falling already, from ${formatHealth(peak, health.whole)} to ${formatHealth(last.value, health.whole)}`;
  return falls ? gradedFactor('falling', text, { falling: fallen }) : null;
}

/** Periods in seconds at which errors that a schedule causes come back, and their tolerance. */
const PERIODS_SECONDS = [900, 1200, 1800, 3600, 7200];
const PERIOD_TOLERANCE_SECONDS = 120;

/** Detects that the same errors began a usual period ago, too, and ended: a scheduled job rather than a change. */
export function recurring(
  { health, at, traffic }: Pick<Evidence, 'health' | 'at' | 'traffic'>,
  onset: Onset,
): Factor<'recurring'> | null {
  if (!hasLimit(health) || onset.from !== 'health') return null;
  const points = pointsOf(health.curve, at);
  const limit = limitBeyondChance(health.max, median(points) || 0, singleFailure({ health, traffic, at }));
  const starts = points.filter(
    ({ at: time, value }, index) =>
      time < millisOf(onset.earliest) &&
      value > limit &&
      (points[index + 1]?.value ?? 0) > limit &&
      points.slice(Math.max(0, index - 4), index).every((earlier) => earlier.value <= health.max) &&
      index > 0,
  );
  const passed = millisOf(onset.at) + (onset.rise ?? 0) * 1000;
  const before = (seconds: number): boolean =>
    starts.some((start) => Math.abs((passed - start.at) / 1000 - seconds) <= PERIOD_TOLERANCE_SECONDS);
  const period = PERIODS_SECONDS.find((seconds) => before(seconds) && (seconds >= 3600 || before(2 * seconds)));
  return period === undefined
    ? null
    : weightedFactor('recurring', `the same errors began ${formatDuration(period)} before, too, and ended`);
}

/**
 * Detects that the service's series ended with the change: a version that crashes at its start reports nothing. The
 * sooner, the more it weighs. Only if there were samples before, and none since.
 */
export function vanishedFactor(evidence: Evidence, { change, relation }: Candidate): Factor<'vanished'> | null {
  const { health, at, by_version: versions, changes } = evidence;
  if (health === null || relation !== 'same' || endedTogether(evidence).length > 0) return null;
  const ownVersion = (versions ?? []).find(({ version }) => version === change.version);
  const replaced = changes.some(
    (other) =>
      other.relation === 'same' && putsVersionLive(other.change) && other.change.started_at > change.started_at,
  );
  const own = ownVersion === undefined || replaced ? null : endedAt(ownVersion.curve, at);
  const end = serviceEndedAt(evidence) ?? own;
  if (end === null || end < millisOf(change.started_at)) return null;
  const seconds = (end - millisOf(change.started_at)) / 1000;
  // A rate has values for as long as its window contains samples.
  const late = Math.max(0, seconds - (health.window ?? 0)) / VANISHED_WITHIN_SECONDS;
  return late >= 1
    ? null
    : gradedFactor(
        'vanished',
        `the service reports nothing any more since ${formatDuration(seconds)} after ${called({ change, relation })} began`,
        { vanished: 1 - late },
      );
}

const VANISHED_WITHIN_SECONDS = 300;

/** Difference of the last scrapes of services, in seconds, within which they have ended together. */
const TOGETHER_SECONDS = 60;

/** Returns the other services whose samples ended in the same scrape: monitoring has a gap, and no service has vanished. */
export function endedTogether(evidence: Evidence): string[] {
  const { health, ended } = evidence;
  const last = serviceEndedAt(evidence);
  if (health === null || last === null || ended === undefined) return [];
  const scraped = last - (health.window ?? 0) * 1000;
  return ended
    .filter((other) => Math.abs(millisOf(other.at) - scraped) <= TOGETHER_SECONDS * 1000)
    .map(({ service }) => service);
}

/** Returns when the samples of the health query ended, or else those of the traffic; null as of `endedAt`. */
const serviceEndedAt = ({ health, traffic, at }: Pick<Evidence, 'health' | 'traffic' | 'at'>): number | null =>
  endedAt(health?.curve ?? [], at) ?? endedAt(traffic ?? [], at);

/** Returns when the samples of a curve ended; null if there are recent ones, or none at all. */
export function endedAt(curve: Curve, at: Timestamp): number | null {
  const points = pointsOf(curve, at);
  const last = points.at(-1);
  if (last === undefined || points.length < MIN_BEFORE) return null;
  return isFresh(points, at) ? null : last.at;
}

import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { called, type Candidate, CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { between, median, type Point, pointsOf, quantile } from './samples.ts';
import { WEIGHTS } from './weights.ts';
import { amount, percent, spell } from './words.ts';

/** Length of the baseline before a change. */
const BASELINE_SECONDS = 3600;

/** Minimum number of samples before the change and since the onset; with fewer, the curve cannot show a step. */
const MIN_BEFORE = 5;
const MIN_SINCE = 2;

/** Minimum baseline as a share of the limit: near zero, every error would be a large multiple. */
const FLOOR_OF_MAX = 0.1;

/** Ratio of the classic doubling, and the ratio below which a rise can be noise. */
const DOUBLED = 2;
const NOTICEABLE = 1.3;
/** Ratio from which a step gets its maximum weight. */
const LARGE = 10;

/** Share of samples above the limit before the change that, with at least two samples, is not a coincidence. */
const BAD_BEFORE_SHARE = 0.05;

/** Minimum duration of a slow rise. Windows of `rate()`, mostly up to 5 minutes, smear a step over their length. */
const SLOW_RISE_SECONDS = 600;

/** Maximum age of a sample that describes the current state. */
const FRESH_SECONDS = 300;

/** Values of the health query around one change. */
export type Course = {
  max: number;
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
  /**
   * Start of the slow rise (a quarter of the way to the limit) and its duration until the limit. Null: no slow rise.
   */
  slow: { from: number; seconds: number } | null;
};

/** @returns null if there is no health query or it returned no answer */
export function courseOf({ health, at }: Evidence, { change, timing }: Candidate, onset: Timestamp): Course | null {
  if (health === null || !Number.isFinite(health.max)) return null;
  const { max } = health;
  const points = pointsOf(health.curve, at);
  // If the clock is in doubt, errors that seem slightly older than the change can still be caused by it.
  const start = millisOf(change.started_at) - (timing === 'clock_skew' ? CLOCK_TOLERANCE_SECONDS * 1000 : 0);
  const before = between(points, start - BASELINE_SECONDS * 1000, start);
  const since = between(points, millisOf(onset), Infinity);
  const baseline = median(before);
  const level = quantile(since, 0.75);
  const enough = before.length >= MIN_BEFORE && since.length >= MIN_SINCE && baseline >= 0 && max >= 0;
  return {
    max,
    before,
    since,
    baseline,
    level,
    ratio: enough ? ratioOf(level, Math.max(baseline, max * FLOOR_OF_MAX)) : null,
    slow: before.length >= MIN_BEFORE ? slowRise(points, start, millisOf(onset), baseline, max) : null,
  };
}

const ratioOf = (level: number, base: number): number => (base > 0 ? level / base : level > 0 ? Infinity : 1);

/**
 * Measures the rise from the last sample at most a quarter of the way from the baseline to the limit until the limit is
 * passed.
 */
function slowRise(
  points: readonly Point[],
  start: number,
  onset: number,
  baseline: number,
  max: number,
): { from: number; seconds: number } | null {
  if (!(baseline < max)) return null;
  const quarter = baseline + (max - baseline) / 4;
  const low = between(points, start - BASELINE_SECONDS * 1000, onset).findLast(({ value }) => value <= quarter);
  if (low === undefined) return null;
  const passed = points.find(({ at, value }) => at > low.at && value > max);
  const to = Math.min(passed?.at ?? onset, onset);
  const seconds = (to - low.at) / 1000;
  // A gap in the samples is not a rise.
  return seconds > SLOW_RISE_SECONDS && between(points, low.at, to).length >= MIN_BEFORE
    ? { from: low.at, seconds }
    : null;
}

/** Returns whether a slow rise started at this change, which connects an old change with the problem. */
export function roseSlowlySince({ slow }: Course, { change }: Candidate): boolean {
  if (slow === null) return false;
  const until = millisOf(change.finished_at ?? change.started_at) + LOOK_BACK_SECONDS * 1000;
  return slow.from >= millisOf(change.started_at) && slow.from <= until;
}

/** Weighs the curve of the health query for or against one change. */
export function healthFactors(course: Course, candidate: Candidate, onset: Timestamp): Factor[] {
  const earlier = [badBefore(course, candidate), risingBefore(course, candidate)].filter((one) => one !== null);
  const rise = slowFactor(course, candidate);
  return [
    ...earlier.slice(0, 1),
    ...(rise === null || earlier.length > 0 ? [] : [rise]),
    stepFactor(course, candidate, onset),
  ];
}

function badBefore({ before, max }: Course, candidate: Candidate): Factor | null {
  const bad = before.filter(({ value }) => value > max).length;
  if (bad < 2 || bad < before.length * BAD_BEFORE_SHARE) return null;
  const right = before.slice(-3).filter(({ value }) => value > max).length >= 2;
  const times = `${bad} of ${samples(before.length)} in the hour before ${called(candidate)}`;
  return right
    ? factor('bad_before', WEIGHTS.bad_before, `the health query was already above ${amount(max)}, in ${times}`)
    : factor('bad_earlier', WEIGHTS.bad_earlier, `the health query had been above ${amount(max)} earlier, in ${times}`);
}

/**
 * Detects whether all of the last three samples before the change stand clearly above the level that was usual until
 * five minutes before it.
 */
function risingBefore({ before, max }: Course, candidate: Candidate): Factor | null {
  const start = before.at(-1)?.at ?? 0;
  const usual = before.filter(({ at }) => at < start - 300_000);
  const last = before.slice(-3);
  if (usual.length < MIN_BEFORE || last.length < 3) return null;
  const high = quantile(usual, 0.9);
  const lowest = Math.min(...last.map(({ value }) => value));
  if (high < 0 || lowest < 1.5 * high || lowest - high < 0.15 * max || lowest <= 0) return null;
  return factor(
    'rising_before',
    WEIGHTS.rising_before,
    `the health query had risen from ${amount(high)} to ${amount(lowest)} before ${called(candidate)} began`,
  );
}

const samples = (count: number): string => `${count} ${count === 1 ? 'sample' : 'samples'}`;

function slowFactor(course: Course, candidate: Candidate): Factor | null {
  if (course.slow === null) return null;
  const since = roseSlowlySince(course, candidate);
  return factor(
    since ? 'slow_rise_since' : 'slow_rise',
    since ? WEIGHTS.slow_rise_since : WEIGHTS.slow_rise,
    `the health query rose slowly, over ${spell(course.slow.seconds)}, ` +
      (since ? `since ${called(candidate)}` : `which is not typical of a change such as ${called(candidate)}`),
  );
}

function stepFactor(course: Course, candidate: Candidate, onset: Timestamp): Factor {
  const { ratio, baseline, level, max, before, since } = course;
  if (ratio === null)
    return factor(
      'step',
      0,
      `the health query cannot be compared before and after ${called(candidate)}: ` +
        `${samples(before.length)} before it, ${since.length} since the problem began`,
    );
  const times = baseline > 0 && level / baseline < 1000 ? `${amount(level / baseline)} times` : 'from almost zero';
  const seconds = (millisOf(onset) - millisOf(candidate.change.started_at)) / 1000;
  const when = seconds >= 0 ? `${spell(seconds)} after ${called(candidate)} began` : `as ${called(candidate)} began`;
  const text = `the health query went from ${amount(baseline)} to ${amount(level)} (${times}; healthy up to ${amount(max)}) ${when}`;
  if (ratio < NOTICEABLE)
    return factor(
      'no_step',
      WEIGHTS.no_step,
      `the health query is at ${amount(level)}, and was at ${amount(baseline)} before ${called(candidate)} ` +
        `(median of ${samples(before.length)}): no noticeable rise`,
    );
  if (ratio < DOUBLED) return factor('small_step', WEIGHTS.small_step, `${text}: less than double`);
  if (level <= max) return factor('step', 0, `${text}: still within its limit`);
  const grown = Math.min(1, Math.log(ratio / DOUBLED) / Math.log(LARGE / DOUBLED));
  return factor('step', candidate.longAgo ? 0 : WEIGHTS.step + grown * (WEIGHTS.large_step - WEIGHTS.step), text);
}

/**
 * Detects that the problem is over or never existed: the newest samples are within the limit. A single sample can be
 * noise, so it prevents automatic action but is not evidence against the change.
 */
export function healthyNow(
  { health, at }: Evidence,
  onset: Timestamp,
): Factor<'healthy_now' | 'healthy_just_now'> | null {
  if (health === null || !Number.isFinite(health.max)) return null;
  const from = Math.max(millisOf(at) - FRESH_SECONDS * 1000, millisOf(onset));
  const [last, before] = between(pointsOf(health.curve, at), from, Infinity).slice(-2).toReversed();
  if (last === undefined || last.value > health.max) return null;
  const value = amount(last.value);
  const limit = `within its limit of ${amount(health.max)}`;
  return before !== undefined && before.value <= health.max
    ? factor('healthy_now', WEIGHTS.healthy_now, `the health query is at ${value} now, ${limit}`)
    : factor(
        'healthy_just_now',
        WEIGHTS.healthy_just_now,
        `the newest sample of the health query, ${value}, is ${limit}: the problem may be over`,
      );
}

/** Weighs the change's share of traffic, if it takes only a part of it. */
export function canaryFactors(course: Course | null, { change, relation }: Candidate): Factor[] {
  // Records of older versions lack the field.
  const share: number | null | undefined = change.canary_weight;
  if (share === null || share === undefined || !(share < 1)) return [];
  if (share <= 0) return [factor('no_traffic', WEIGHTS.no_traffic, `${change.version} receives no traffic`)];
  return course === null || relation !== 'same' || !isBeyond(course, share)
    ? []
    : [
        factor(
          'beyond_canary',
          WEIGHTS.beyond_canary,
          `${change.version} receives ${percent(share)} of the traffic, which cannot raise the health query ` +
            `from ${amount(course.baseline)} to ${amount(course.level)}`,
        ),
      ];
}

/**
 * Returns whether the errors exceed the change's share of traffic even if each of its requests failed, which means that
 * other versions fail too. Applies only to queries that can be a ratio (0 to 1) or a percentage. The unit is unknown,
 * so the smaller scale that fits is used, which raises doubt too early rather than too late.
 */
function isBeyond({ ratio, level, baseline, max, before }: Course, share: number): boolean {
  const greatest = Math.max(max, level, ...before.map(({ value }) => value));
  const whole = greatest <= 1 ? 1 : greatest <= 100 ? 100 : Infinity;
  // The margin of 25 % allows for inexact traffic shares.
  return ratio !== null && level - baseline > share * whole * 1.25;
}

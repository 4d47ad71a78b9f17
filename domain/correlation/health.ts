import { millisOf, type Timestamp } from '../../schemas/time.ts';
import { called, type Candidate, CLOCK_TOLERANCE_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, factor } from './factor.ts';
import { between, median, type Point, pointsOf, quantile } from './samples.ts';
import { WEIGHTS } from './weights.ts';
import { amount, percent, spell } from './words.ts';

/** So much before a change is what it is compared with. */
const BASELINE_SECONDS = 3600;

/** Fewer samples before the change, or since the onset, and the curve says nothing of a step. */
const MIN_BEFORE = 5;
const MIN_SINCE = 2;

/** Near zero every error is a multiple. A baseline counts as at least this share of the limit. */
const FLOOR_OF_MAX = 0.1;

/** The classic, and what may be noise. */
const DOUBLED = 2;
const NOTICEABLE = 1.3;
/** From here on a step is as clear as it gets. */
const LARGE = 10;

/** So many of the samples before the change above the limit, and at least two, are no accident. */
const BAD_BEFORE_SHARE = 0.05;

/**
 * Windows of `rate()` smear a step over their length, mostly up to 5 minutes. A rise that takes longer is a slow one.
 */
const SLOW_RISE_SECONDS = 600;

/** A newer sample than this tells how it is now. */
const FRESH_SECONDS = 300;

/** The health query around one change. */
export type Course = {
  max: number;
  before: Point[];
  since: Point[];
  /** Median of `before`; NaN of none. */
  baseline: number;
  /**
   * How bad it has become: the third quartile since the onset, which neither one outlier nor a smeared start decides.
   */
  level: number;
  /** Level to baseline, of which `max` sets a floor. Null: too few samples, or a query that goes below zero. */
  ratio: number | null;
  /** How long it took from a quarter of the way to the limit, and when that was. Null: no slow rise. */
  slow: { from: number; seconds: number } | null;
};

/** @returns null where there is no health query, or it gave no answer */
export function courseOf({ health, at }: Evidence, { change, timing }: Candidate, onset: Timestamp): Course | null {
  if (health === null || !Number.isFinite(health.max)) return null;
  const { max } = health;
  const points = pointsOf(health.curve, at);
  // Where its clock is in doubt, errors that seem a little older than the change may be its own.
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

/** From the last time that it was at most a quarter of the way from the baseline to the limit, until it passed that. */
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
  // A gap is no rise.
  return seconds > SLOW_RISE_SECONDS && between(points, low.at, to).length >= MIN_BEFORE
    ? { from: low.at, seconds }
    : null;
}

/** A slow rise from this very change on, which is what connects one of long ago with the problem. */
export function roseSlowlySince({ slow }: Course, { change }: Candidate): boolean {
  if (slow === null) return false;
  const until = millisOf(change.finished_at ?? change.started_at) + LOOK_BACK_SECONDS * 1000;
  return slow.from >= millisOf(change.started_at) && slow.from <= until;
}

/** What the course of the errors says for or against one change. */
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
    ? factor('bad_before', WEIGHTS.bad_before, `the health query was above ${amount(max)} already, in ${times}`)
    : factor('bad_earlier', WEIGHTS.bad_earlier, `the health query had been above ${amount(max)} before, in ${times}`);
}

/** The last three samples before it all stand clear of what was usual until five minutes before. */
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
      (since ? `from ${called(candidate)} on` : `which is not how ${called(candidate)} would show`),
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
  const times = baseline > 0 && level / baseline < 1000 ? `${amount(level / baseline)} times` : 'from nearly nothing';
  const seconds = (millisOf(onset) - millisOf(candidate.change.started_at)) / 1000;
  const when = seconds >= 0 ? `${spell(seconds)} after ${called(candidate)} began` : `as ${called(candidate)} began`;
  const text = `the health query went from ${amount(baseline)} to ${amount(level)} (${times}; healthy up to ${amount(max)}) ${when}`;
  if (ratio < NOTICEABLE)
    return factor(
      'no_step',
      WEIGHTS.no_step,
      `the health query is at ${amount(level)}, and was at ${amount(baseline)} before ${called(candidate)} ` +
        `(median of ${samples(before.length)}): no step`,
    );
  if (ratio < DOUBLED) return factor('small_step', WEIGHTS.small_step, `${text}: less than double`);
  if (level <= max) return factor('step', 0, `${text}: still within its limit`);
  const grown = Math.min(1, Math.log(ratio / DOUBLED) / Math.log(LARGE / DOUBLED));
  return factor('step', candidate.longAgo ? 0 : WEIGHTS.step + grown * (WEIGHTS.large_step - WEIGHTS.step), text);
}

/**
 * Whatever caused it, it is over, or never was: the newest samples are within the limit. One alone may be noise, so it
 * stands against acting without a person, and not against the change.
 */
export function healthyNow({ health, at }: Evidence, onset: Timestamp): Factor | null {
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
        `the newest sample of the health query, ${value}, is ${limit}: it may be over`,
      );
}

/** What its share of the traffic, where it takes a part only, says about it. */
export function canaryFactors(course: Course | null, { change, relation }: Candidate): Factor[] {
  // Records of older versions have none.
  const share: number | null | undefined = change.canary_weight;
  if (share === null || share === undefined || !(share < 1)) return [];
  if (share <= 0) return [factor('no_traffic', WEIGHTS.no_traffic, `${change.version} takes no traffic`)];
  return course === null || relation !== 'same' || !isBeyond(course, share)
    ? []
    : [
        factor(
          'beyond_canary',
          WEIGHTS.beyond_canary,
          `${change.version} takes ${percent(share)} of the traffic, which cannot raise the health query ` +
            `from ${amount(course.baseline)} to ${amount(course.level)}`,
        ),
      ];
}

/**
 * More than this share of the traffic could cause if each of its requests failed: then others fail, too. Only of a
 * query that can be a ratio (0 to 1) or a percentage. Which one cannot be told, so the smaller that fits is taken: too
 * soon in doubt rather than too late.
 */
function isBeyond({ ratio, level, baseline, max, before }: Course, share: number): boolean {
  const greatest = Math.max(max, level, ...before.map(({ value }) => value));
  const whole = greatest <= 1 ? 1 : greatest <= 100 ? 100 : Infinity;
  // A quarter more than exact: shares of traffic are not exact either.
  return ratio !== null && level - baseline > share * whole * 1.25;
}

import type { Change } from '../../../schemas/changes/change.ts';
import { millisOf, secondsBetween } from '../../../schemas/time/time.ts';
import { type Candidate, distance, LATE_RECORD_SECONDS, LOOK_BACK_SECONDS } from './candidates.ts';
import { DOUBLED, singleFailure } from './chance.ts';
import type { Evidence } from './evidence.ts';
import { type Factor, gradedFactor, weightedFactor } from './factor.ts';
import { type Course, MIN_BEFORE } from './health.ts';
import type { Onset } from './onset.ts';
import { intervalOf, median, type Point, pointsBetween, pointsOf, USUAL_INTERVAL_MS } from './samples.ts';
import { formatPercent, list } from './words.ts';

/** Share of the traffic from a time on, in milliseconds. */
type Step = Point;

/** Returns the recorded steps of a canary. Fewer than two: its share has not been changed, or is not known. */
function stepsOf({ canary_steps: recorded = [], status, finished_at: finished }: Change): Step[] {
  const steps = recorded.map(({ at, weight }): Step => ({ at: millisOf(at), value: weight }));
  const last = steps.at(-1);
  const end = status === 'succeeded' && finished !== null ? millisOf(finished) : -Infinity;
  return last === undefined || end < last.at || last.value === 1 ? steps : [...steps, { at: end, value: 1 }];
}

/** Returns the shares that a canary has had since a time. Those of a sender whose clock is ahead have ended before they began. */
const sharesSince = (steps: readonly Step[], from: number): number[] =>
  steps.filter((_, index) => (steps[index + 1]?.at ?? Infinity) > from).map(({ value }) => value);

/**
 * Weighs the change's share of traffic, if it takes only a part of it.
 * @param measured its share since the onset: the recorded one may have been raised. Null: not measured
 */
export function canaryFactor(
  course: Course | null,
  { change, relation }: Candidate,
  { health, at }: Pick<Evidence, 'health' | 'at'>,
  { onset, measured }: { onset: Onset; measured: number | null },
): Factor | null {
  const known = sharesSince(stepsOf(change), millisOf(onset.earliest));
  // Records of older versions lack the field.
  const recorded: number | null | undefined = known.length > 0 ? Math.max(...known) : change.canary_weight;
  if (recorded === null || recorded === undefined || !(recorded < 1)) return null;
  const share = Math.max(recorded, measured ?? 0);
  if (health?.quantile === true && share > 0) return null;
  if (share <= 0) return weightedFactor('no_traffic', `${change.version} receives no traffic`);
  return course === null || relation !== 'same' || !isBeyond(course, share)
    ? null
    : gradedFactor(
        'beyond_canary',
        `${change.version} receives ${formatPercent(share)} of the traffic, which cannot raise the health query ` +
          `from ${course.shown(course.baseline)} to ${course.shown(course.level)}`,
        {
          beyond_canary: 1,
          // A system that reports steps reports each of them, so the share has not been raised since the last one.
          ...(measured === null &&
            (change.canary_steps?.length ?? 0) < 2 && {
              canary_raised: distance(secondsBetween(change.started_at, at), LOOK_BACK_SECONDS),
            }),
        },
      );
}

/** Shape of a course of errors: how many there are at a time, in milliseconds, as a multiple of an unknown rate. */
type Shape = (at: number) => number;

/** Milliseconds by which errors can follow a recorded step: pods have to start, and samples are as old as their scrape. */
const DELAYS_MS = Array.from({ length: 9 }, (_, index) => index * USUAL_INTERVAL_MS);

/** Milliseconds by which they can precede it: a step is recorded when it is reported. */
const LATE_MS = LATE_RECORD_SECONDS * 1000;
const EARLY_MS = Array.from({ length: LATE_MS / USUAL_INTERVAL_MS }, (_, index) => (index + 1) * -USUAL_INTERVAL_MS);

/** Milliseconds before the rollout from which on errors are compared. */
const BEFORE_MS = 600_000;

/** Returns from when on, in milliseconds, the share of a canary is known. It had no traffic before its start. */
const knownSince = ({ started_at: start }: Change, [first]: readonly Step[]): number =>
  first === undefined || first.at <= millisOf(start) ? millisOf(start) - BEFORE_MS : first.at;

/** Failures come in bursts: as if each one counted twice. */
const BURSTS = 2;

/** Log-likelihood ratio from which on steps say something, and from which on they have the whole weight. */
const NOTICEABLE = 1;
const CLEAR = 3;

/**
 * Weighs the steps of a canary as experiments. The errors of a bad version are as many times more as its share of the traffic is
 * larger. Those of another cause begin at some time, and stay, or grow. What explains the samples better counts, beyond chance
 * and by as many samples as are independent: values describe the window before them. Only a share that has doubled or halved
 * since the errors began speaks against the version: those of a leak begin long after a step. A single step tells only its time.
 *
 * @returns `fits`: the errors can have begun with the newest step
 */
export function weighSteps(
  evidence: Pick<Evidence, 'health' | 'traffic' | 'at'>,
  { change, relation }: Candidate,
  course: Course | null,
  onset: Onset,
): { factor: Factor | null; fits: boolean } {
  const { health, at } = evidence;
  const untold = { factor: null, fits: false };
  const single = singleFailure(evidence);
  const steps = stepsOf(change);
  if (steps.length < 2 || relation !== 'same' || course === null || single === null) return untold;
  const { before, baseline, shown } = course;
  const since = knownSince(change, steps);
  const points = sparse(pointsBetween(pointsOf(health?.curve ?? [], at), since, Infinity));
  if (before.length < MIN_BEFORE || points.length === 0) return untold;
  const window = (health?.window ?? 0) * 1000;
  const interval = intervalOf(points);
  // Without the steps before, those since stand for them: a window, or a delay, can reach there.
  const shares = steps.map((step, index) => (index === 0 && step.at === since ? { ...step, at: -Infinity } : step));
  const misfitAfter = (delay: number, some: readonly Point[]): number =>
    misfitOf(some, (time) => meanOf(shares, time - delay - window, time - delay), { baseline, single });
  const clearer = (
    some: readonly Point[],
    delays: readonly number[],
    others: readonly ((begun: number) => Shape)[],
  ): number => {
    if (some.length === 0) return 0;
    const misfit = (shape: Shape): number => misfitOf(some, shape, { baseline, single });
    const byShare = delays.map((delay) => misfitAfter(delay, some));
    const byTime = some.flatMap(({ at: begun }) => others.map((other) => misfit(other(begun))));
    const chance = (some.length * BURSTS * single) / 4;
    const independent = some.length * Math.min(1, interval / window);
    return (independent / 2) * Math.log((Math.min(...byTime) + chance) / (Math.min(...byShare) + chance));
  };
  const constant =
    (begun: number): Shape =>
    (time) =>
      Math.min(1, Math.max(0, time - begun) / window);
  const growing =
    (begun: number): Shape =>
    (time) =>
      Math.max(0, time - begun);
  const delays = [...DELAYS_MS, ...EARLY_MS];
  const all = clearer(points, delays, [constant, growing]);
  const began = steps.find(({ value }) => value > 0)?.at ?? Infinity;
  const pro = isDoubled(lastingShares(steps, began, millisOf(at))) ? all : 0;
  const con = isDoubled(lastingShares(steps, millisOf(onset.latest) + LATE_MS, millisOf(at)))
    ? -clearer(pointsBetween(points, millisOf(onset.earliest), Infinity), DELAYS_MS, [constant])
    : 0;
  const fits = all > -NOTICEABLE && con < NOTICEABLE;
  if (Math.max(pro, con) < NOTICEABLE) return { factor: null, fits };
  const [delay = 0] = pro < con ? [] : delays.toSorted((a, b) => misfitAfter(a, points) - misfitAfter(b, points));
  const levels = steps.flatMap(({ at: from, value: share }, index) => {
    const until = (steps[index + 1]?.at ?? Infinity) + delay;
    const level = median(pointsBetween(points, from + delay, until).slice(-NEWEST));
    return Number.isNaN(level) ? [] : [`${shown(level)} at ${formatPercent(share)}`];
  });
  const told = `its share of the traffic: ${list(levels.slice(-LEVELS_TOLD))}`;
  const factor =
    pro >= con
      ? gradedFactor('moves_with_share', `errors moved with ${told}`, { moves_with_share: Math.min(1, pro / CLEAR) })
      : gradedFactor('apart_from_share', `errors did not move with ${told}`, {
          apart_from_share: Math.min(1, con / CLEAR),
        });
  return { factor, fits };
}

/** Milliseconds for which a share must last: many short steps of a rolling deploy are as errors that grow. */
const LASTING_MS = 120_000;

/** Returns the shares of a canary between two times, without those of a moment. */
const lastingShares = (steps: readonly Step[], from: number, until: number): number[] =>
  steps
    .filter(({ at }, index) => Math.min(until, steps[index + 1]?.at ?? until) - Math.max(from, at) >= LASTING_MS)
    .map(({ value }) => value);

/** Returns one sample of each interval: the newest ones can be read at a finer step, of which each tells less. */
const sparse = (points: readonly Point[]): Point[] =>
  points.filter(({ at }, index) => intervalAt(at) !== intervalAt(points[index + 1]?.at ?? Infinity));
const intervalAt = (at: number): number => Math.floor(at / USUAL_INTERVAL_MS);

/** Returns whether one of these shares is at least twice another one. */
const isDoubled = (shares: readonly number[]): boolean =>
  shares.length > 1 && Math.max(...shares) >= DOUBLED * Math.min(...shares);

/** Number of samples at the end of a step whose median is its level. */
const NEWEST = 3;
/** Number of steps that a reason names. */
const LEVELS_TOLD = 3;

/** Returns the mean share between two times. */
const meanOf = (steps: readonly Step[], from: number, until: number): number =>
  steps.reduce((sum, { at, value }, index) => {
    const end = Math.min(until, steps[index + 1]?.at ?? Infinity);
    return sum + value * Math.max(0, end - Math.max(from, at));
  }, 0) / Math.max(1, until - from);

/** Returns how far the samples are from errors of this shape: as squares of roots, whose chance does not depend on their level. */
function misfitOf(
  points: readonly Point[],
  shape: Shape,
  { baseline, single }: { baseline: number; single: number },
): number {
  const shares = points.map(({ at }) => shape(at));
  const [excess, exposed] = points.reduce(
    ([sum, all], { value }, index) =>
      (shares[index] ?? 0) > 0 ? [sum + value - baseline, all + (shares[index] ?? 0)] : [sum, all],
    [0, 0],
  );
  const rate = exposed > 0 ? Math.max(0, excess / exposed) : 0;
  // Anscombe: the deviation of a root of a count plus 3/8 is about a half.
  const root = (value: number): number => Math.sqrt(Math.max(0, value) + 0.375 * single);
  return points.reduce(
    (sum, { value }, index) => sum + (root(value) - root(baseline + rate * (shares[index] ?? 0))) ** 2,
    0,
  );
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

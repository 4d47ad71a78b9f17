import { compareCounts, type Count, exceedsShareP, ratioOf, sumOf } from './counts.ts';
import type { EarlierDay, Sides } from './evidence.ts';

/**
 * Looks that a comparison with the time before needs: problems of a few minutes come and go without a deploy. A limit needs
 * one.
 */
export const BEFORE_LOOKS_MIN = 9;

/** Parts of the time since the start, which are compared one by one. */
const PARTS = 4;

/** Windows of the version that are as long as one of the history. */
const WINDOWS_PER_HISTORY_WINDOW = 2;

/** Times as long as the version's that the history must be. */
const PERIODS_MIN = 4;

/** Times the least bad part that the worst is at most, if a problem is steady. */
const STEADY_FACTOR = 3;

/** Times the least bad part that the next one is at most, if they are about equal. */
const EQUAL_FACTOR = 1.5;

/** Windows of the history that show whether a problem began before the start. */
const WINDOWS_BEFORE = 2;

/** Multiples of the version's level between which an earlier problem is the same one. */
const SAME_LEVEL = { from: 0.5, to: 3 };

/** Highest probability by chance with which a time counts as worse than usual. */
const PROBLEM_P = 0.01;

/** A control has a problem in a part with this many bad events and this multiple of its usual ratio. */
const CONTROL_PROBLEM = { bad: 10, factor: 2 };

/** A rise that began with the version and has lasted since. */
export type Step = {
  /** The parts of the time since the start. */
  parts: readonly Count[];
  /** Ratio of the least bad one. */
  floor: number;
  /** Usual ratio before: that of the median window. */
  usual: number;
};

/**
 * `early`: too short to tell, with the windows so far. `passing`: a part was as good as usual. `bursts`: the parts differ as those of bursts do.
 * `older`: the problem began before the start. `shared`: a control got worse at the same time.
 */
type StepResult =
  | ({ kind: 'step' } & Step)
  | { kind: 'early'; windows: number }
  | { kind: 'passing' | 'bursts' | 'older' }
  | { kind: 'shared'; control: string };

/**
 * Looks for a rise that began with the version and has lasted. A mean says little about times with bursts, so the least bad
 * quarter since the start is compared: a burst does not last through all quarters, a regression does.
 *
 * @param controls other services, or the same one on earlier days
 * @param tolerance multiple of the usual ratio that each quarter must reach
 */
export function stepAtStart(
  { version, history }: Pick<Sides<Count>, 'version' | 'history'>,
  controls: readonly EarlierDay<Count>[],
  tolerance: number,
  mayHaveBursts = false,
): StepResult {
  const served = version.filter(({ total }) => total > 0);
  if (served.length < BEFORE_LOOKS_MIN) return { kind: 'early', windows: served.length };
  const usual = medianRatio(history);
  const parts = partsOf(served);
  const floor = ratioOf(leastOf(parts));
  if (floor <= 0 || floor < tolerance * usual) return { kind: 'passing' };
  if (!isSteady(parts) && !(mayHaveBursts && isSteadyBelowBursts(parts))) return { kind: 'bursts' };
  if (isOlder(history.slice(-WINDOWS_BEFORE), floor, history)) return { kind: 'older' };
  const shared = controls.find((control) => gotWorse(control, served));
  return shared === undefined ? { kind: 'step', parts, floor, usual } : { kind: 'shared', control: shared.name };
}

/** Returns whether a control had a problem in all parts of the version's time. */
function gotWorse({ version, history }: EarlierDay<Count>, served: Sides<Count>['version']): boolean {
  const usual = medianRatio(history);
  const windows = new Map(version.map((window) => [window.at, window]));
  return partsOf(served.map(({ at }) => windows.get(at) ?? NONE)).every(
    (part) =>
      part.bad >= CONTROL_PROBLEM.bad &&
      ratioOf(part) >= CONTROL_PROBLEM.factor * usual &&
      worseThanUsualP(part, history) <= PROBLEM_P,
  );
}

const NONE: Count = { total: 0, bad: 0 };

/** Returns whether the windows before a time had the problem of that time already, at about its level. */
function isOlder(windows: readonly Count[], floor: number, history: readonly Count[], most = SAME_LEVEL.to): boolean {
  const isSameLevel = (ratio: number): boolean => ratio >= SAME_LEVEL.from * floor && ratio <= most * floor;
  if (windows.length === 0 || !windows.every((window) => isSameLevel(ratioOf(window)))) return false;
  return worseThanUsualP(sumOf(windows), history) <= PROBLEM_P;
}

function worseThanUsualP(events: Count, history: readonly Count[]): number {
  const { total } = sumOf(history);
  return compareCounts([{ version: events, baseline: { total, bad: total * medianRatio(history) } }], 1).p;
}

/**
 * Returns the probability that a step is no worse than the worst comparable one of an equally long time before, by their
 * least bad parts. 1: too little history.
 */
export function stepP({ parts, floor }: Step, histories: readonly (readonly Count[])[], windows: number): number {
  const served = histories.map((history) => history.filter(({ total }) => total > 0));
  const length = Math.floor(windows / WINDOWS_PER_HISTORY_WINDOW);
  const all = sumOf(served.flat());
  const count = served.flat().length;
  if (count < PERIODS_MIN * length) return 1;
  const worst = worstFloor(served, length);
  // One more event: a time without any has not shown that there are none.
  return floor <= worst ? 1 : Math.max(...parts.map((part) => exceedsShareP(part, worst + count / all.total)));
}

/**
 * Returns the highest ratio of the least bad part of a comparable period: one whose problem began with it, and was steady.
 */
function worstFloor(histories: readonly (readonly Count[])[], length: number): number {
  const periods = histories.flatMap((history) =>
    Array.from({ length: Math.max(0, history.length - length) }, (_, index) => {
      const from = index + 1;
      const parts = partsOf(history.slice(from, from + length));
      return { before: history.slice(index, from), history, parts, floor: ratioOf(leastOf(parts)) };
    }),
  );
  const worst = periods
    .filter(({ parts }) => isSteady(parts))
    .toSorted((a, b) => b.floor - a.floor)
    .find(({ before, floor, history }) => !isOlder(before, floor, history, Infinity));
  return worst?.floor ?? 0;
}

/** Returns whether all parts are about as bad. Those of bursts differ. */
const isSteady = (parts: readonly Count[]): boolean =>
  Math.max(...parts.map(ratioOf)) <= STEADY_FACTOR * ratioOf(leastOf(parts));

/** Returns whether the two least bad parts are about equal, as where bursts are on top of a steady rise. */
function isSteadyBelowBursts(parts: readonly Count[]): boolean {
  const [least = 0, next = 0] = parts.map(ratioOf).toSorted((a, b) => a - b);
  return next <= EQUAL_FACTOR * least;
}

/** Splits windows into parts of about equal length. */
const partsOf = (windows: readonly Count[]): Count[] =>
  Array.from({ length: PARTS }, (_, part) =>
    sumOf(
      windows.slice(Math.floor((part * windows.length) / PARTS), Math.floor(((part + 1) * windows.length) / PARTS)),
    ),
  );

const leastOf = (parts: readonly Count[]): Count =>
  parts.reduce((least, part) => (ratioOf(part) < ratioOf(least) ? part : least));

/** Returns the ratio of the median window. */
function medianRatio(windows: readonly Count[]): number {
  const ratios = windows.filter(({ total }) => total > 0).map(ratioOf);
  return ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0;
}

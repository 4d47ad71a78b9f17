import {
  type ComparedCounts,
  correctedP,
  degradedIfLasting,
  FALSE_ALARM_PROBABILITY,
  type JudgementFrame,
  type Numbers,
  thresholdOf,
} from './comparison.ts';
import { formatDuration } from '../correlation/words.ts';
import { boundsOf, compareCounts, type Count, designEffectOf, ratioOf, sumOf } from './counts.ts';
import type { Control, EarlierDay, MetricJudgement, Sides } from './evidence.ts';
import { BEFORE_LOOKS_MIN, stepAtStart, stepP } from './lasting.ts';
import { chance } from './words.ts';

/** A difference between a version and its baseline. */
type Difference = {
  /** Corrected for the numbers of metrics and looks. */
  p: number;
  isMaterial: boolean;
  /** Why it proves nothing, however certain it is. Null: no reason. */
  doubt: string | null;
};

/** Which differences matter, and what else may have caused them. */
type DifferenceRule = {
  /** Whether the difference of the means matters. */
  isMaterial: boolean;
  /** Returns whether a share that the version has never been below is worse than one before. */
  isWorse: (floor: number, before: number) => boolean;
  controls: readonly EarlierDay<Count>[];
  /** Bursts may be on top of a rise. Absent: they may not. */
  mayHaveBursts?: boolean;
};

export const differenceOf = (
  sides: Sides<Count>,
  compared: ComparedCounts,
  frame: JudgementFrame,
  rule: DifferenceRule,
): Difference =>
  compared.comparison === 'before'
    ? differenceBefore(sides, compared, frame, rule)
    : {
        p: correctedP(compareCounts(compared.pairs, compared.designEffect).p, frame),
        isMaterial: rule.isMaterial,
        doubt: null,
      };

const DOUBTS = {
  passing: 'it has not been worse all the time since the start',
  bursts: 'it came in bursts',
  older: 'it was as bad just before the start',
} as const;

/** Returns why it is too early to compare with the time before, and when there is an answer. */
const tooEarly = (windows: number, stepSeconds: number): string =>
  `a comparison with the time before needs ${formatDuration(BEFORE_LOOKS_MIN * stepSeconds)} with requests; ` +
  `an answer can be expected in ${formatDuration((BEFORE_LOOKS_MIN - windows) * stepSeconds)}`;

/** Variance of bad events, relative to independent ones, up to which the mean before tells what to expect. */
const CALM_MAX = 10;

/**
 * Compares with the time before. If that was calm, the sums of bad events are compared. If it had bursts, the least bad
 * quarter since the start is, with that of each equally long time before.
 */
function differenceBefore(
  sides: Sides<Count>,
  { pairs, designEffect }: ComparedCounts,
  frame: JudgementFrame,
  { isMaterial, isWorse, controls, mayHaveBursts = false }: DifferenceRule,
): Difference {
  const corrected = (p: number): number => correctedP(p, frame, BEFORE_LOOKS_MIN);
  const earlier = sides.earlier ?? [];
  const step = stepAtStart(sides, [...controls, ...earlier], frame.settings.tolerance, mayHaveBursts);
  if (step.kind !== 'step') {
    const doubt =
      step.kind === 'shared'
        ? `${step.control} got worse at the same time`
        : step.kind === 'early'
          ? tooEarly(step.windows, frame.settings.stepSeconds)
          : DOUBTS[step.kind];
    return { p: corrected(compareCounts(pairs, designEffect).p), isMaterial, doubt };
  }
  if (designEffect <= CALM_MAX) {
    return { p: corrected(compareCounts(pairs, designEffect).p), isMaterial, doubt: null };
  }
  const p = stepP(step, [sides.history, ...earlier.map((day) => day.history)], sides.version.length);
  return { p: corrected(p), isMaterial: isWorse(step.floor, step.usual), doubt: null };
}

/** Returns the judgement of a version whose difference is certain. Null: it is not. */
export function degradedIfWorse(
  numbers: Numbers,
  compared: ComparedCounts,
  { p, isMaterial, doubt }: Difference,
  text: string,
  frame: JudgementFrame,
): MetricJudgement | null {
  if (p > FALSE_ALARM_PROBABILITY || !isMaterial) return null;
  const reason = `${text}, ${chance(p)}`;
  if (compared.comparison === 'beside') return degradedIfLasting(numbers, compared, reason, frame);
  return doubt === null
    ? { ...numbers, verdict: 'degraded', reason }
    : { ...numbers, verdict: 'inconclusive', reason: `${reason}, but ${doubt}` };
}

/** Newest windows before the start that tell whether a limit was exceeded before, too. */
const WINDOWS_BEFORE = 2;

/**
 * Returns whether a limit is certainly exceeded, and was not by the baseline. One look suffices: a limit is a promise, and
 * needs no comparison.
 */
export function isAboveLimit(
  { version, history }: Sides<Count>,
  share: number,
  compared: ComparedCounts | null,
  frame: JudgementFrame,
): boolean {
  const certain = 1 - FALSE_ALARM_PROBABILITY * thresholdOf(frame);
  if (boundsOf(sumOf(version), designEffectOf(version), certain).lower <= share) return false;
  if (compared === null) return true;
  return ratioOf(compared.comparison === 'beside' ? compared.baseline : sumOf(history.slice(-WINDOWS_BEFORE))) <= share;
}

/**
 * Returns what controls did. A caller's errors include those that the version causes, which are subtracted.
 *
 * @param countsOf returns the bad events of a control's metric of the same kind
 * @param usual share of the version's events that was bad before
 */
export const controlSides = (
  controls: readonly Control[],
  version: Sides<Count>['version'],
  usual: number,
  countsOf: (metric: Control['metrics'][number]) => Sides<Count> | null,
): EarlierDay<Count>[] =>
  controls.flatMap(({ name, relation, metrics }) =>
    metrics.flatMap((metric) => {
      const sides = countsOf(metric);
      if (sides === null) return [];
      const excess = new Map(version.map(({ at, bad, total }) => [at, Math.max(0, bad - usual * total)]));
      const own = sides.version.map((window) =>
        relation === 'caller' ? { ...window, bad: Math.max(0, window.bad - (excess.get(window.at) ?? 0)) } : window,
      );
      return [{ name, version: own, history: sides.history }];
    }),
  );

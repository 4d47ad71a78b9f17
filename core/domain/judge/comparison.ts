import type { Comparison } from '../../../schemas/judge/judgement.ts';
import {
  boundsOf,
  compareCounts,
  type Count,
  designEffectBeside,
  designEffectOf,
  type Pair,
  ratioOf,
  sumOf,
} from './counts.ts';
import type { InWindow, CanaryEvidence, JudgeSettings, MetricJudgement, Sides } from './evidence.ts';
import { percent, requests } from './words.ts';

/** Permitted probability of calling a version degraded that is not, over all metrics and looks. */
export const FALSE_ALARM_PROBABILITY = 0.01;

/** A version is healthy once it is excluded that its value is this multiple of its baseline's. */
export const REGRESSION_FACTOR = 2;

/** Confidence with which a regression is excluded. */
export const REGRESSION_CONFIDENCE = 0.95;

/** Without its worst windows, a difference must still be as improbable as this: a short burst is no regression. */
export const REMAINING_P = 0.05;

/** Windows that a degraded version needs. */
const LOOKS_MIN = 2;

/** Windows around the worst one that count to it: a burst of errors can be in two, which overlap. */
export const BURST_NEIGHBOURS = 1;

/** Newest windows of which the baseline must have served in one to count as running beside the version. */
export const NEWEST_WINDOWS = 3;

/** What all metrics are judged with. `tests`: number of measured metrics, over which the permitted false alarms are divided. */
export type JudgementFrame = { evidence: CanaryEvidence; settings: JudgeSettings; tests: number };

export const unmeasured = (name: string, reason: string): MetricJudgement => ({
  name,
  verdict: 'inconclusive',
  version: null,
  baseline: null,
  change: null,
  p: null,
  comparison: null,
  reason,
});

/** A window in which the baseline has this many times its usual ratio says little about the version: both have a problem. */
export const PROBLEM_FACTOR = 3;

/** With fewer bad events of the baseline, a high ratio may be chance. */
export const PROBLEM_BAD_MIN = 10;

/** The two sides of a comparison by counts. */
export type ComparedCounts = {
  /** Ends of the windows that are compared. */
  times: ReadonlySet<number>;
  /** Whether windows in which both had a problem are left out. A limit applies to them, too. */
  isPartial: boolean;
  pairs: readonly Pair[];
  version: Count;
  baseline: Count;
  designEffect: number;
  comparison: Comparison;
  /** When the baseline was measured, in words. */
  when: string;
};

/**
 * Chooses what to compare: the windows in which both serve if the baseline still does, else all windows of the version
 * with those of the baseline before its start. Null: the baseline has not been measured.
 */
export function comparedCounts({ version, baseline, history }: Sides<Count>): ComparedCounts | null {
  if (servesBeside(version, baseline)) {
    const others = new Map(baseline.map((window) => [window.at, window]));
    const all = version.flatMap((window) => {
      const other = others.get(window.at);
      return other !== undefined && other.total > 0 && window.total > 0 ? [{ version: window, baseline: other }] : [];
    });
    const withoutSharedProblems = withoutProblems(all, history);
    const pairs = withoutSharedProblems.length < LOOKS_MIN ? all : withoutSharedProblems;
    return {
      times: new Set(pairs.map((pair) => pair.version.at)),
      isPartial: pairs.length < all.length,
      pairs,
      version: sumOf(pairs.map((pair) => pair.version)),
      baseline: sumOf(pairs.map((pair) => pair.baseline)),
      designEffect: designEffectBeside(pairs, history),
      comparison: 'beside',
      when: pairs.length < all.length ? 'at the same time, without the problem that both had' : 'at the same time',
    };
  }
  if (!history.some(({ total }) => total > 0)) return null;
  const before = sumOf(history);
  return {
    times: new Set(version.map(({ at }) => at)),
    isPartial: false,
    pairs: [{ version: sumOf(version), baseline: before }],
    version: sumOf(version),
    baseline: before,
    designEffect: designEffectOf(history),
    comparison: 'before',
    when: 'before',
  };
}

/**
 * Leaves out the windows in which the baseline has a problem, such as that of a dependency. The version's share of those
 * errors varies, and would hide its own. Which windows are left out depends on the baseline alone.
 */
function withoutProblems<T extends Pair>(pairs: readonly T[], history: readonly Count[]): readonly T[] {
  const ratios = [...history, ...pairs.map((pair) => pair.baseline)]
    .filter(({ total }) => total > 0)
    .map(ratioOf)
    .toSorted((a, b) => a - b);
  const usual = ratios[Math.floor(ratios.length / 2)] ?? 0;
  return pairs.filter(({ baseline }) => baseline.bad < PROBLEM_BAD_MIN || ratioOf(baseline) < PROBLEM_FACTOR * usual);
}

/** Returns whether the baseline serves beside the version, in its newest windows. */
export function servesBeside(version: readonly InWindow<Count>[], baseline: readonly InWindow<Count>[]): boolean {
  const newest = new Set(version.slice(-NEWEST_WINDOWS).map(({ at }) => at));
  return baseline.some(({ at, total }) => newest.has(at) && total > 0);
}

export type Numbers = Pick<MetricJudgement, 'name' | 'version' | 'baseline' | 'change' | 'p' | 'comparison'>;

/** Returns `degraded`, unless the difference is that of a short burst. */
export function degradedIfLasting(
  numbers: Numbers,
  { pairs, baseline, designEffect }: ComparedCounts,
  text: string,
  { evidence }: JudgementFrame,
): MetricJudgement {
  const versionWindows = pairs.map((pair) => pair.version);
  const isNearWorst = nearWorst(versionWindows, ratioOf(baseline));
  const rest = pairs.filter((_, index) => !isNearWorst(index));
  const isLasting = evidence.look >= LOOKS_MIN && compareCounts(rest, designEffect).p <= REMAINING_P;
  return isLasting
    ? { ...numbers, verdict: 'degraded', reason: text }
    : {
        ...numbers,
        verdict: 'inconclusive',
        reason: `${text}, but ${burstText(versionWindows, ratioOf(baseline)) ?? 'in a short time only so far'}`,
      };
}

/** Returns whether a window is the one with the most bad events above the baseline, or next to it. */
function nearWorst(windows: readonly Count[], baselineRatio: number): (index: number) => boolean {
  const excesses = windows.map((window) => window.bad - baselineRatio * window.total);
  const worstIndex = excesses.indexOf(Math.max(...excesses));
  return (index) => Math.abs(index - worstIndex) <= BURST_NEIGHBOURS;
}

/** Share of the bad events from which on a difference is called a burst. */
const BURST_SHARE = 0.5;

/** Returns that most bad events came at once, so they count as few. Null: they did not. */
function burstText(windows: readonly Count[], baselineRatio: number): string | null {
  const isNearWorst = nearWorst(windows, baselineRatio);
  const [burst, all] = [sumOf(windows.filter((_, index) => isNearWorst(index))), sumOf(windows)];
  const length = windows.filter((_, index) => isNearWorst(index)).length;
  if (windows.length < 2 * length || burst.bad < BURST_SHARE * all.bad) return null;
  return `${percent(burst.bad / all.bad)} of it came within ${length} of ${windows.length} windows, and a short burst counts as one event`;
}

/**
 * Returns why a difference is not significant although it would be if bad events were independent: they came in a burst.
 * Null: it would not be significant then, either.
 */
export function burstReason(
  { version }: Sides<Count>,
  { pairs, baseline, comparison }: ComparedCounts,
  frame: JudgementFrame,
): string | null {
  if (correctedP(compareCounts(pairs, 1).p, frame) > FALSE_ALARM_PROBABILITY) return null;
  return burstText(comparison === 'before' ? version : pairs.map((pair) => pair.version), ratioOf(baseline));
}

/** Numbers of newest windows that must not be worse by themselves. They overlap, so two cover one and a half steps. */
const NEWEST_SPANS = [2, 4] as const;

/** Highest probability by chance with which newest windows that look worse prevent `healthy`. */
const NEWEST_P = 0.01;

/** What the newest windows of a version are judged with. */
export type NewestRule = {
  sides: Sides<Count>;
  /** Events that a limit is about, and their permitted share. Null: no limit. */
  limited: { windows: readonly Count[]; share: number; text: string } | null;
  /** Returns whether the difference in the newest `count` windows matters. `version`, `baseline`: shares of bad events. */
  isMaterial: (newest: { count: number; version: number; baseline: number }) => boolean;
  /** What is bad about the events, in words after their number. */
  what: string;
};

/**
 * Returns `inconclusive` instead of `healthy` if the newest windows alone are worse than the baseline or above the limit:
 * an hour without problems hides a minute in which the version fails. This cannot raise a false alarm, so it needs less
 * proof than `degraded`, and no correction for looks.
 */
export function healthyIfNewestAre(
  judgement: MetricJudgement,
  { sides, limited, isMaterial, what }: NewestRule,
  { baseline: name }: Pick<CanaryEvidence, 'baseline'>,
): MetricJudgement {
  if (judgement.verdict !== 'healthy') return judgement;
  for (const count of NEWEST_SPANS) {
    const version = sides.version.slice(-count);
    const own = sumOf(version);
    const { pairs, designEffect, when } = newestCompared(version, sides);
    const baseline = sumOf(pairs.map((pair) => pair.baseline));
    const ratios = { version: ratioOf(own), baseline: ratioOf(baseline) };
    const text = `${judgement.reason}; but ${percent(ratios.version)} of ${requests(own.total)}${what} in the newest ${count} windows`;
    if (pairs.length > 0 && compareCounts(pairs, designEffect).p <= NEWEST_P && isMaterial({ count, ...ratios }))
      return {
        ...judgement,
        verdict: 'inconclusive',
        reason: `${text}; ${name} ${when}: ${percent(ratios.baseline)} of ${requests(baseline.total)}`,
      };
    if (limited === null) continue;
    const newest = sumOf(limited.windows.slice(-count));
    if (boundsOf(newest, designEffect, REGRESSION_CONFIDENCE).lower > limited.share)
      return { ...judgement, verdict: 'inconclusive', reason: `${text}, ${limited.text}` };
  }
  return judgement;
}

/** Returns what newest windows are compared with: all of the baseline at the same time, also its problems, else before. */
function newestCompared(
  version: readonly InWindow<Count>[],
  { baseline, history }: Sides<Count>,
): Pick<ComparedCounts, 'pairs' | 'designEffect' | 'when'> {
  const others = new Map(baseline.map((window) => [window.at, window]));
  const pairs = version.flatMap((window) => {
    const other = others.get(window.at);
    return other !== undefined && other.total > 0 && window.total > 0 ? [{ version: window, baseline: other }] : [];
  });
  if (pairs.length > 0) return { pairs, designEffect: designEffectBeside(pairs, history), when: 'at the same time' };
  const before = sumOf(history);
  return {
    pairs: before.total > 0 ? [{ version: sumOf(version), baseline: before }] : [],
    designEffect: designEffectOf(history),
    when: 'before',
  };
}

/**
 * Returns `healthy` if a regression is excluded and the limit is not exceeded.
 *
 * @param limit text of the exceeded limit
 * @param burst why a difference is not significant. Null: no particular reason
 */
export function healthyIfExcluded(
  numbers: Numbers,
  {
    isExcluded,
    text,
    limit,
    burst = null,
  }: { isExcluded: boolean; text: string; limit: string | null; burst?: string | null },
): MetricJudgement {
  const because = burst === null ? '' : ` (${burst})`;
  if (limit !== null) {
    const compared = isExcluded
      ? 'not worse than its baseline'
      : `not significantly worse than its baseline yet${because}`;
    return { ...numbers, verdict: 'inconclusive', reason: `${text}: ${compared}, but ${limit}` };
  }
  return isExcluded
    ? { ...numbers, verdict: 'healthy', reason: text }
    : {
        ...numbers,
        verdict: 'inconclusive',
        reason: `${text}: ${burst === null ? 'too little data to exclude twice as much' : `not significantly worse yet${because}`}`,
      };
}

/** Returns that a limit is exceeded. Null: it is not. */
export function limitText(
  max: number | null,
  value: number,
  format: (value: number) => string,
  worse: 'higher' | 'lower',
  isPartial = false,
): string | null {
  if (max === null || (worse === 'higher' ? value <= max : value >= max)) return null;
  const text = `${worse === 'higher' ? 'above' : 'below'} the limit of ${format(max)}`;
  return isPartial ? `${text}, with ${format(value)} in all windows` : text;
}

export function tooFewRequests(
  name: string,
  { version, baseline, when }: ComparedCounts,
  frame: JudgementFrame,
): MetricJudgement | null {
  const { minRequests } = frame.settings;
  if (version.total >= minRequests && baseline.total >= minRequests) return null;
  const text =
    `${requests(version.total)} of ${frame.evidence.version}, ` +
    `${requests(baseline.total)} of ${frame.evidence.baseline} ${when}`;
  return unmeasured(name, tooLittleTrafficText(text, frame));
}

export const tooLittleTrafficText = (text: string, { settings }: JudgementFrame): string =>
  `too little traffic: ${text}; at least ${requests(settings.minRequests)} are needed`;

/** Share of the permitted false alarms that this look may cause by this metric. */
export const thresholdOf = ({ evidence, tests }: JudgementFrame, firstLook = 1): number =>
  shareOfLook(Math.max(1, evidence.look), firstLook) / tests;

/** @param firstLook the first look that may call a version degraded */
export const correctedP = (p: number, frame: JudgementFrame, firstLook = 1): number =>
  Math.min(1, p / thresholdOf(frame, firstLook));

/** Returns the windows in which the other side was measured, too. */
export function measuredInBoth<T extends { at: number }>(
  windows: readonly T[],
  others: readonly { at: number }[],
): T[] {
  const times = new Set(others.map(({ at }) => at));
  return windows.filter(({ at }) => times.has(at));
}

/** Looks that share most of the false alarms. */
const FIRST_LOOKS_COUNT = 10;

/** Share of the false alarms that the first looks may cause. */
const FIRST_LOOKS_SHARE = 0.8;

/**
 * Returns the share of all permitted false alarms that a look may cause. The shares of all looks add up to 1 (alpha
 * spending, Lan and DeMets 1983), so by Bonferroni's inequality the number of false alarms does not grow with the number
 * of looks, however they depend on each other: 0.8 in equal parts for the first ten, the rest for all later ones.
 *
 * @param look the number of a look, from 1
 * @param firstLook the first look that may cause one, at most 10
 */
export function shareOfLook(look: number, firstLook = 1): number {
  if (look <= FIRST_LOOKS_COUNT) return FIRST_LOOKS_SHARE / (FIRST_LOOKS_COUNT + 1 - firstLook);
  // These add up to 1: LOOKS / (look - 1) - LOOKS / look.
  return ((1 - FIRST_LOOKS_SHARE) * FIRST_LOOKS_COUNT) / ((look - 1) * look);
}

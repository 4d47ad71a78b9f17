import { incompleteBeta } from './incomplete-beta.ts';

/** Events in a window, and how many of them were bad. Not always integers: Prometheus extrapolates. */
export type Count = { total: number; bad: number };

/** The events of a version and of its baseline in the same window, or before and after. */
export type Pair = { version: Count; baseline: Count };

/** How many times the baseline's ratio the version's ratio is, with the probability of as many bad events by chance. */
export type CountComparison = {
  /** Null: the baseline has no bad events. */
  change: number | null;
  /** One-sided probability that a version like its baseline has at least as many bad events. */
  p: number;
};

/**
 * Compares two ratios by the exact conditional test of two Poisson rates (Przyborowski and Wilenski 1940), stratified by
 * window: given the bad events of both, those of the version are binomial, with its share of the events of that window.
 * A rise that affects both versions is in both counts, and a share that changes during a canary changes with them.
 *
 * The sum over windows is at most as spread as a binomial distribution with the mean share (Hoeffding 1956), so the result
 * is conservative; it is, too, where bad events are not rare. Counts are divided by the design effect, because bad events
 * come in clusters (Rao and Scott 1992).
 *
 * @param designEffect variance of the counts relative to independent events; 1 or more
 */
export function compareCounts(pairs: readonly Pair[], designEffect: number): CountComparison {
  const usable = pairs.filter(({ version, baseline }) => version.total > 0 && baseline.total > 0);
  const [version, baseline] = [sumOf(usable.map((pair) => pair.version)), sumOf(usable.map((pair) => pair.baseline))];
  const change = baseline.bad > 0 ? ratioOf(version) / ratioOf(baseline) : null;
  return { change, p: tail(usable, designEffect, 1, 'at least') };
}

/** Returns the upper one-sided confidence bound of `change`. Infinity: no bad events, so nothing bounds it. */
export function changeAtMost(pairs: readonly Pair[], designEffect: number, confidence: number): number {
  const usable = pairs.filter(({ version, baseline }) => version.total > 0 && baseline.total > 0);
  const exceeds = (factor: number): boolean => tail(usable, designEffect, factor, 'at most') > 1 - confidence;
  if (exceeds(FACTOR_MAX)) return Infinity;
  return Math.exp(bisect((logarithm) => exceeds(Math.exp(logarithm)), -Math.log(FACTOR_MAX), Math.log(FACTOR_MAX)));
}

/** Largest change that is searched for; more is as good as unbounded. */
const FACTOR_MAX = 1e6;

/** Returns the probability of at least or at most this many bad events of the version if its ratio is `factor` times as large. */
function tail(pairs: readonly Pair[], designEffect: number, factor: number, side: 'at least' | 'at most'): number {
  let [bad, all, expected] = [0, 0, 0];
  for (const { version, baseline } of pairs) {
    const both = version.bad + baseline.bad;
    all += both / designEffect;
    bad += version.bad / designEffect;
    expected += ((both / designEffect) * (version.total * factor)) / (version.total * factor + baseline.total);
  }
  if (all <= 0) return 1;
  const share = expected / all;
  return side === 'at least' ? atLeast(bad, all, share) : 1 - atLeast(bad + 1, all, share);
}

/** Returns the probability of at least `bad` of `all` events; between integers, it is interpolated. */
function atLeast(bad: number, all: number, share: number): number {
  if (bad <= 0) return 1;
  if (bad >= all + 1) return 0;
  return incompleteBeta(share, bad, all - bad + 1);
}

/** Returns the one-sided probability of at least this many bad events if their share is known. */
export const exceedsShareP = ({ total, bad }: Count, share: number): number =>
  total > 0 ? atLeast(Math.min(bad, total), total, Math.min(1, share)) : 1;

/** Returns the one-sided Clopper-Pearson bounds of a ratio. */
export function boundsOf(count: Count, designEffect: number, confidence: number): { lower: number; upper: number } {
  const [bad, all] = [Math.min(count.bad, count.total) / designEffect, count.total / designEffect];
  if (all <= 0) return { lower: 0, upper: 1 };
  return {
    lower: bad <= 0 ? 0 : bisect((ratio) => atLeast(bad, all, ratio) < 1 - confidence, 0, 1),
    upper: bad >= all ? 1 : bisect((ratio) => 1 - atLeast(bad + 1, all, ratio) > 1 - confidence, 0, 1),
  };
}

/** Returns the point up to which `holds` is true. */
function bisect(holds: (at: number) => boolean, from: number, until: number): number {
  let [low, high] = [from, until];
  for (let step = 0; step < 50; step += 1) {
    const half = (low + high) / 2;
    if (holds(half)) low = half;
    else high = half;
  }
  return low;
}

/** Numbers of windows that are taken together, because problems can last longer than a window. */
const BLOCKS = [1, 2, 4] as const;

/** With fewer blocks, their variance is mostly chance. */
const BLOCKS_MIN = 6;

/**
 * Returns the design effect of a comparison with an earlier time: the variance of the bad events between windows, relative
 * to independent events. Estimated by Pearson's statistic over single windows and over blocks of them; the largest counts.
 */
export function designEffectOf(windows: readonly Count[]): number {
  const estimates = BLOCKS.map((size) => dispersion(blocks(windows, size)));
  return Math.max(1, ...estimates);
}

function dispersion(windows: readonly Count[]): number {
  const used = windows.filter(({ total }) => total > 0);
  if (used.length < BLOCKS_MIN) return 1;
  const usual = sumOf(used);
  return used.reduce((sum, window) => sum + heterogeneity(window, usual), 0) / (used.length - 1);
}

/** Returns the squared distance of a window from the ratio of all, in standard deviations of independent events. */
function heterogeneity({ total, bad }: Count, all: Count): number {
  const ratio = ratioOf(all);
  return ratio <= 0 || ratio >= 1 ? 0 : (bad - total * ratio) ** 2 / (total * ratio * (1 - ratio));
}

const blocks = (windows: readonly Count[], size: number): Count[] =>
  Array.from({ length: Math.floor(windows.length / size) }, (_, index) =>
    sumOf(windows.slice(index * size, (index + 1) * size)),
  );

/** Weight of the estimate from before the version's start, in windows. */
const PRIOR_WINDOWS = 8;

/**
 * Largest estimate from before the version's start. A larger one is mostly due to problems of all versions, which cancel
 * out side by side.
 */
const PRIOR_MAX = 2;

/**
 * Returns the design effect of a comparison in the same windows. What affects both versions cancels out, so only the
 * variance of their difference counts. Few windows say little about it, so the estimate starts with the differences
 * between successive windows of the baseline, as far as they are usual.
 *
 * @param pairs windows that overlap by half, so that each event is in two, with half its weight
 * @param history windows that do not overlap
 */
export function designEffectBeside(pairs: readonly Pair[], history: readonly Count[]): number {
  const [version, baseline] = [sumOf(pairs.map((pair) => pair.version)), sumOf(pairs.map((pair) => pair.baseline))];
  const factor = baseline.bad > 0 && version.bad > 0 ? ratioOf(version) / ratioOf(baseline) : 1;
  const more = Math.max(0, ratioOf(version) - ratioOf(baseline));
  const prior = Math.min(PRIOR_MAX, successiveDispersion(history));
  const estimates = [multiplied(factor), increased(more)].map((shareIn) => {
    const residuals = pairs.map((pair) => residual(pair, shareIn(pair)));
    const sum = residuals.reduce((total, value) => total + value, PRIOR_WINDOWS * prior);
    return sum / (PRIOR_WINDOWS + Math.max(0, residuals.length - 1));
  });
  // Where the version differs in the other way, a steady difference looks like variance, so the smaller estimate counts.
  return Math.max(1, Math.min(...estimates));
}

/** Returns which share of a window's bad events is expected to be the version's. */
type ShareIn = (pair: Pair) => number;

/** The version's ratio is `factor` times the baseline's, such as that of a dependency that it calls more often. */
const multiplied =
  (factor: number): ShareIn =>
  ({ version, baseline }) =>
    (version.total * factor) / (version.total * factor + baseline.total);

/** The version's ratio is higher by `more`, as with a request that always fails, whatever problems both versions have. */
const increased =
  (more: number): ShareIn =>
  ({ version, baseline }) => {
    const both = version.bad + baseline.bad;
    const common = Math.max(0, both - more * version.total) / (version.total + baseline.total);
    return both > 0
      ? Math.min(1 - MIN_SHARE, Math.max(MIN_SHARE, 1 - (common * baseline.total) / both))
      : version.total / (version.total + baseline.total);
  };

/** Keeps the variance of a share above 0. */
const MIN_SHARE = 0.01;

/** Returns the squared deviation of the version's bad events from its share, relative to independent events. */
function residual({ version, baseline }: Pair, share: number): number {
  const both = version.bad + baseline.bad;
  return both > 0 ? (OVERLAP * (version.bad - both * share) ** 2) / (both * share * (1 - share)) : 1;
}

/** Windows overlap by half, so each event is in two. */
const OVERLAP = 2;

/** Returns the variance of the differences between successive windows, relative to independent events. */
function successiveDispersion(windows: readonly Count[]): number {
  const differences = windows.slice(1).flatMap((window, index) => {
    const before = windows[index];
    if (before === undefined || before.total === 0 || window.total === 0) return [];
    const both = sumOf([before, window]);
    return both.bad > 0 ? [heterogeneity(before, both) + heterogeneity(window, both)] : [];
  });
  return differences.length < BLOCKS_MIN ? 1 : differences.reduce((sum, value) => sum + value, 0) / differences.length;
}

export const sumOf = (counts: readonly Count[]): Count =>
  counts.reduce((sum, { total, bad }) => ({ total: sum.total + total, bad: sum.bad + bad }), { total: 0, bad: 0 });

/** Returns the share of bad events; 0 without events. */
export const ratioOf = ({ total, bad }: Count): number => (total > 0 ? bad / total : 0);

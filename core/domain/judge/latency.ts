import { boundsOf, type Count, designEffectOf, ratioOf, sumOf } from './counts.ts';
import type { InWindow, Histogram, MetricEvidence, MetricJudgement, Sides } from './evidence.ts';
import { boundAt, boundBelow, boundFrom, merged, quantileOf, slowerThan, totalOf } from './histogram.ts';
import { controlSides, degradedIfWorse, differenceOf, isAboveLimit } from './difference.ts';
import { percent, requests, significant } from './words.ts';
import {
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  type JudgementFrame,
  type ComparedCounts,
  burstReason,
  comparedCounts,
  healthyIfExcluded,
  healthyIfNewestAre,
  limitText,
  measuredInBoth,
  type NewestRule,
  tooFewRequests,
} from './comparison.ts';

/** Judges a quantile of a histogram, by the requests that are slower than a bound near the usual quantile. */
export function judgeLatency(metric: MetricEvidence & { kind: 'latency' }, frame: JudgementFrame): MetricJudgement {
  const { name, quantile, max } = metric;
  const { evidence, settings } = frame;
  const baselineOfAllTimes = merged([...metric.history, ...metric.baseline]);
  const bound = usualBound([...metric.history, ...metric.baseline], quantile);
  if (bound === null || evidence.baseline === null) return judgeLatencyAlone(metric, frame);
  const slow = countsOf(metric, bound);
  const compared = comparedCounts(slow);
  if (compared === null) return judgeLatencyAlone(metric, frame);
  const tooFew = tooFewRequests(name, compared, frame);
  if (tooFew !== null) return tooFew;
  const isBefore = compared.comparison === 'before';
  const isCompared = ({ at }: { at: number }): boolean => compared.times.has(at);
  const baselineHistogram = merged(isBefore ? metric.history : metric.baseline.filter(isCompared));
  const versionHistogram = merged(metric.version.filter(isCompared));
  const [versionValue, baselineValue] = [
    quantileOf(versionHistogram, quantile) ?? 0,
    quantileOf(baselineHistogram, quantile) ?? 0,
  ];
  const change = baselineValue > 0 ? versionValue / baselineValue : null;
  const text =
    `the ${percent(quantile)} quantile of ${requests(totalOf(versionHistogram))} is ${significant(versionValue)}; ` +
    `${evidence.baseline} ${compared.when}: ${significant(baselineValue)} of ${requests(totalOf(baselineHistogram))}`;
  const isWorse = (other: number): boolean =>
    versionValue - other >= metric.ignoreBelow && versionValue >= settings.tolerance * other;
  const difference = differenceOf(slow, compared, frame, {
    isMaterial: isWorse(baselineValue),
    isWorse: (floor, before) => floor >= settings.tolerance * before && isWorse(usualQuantile(metric)),
    controls: controlSides(evidence.controls ?? [], slow.version, ratioOf(compared.baseline), slowOf),
  });
  const numbers = {
    name,
    version: versionValue,
    baseline: baselineValue,
    change,
    p: difference.p,
    comparison: compared.comparison,
  };
  const worse = degradedIfWorse(numbers, compared, difference, text, frame);
  if (worse?.verdict === 'degraded') return worse;
  if (max !== null && isWorse(baselineValue) && isSlowerThanLimit(metric, max, compared, frame))
    return { ...numbers, p: null, verdict: 'degraded', reason: `${text}, above the limit of ${significant(max)}` };
  if (worse !== null) return worse;
  const regressionBound = boundBelow(baselineOfAllTimes, REGRESSION_FACTOR * baselineValue, quantile);
  const valueOfAllWindows = compared.isPartial ? (quantileOf(merged(metric.version), quantile) ?? 0) : versionValue;
  const limit = limitText(max, valueOfAllWindows, significant, 'higher', compared.isPartial);
  const burst = difference.doubt ?? burstReason(slow, compared, frame);
  if (regressionBound === null)
    return healthyIfExcluded(numbers, {
      isExcluded: false,
      limit,
      text: `${text}; the buckets of the histogram end too low`,
    });
  const isExcluded =
    boundsOf(
      slowerThan(versionHistogram, regressionBound),
      designEffectOf(countsOf(metric, regressionBound).history),
      REGRESSION_CONFIDENCE,
    ).upper <
    1 - quantile;
  return healthyIfNewestAre(
    healthyIfExcluded(numbers, { isExcluded, text, limit, burst }),
    newestRule(metric, bound, settings),
    evidence,
  );
}

/** @param bound that of slow requests */
function newestRule(
  metric: MetricEvidence & { kind: 'latency' },
  bound: number,
  { tolerance }: JudgementFrame['settings'],
): NewestRule {
  const { quantile, max, ignoreBelow } = metric;
  const limitBound = max === null ? null : boundFrom(merged(metric.version), max);
  return {
    sides: countsOf(metric, bound),
    limited:
      limitBound === null
        ? null
        : {
            windows: countsOf(metric, limitBound).version,
            share: 1 - quantile,
            text: `with the ${percent(quantile)} quantile above the limit of ${significant(max ?? 0)}`,
          },
    isMaterial({ count }) {
      const newest = metric.version.slice(-count);
      const beside = measuredInBoth(metric.baseline, newest);
      const version = quantileOf(merged(newest), quantile) ?? 0;
      const baseline = quantileOf(merged(beside.length > 0 ? beside : metric.history), quantile) ?? 0;
      return version - baseline >= ignoreBelow && version >= tolerance * baseline;
    },
    what: ` took longer than ${significant(bound)}`,
  };
}

function judgeLatencyAlone(metric: MetricEvidence & { kind: 'latency' }, frame: JudgementFrame): MetricJudgement {
  const versionHistogram = merged(metric.version);
  const value = quantileOf(versionHistogram, metric.quantile);
  const numbers = { name: metric.name, version: value, baseline: null, change: null, p: null, comparison: null };
  const { max } = metric;
  const bound = max === null ? null : boundBelow(versionHistogram, max, 0);
  if (max === null || value === null || bound === null || totalOf(versionHistogram) < frame.settings.minRequests)
    return { ...numbers, verdict: 'inconclusive', reason: 'nothing to compare with' };
  const { upper } = boundsOf(
    slowerThan(versionHistogram, bound),
    designEffectOf(countsOf(metric, bound).version),
    REGRESSION_CONFIDENCE,
  );
  const text = `the ${percent(metric.quantile)} quantile is ${significant(value)}`;
  const verdict =
    upper < 1 - metric.quantile && value <= max
      ? 'healthy'
      : isSlowerThanLimit(metric, max, null, frame)
        ? 'degraded'
        : 'inconclusive';
  return healthyIfNewestAre(
    { ...numbers, verdict, reason: `${text}; the limit is ${significant(max)}` },
    newestRule(metric, bound, frame.settings),
    frame.evidence,
  );
}

/** Returns whether the quantile is certainly above a limit, and was not for the baseline. */
function isSlowerThanLimit(
  metric: MetricEvidence & { kind: 'latency' },
  max: number,
  compared: ComparedCounts | null,
  frame: JudgementFrame,
): boolean {
  const bound = boundFrom(merged(metric.version), max);
  if (bound === null) return false;
  const slow = countsOf(metric, bound);
  const baseline = sumOf(slow.baseline.filter(({ at }) => compared?.times.has(at)));
  return isAboveLimit(slow, 1 - metric.quantile, compared && { ...compared, baseline }, frame);
}

/** Returns the quantile of the median window of the history. */
function usualQuantile({ history, quantile }: MetricEvidence & { kind: 'latency' }): number {
  const values = history.map((window) => quantileOf(window, quantile) ?? 0);
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Returns the slow requests of a control. Null: its latency is not measured. */
function slowOf(metric: MetricEvidence): Sides<Count> | null {
  if (metric.kind !== 'latency') return null;
  const bound = usualBound(metric.history, metric.quantile);
  return bound === null ? null : countsOf(metric, bound);
}

/** Returns the bound at the quantile in most windows, because problems of a while would raise that of all. */
function usualBound(windows: readonly Histogram[], quantile: number): number | null {
  const bounds = windows.flatMap((window) => (totalOf(window) > 0 ? (boundAt(window, quantile) ?? []) : []));
  return bounds.toSorted((a, b) => a - b)[Math.floor(bounds.length / 2)] ?? null;
}

/** Returns the requests of each window that were slower than a bound. */
function countsOf(metric: MetricEvidence & { kind: 'latency' }, bound: number): Sides<Count> {
  const { version, baseline, history, earlier = [] } = metric;
  const slowInWindows = (windows: typeof version): InWindow<Count>[] =>
    windows.map((window) => ({ at: window.at, ...slowerThan(window, bound) }));
  return {
    version: slowInWindows(version),
    baseline: slowInWindows(baseline),
    history: slowInWindows(history),
    earlier: earlier.map((day) => ({
      name: day.name,
      version: slowInWindows(day.version),
      history: slowInWindows(day.history),
    })),
  };
}

import { boundsOf, compareCounts, type Count, designEffectOf } from './counts.ts';
import type { InWindow, Histogram, MetricEvidence, MetricJudgement, Sides } from './evidence.ts';
import { boundAt, boundBelow, boundFrom, merged, quantileOf, slowerThan, totalOf } from './histogram.ts';
import { chance, percent, requests, significant } from './words.ts';
import {
  FALSE_ALARM_PROBABILITY,
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  type JudgementFrame,
  burstReason,
  comparedCounts,
  degradedIfLasting,
  healthyIfExcluded,
  healthyIfNewestAre,
  limitText,
  measuredInBoth,
  type NewestRule,
  tooFewRequests,
  correctedP,
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
  const { p } = compareCounts(compared.pairs, compared.designEffect);
  const corrected = correctedP(p, frame);
  const change = baselineValue > 0 ? versionValue / baselineValue : null;
  const numbers = {
    name,
    version: versionValue,
    baseline: baselineValue,
    change,
    p: corrected,
    comparison: compared.comparison,
  };
  const text =
    `the ${percent(quantile)} quantile of ${requests(totalOf(versionHistogram))} is ${significant(versionValue)}; ` +
    `${evidence.baseline} ${compared.when}: ${significant(baselineValue)} of ${requests(totalOf(baselineHistogram))}`;
  const isMaterial =
    versionValue - baselineValue >= metric.ignoreBelow && versionValue >= settings.tolerance * baselineValue;
  if (corrected <= FALSE_ALARM_PROBABILITY && isMaterial)
    return degradedIfLasting(numbers, slow, compared, `${text}, ${chance(corrected)}`, frame);
  const regressionBound = boundBelow(baselineOfAllTimes, REGRESSION_FACTOR * baselineValue, quantile);
  const valueOfAllWindows = compared.isPartial ? (quantileOf(merged(metric.version), quantile) ?? 0) : versionValue;
  const limit = limitText(max, valueOfAllWindows, significant, 'higher', compared.isPartial);
  const burst = burstReason(slow, compared, frame);
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
  const { lower, upper } = boundsOf(
    slowerThan(versionHistogram, bound),
    designEffectOf(countsOf(metric, bound).version),
    REGRESSION_CONFIDENCE,
  );
  const text = `the ${percent(metric.quantile)} quantile is ${significant(value)}`;
  const share = 1 - metric.quantile;
  const verdict =
    upper < share && value <= max
      ? 'healthy'
      : lower > share && value > max && bound >= max
        ? 'degraded'
        : 'inconclusive';
  return healthyIfNewestAre(
    { ...numbers, verdict, reason: `${text}; the limit is ${significant(max)}` },
    newestRule(metric, bound, frame.settings),
    frame.evidence,
  );
}

/** Returns the bound at the quantile in most windows, because problems of a while would raise that of all. */
function usualBound(windows: readonly Histogram[], quantile: number): number | null {
  const bounds = windows.flatMap((window) => (totalOf(window) > 0 ? (boundAt(window, quantile) ?? []) : []));
  return bounds.toSorted((a, b) => a - b)[Math.floor(bounds.length / 2)] ?? null;
}

/** Returns the requests of each window that were slower than a bound. */
function countsOf({ version, baseline, history }: MetricEvidence & { kind: 'latency' }, bound: number): Sides<Count> {
  const slowInWindows = (windows: typeof version): InWindow<Count>[] =>
    windows.map((window) => ({ at: window.at, ...slowerThan(window, bound) }));
  return { version: slowInWindows(version), baseline: slowInWindows(baseline), history: slowInWindows(history) };
}

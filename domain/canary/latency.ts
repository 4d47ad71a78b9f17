import { boundsOf, compareCounts, type Count, designEffectOf } from './counts.ts';
import type { At, Buckets, MetricEvidence, MetricJudgement, Sides } from './evidence.ts';
import { boundAt, boundBelow, merged, quantileOf, slowerThan, totalOf } from './histogram.ts';
import { chance, percent, requests, significant } from './words.ts';
import {
  FALSE_ALARM_PROBABILITY,
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  type JudgementFrame,
  compared,
  degradedIfLasting,
  healthyIfExcluded,
  limitText,
  tooFewRequests,
  correctedP,
} from './comparison.ts';

/** Judges a quantile of a histogram, by the requests that are slower than a bound near the usual quantile. */
export function judgeLatency(metric: MetricEvidence & { kind: 'latency' }, frame: JudgementFrame): MetricJudgement {
  const { name, quantile, max } = metric;
  const { evidence, settings } = frame;
  const all = merged([...metric.history, ...metric.baseline]);
  const bound = usualBound([...metric.history, ...metric.baseline], quantile);
  if (bound === null || evidence.baseline === null) return latencyAlone(metric, frame);
  const slow = countsOf(metric, bound);
  const sides = compared(slow);
  if (sides === null) return latencyAlone(metric, frame);
  const few = tooFewRequests(name, sides, frame);
  if (few !== null) return few;
  const { comparison } = sides;
  const isBefore = comparison === 'before';
  const isCompared = ({ at }: { at: number }): boolean => sides.times.has(at);
  const other = merged(isBefore ? metric.history : metric.baseline.filter(isCompared));
  const own = merged(metric.version.filter(isCompared));
  const [ownValue, otherValue] = [quantileOf(own, quantile) ?? 0, quantileOf(other, quantile) ?? 0];
  const { p } = compareCounts(sides.pairs, sides.designEffect);
  const corrected = correctedP(p, frame);
  const change = otherValue > 0 ? ownValue / otherValue : null;
  const numbers = { name, version: ownValue, baseline: otherValue, change, p: corrected, comparison };
  const text =
    `the ${percent(quantile)} quantile of ${requests(totalOf(own))} is ${significant(ownValue)}; ` +
    `${evidence.baseline} ${sides.when}: ${significant(otherValue)} of ${requests(totalOf(other))}`;
  const isMaterial = ownValue - otherValue >= metric.ignoreBelow && ownValue >= settings.tolerance * otherValue;
  if (corrected <= FALSE_ALARM_PROBABILITY && isMaterial)
    return degradedIfLasting(numbers, slow, sides, `${text}, ${chance(corrected)}`, frame);
  const excluding = boundBelow(all, REGRESSION_FACTOR * otherValue, quantile);
  const whole = sides.isPartial ? (quantileOf(merged(metric.version), quantile) ?? 0) : ownValue;
  const limit = limitText(max, whole, significant, 'higher', sides.isPartial);
  if (excluding === null)
    return healthyIfExcluded(numbers, {
      isExcluded: false,
      limit,
      text: `${text}; the buckets of the histogram end too low`,
    });
  const isExcluded =
    boundsOf(slowerThan(own, excluding), designEffectOf(countsOf(metric, excluding).history), REGRESSION_CONFIDENCE)
      .upper <
    1 - quantile;
  return healthyIfExcluded(numbers, { isExcluded, text, limit });
}

function latencyAlone(metric: MetricEvidence & { kind: 'latency' }, frame: JudgementFrame): MetricJudgement {
  const own = merged(metric.version);
  const value = quantileOf(own, metric.quantile);
  const numbers = { name: metric.name, version: value, baseline: null, change: null, p: null, comparison: null };
  const { max } = metric;
  const bound = max === null ? null : boundBelow(own, max, 0);
  if (max === null || value === null || bound === null || totalOf(own) < frame.settings.minRequests)
    return { ...numbers, verdict: 'inconclusive', reason: 'nothing to compare with' };
  const { lower, upper } = boundsOf(
    slowerThan(own, bound),
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
  return { ...numbers, verdict, reason: `${text}; the limit is ${significant(max)}` };
}

/** Returns the bound at the quantile in most windows, because problems of a while would raise that of all. */
function usualBound(windows: readonly Buckets[], quantile: number): number | null {
  const bounds = windows.flatMap((window) => (totalOf(window) > 0 ? (boundAt(window, quantile) ?? []) : []));
  return bounds.toSorted((a, b) => a - b)[Math.floor(bounds.length / 2)] ?? null;
}

/** Returns the requests of each window that were slower than a bound. */
function countsOf({ version, baseline, history }: MetricEvidence & { kind: 'latency' }, bound: number): Sides<Count> {
  const of = (windows: typeof version): At<Count>[] =>
    windows.map((window) => ({ at: window.at, ...slowerThan(window, bound) }));
  return { version: of(version), baseline: of(baseline), history: of(history) };
}

import { boundsOf, compareCounts, type Count, designEffectOf } from './counts.ts';
import type { At, MetricEvidence, MetricJudgement, Sides } from './evidence.ts';
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
  measuredInBoth,
} from './comparison.ts';

/** Judges a quantile of a histogram, by the requests that are slower than a bound near the usual quantile. */
export function judgeLatency(metric: MetricEvidence & { kind: 'latency' }, frame: JudgementFrame): MetricJudgement {
  const { name, quantile, max } = metric;
  const { evidence, settings } = frame;
  const all = merged([...metric.history, ...metric.baseline]);
  const [usual, bound] = [quantileOf(all, quantile), boundAt(all, quantile)];
  if (usual === null || bound === null || evidence.baseline === null) return latencyAlone(metric, frame);
  const slow = countsOf(metric, bound);
  const sides = compared(slow);
  if (sides === null) return latencyAlone(metric, frame);
  const few = tooFewRequests(name, sides, frame);
  if (few !== null) return few;
  const isBefore = sides.when === 'before';
  const other = merged(isBefore ? metric.history : measuredInBoth(metric.baseline, metric.version));
  const own = merged(isBefore ? metric.version : measuredInBoth(metric.version, metric.baseline));
  const [ownValue, otherValue] = [quantileOf(own, quantile) ?? 0, quantileOf(other, quantile) ?? 0];
  const { p } = compareCounts(sides.pairs, sides.designEffect);
  const corrected = correctedP(p, frame);
  const change = otherValue > 0 ? ownValue / otherValue : null;
  const numbers = { name, version: ownValue, baseline: otherValue, change, p: corrected };
  const text =
    `the ${percent(quantile)} quantile of ${requests(totalOf(own))} is ${significant(ownValue)}; ` +
    `${evidence.baseline} ${sides.when}: ${significant(otherValue)} of ${requests(totalOf(other))}`;
  const isMaterial = ownValue - otherValue >= metric.ignoreBelow && ownValue >= settings.tolerance * otherValue;
  if (corrected <= FALSE_ALARM_PROBABILITY && isMaterial)
    return degradedIfLasting(numbers, slow, sides, `${text}, ${chance(corrected)}`, frame);
  const excluding = boundBelow(all, REGRESSION_FACTOR * otherValue, quantile);
  const limit = limitText(max, ownValue, significant, 'higher');
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
  const numbers = { name: metric.name, version: value, baseline: null, change: null, p: null };
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

/** Returns the requests of each window that were slower than a bound. */
function countsOf({ version, baseline, history }: MetricEvidence & { kind: 'latency' }, bound: number): Sides<Count> {
  const of = (windows: typeof version): At<Count>[] =>
    windows.map((window) => ({ at: window.at, ...slowerThan(window, bound) }));
  return { version: of(version), baseline: of(baseline), history: of(history) };
}

import { boundsOf, changeAtMost, compareCounts, designEffectOf, ratioOf, sumOf } from './counts.ts';
import type { MetricEvidence, MetricJudgement } from './evidence.ts';
import { chance, percent, requests } from './words.ts';
import {
  FALSE_ALARM_PROBABILITY,
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  LOOKS_MIN,
  type JudgementFrame,
  compared,
  degradedIfLasting,
  healthyIfExcluded,
  limitText,
  tooFewRequests,
  tooLittleTrafficText,
  thresholdOf,
  correctedP,
} from './comparison.ts';

/** Judges a share of bad events. */
export function judgeRatio(metric: MetricEvidence & { kind: 'ratio' }, frame: JudgementFrame): MetricJudgement {
  const { settings, evidence } = frame;
  const sides = compared(metric);
  if (sides === null) return judgeAlone(metric, frame);
  const { version, baseline, pairs, designEffect, comparison } = sides;
  const few = tooFewRequests(metric.name, sides, frame);
  if (few !== null) return few;
  const { change, p } = compareCounts(pairs, designEffect);
  const corrected = correctedP(p, frame);
  const [own, other] = [ratioOf(version), ratioOf(baseline)];
  const numbers = { name: metric.name, version: own, baseline: other, change, p: corrected, comparison };
  const text =
    `${percent(own)} of ${requests(version.total)}; ${evidence.baseline} ${sides.when}: ` +
    `${percent(other)} of ${requests(baseline.total)}`;
  const isMaterial = own - other >= metric.ignoreBelow && own >= settings.tolerance * other;
  if (corrected <= FALSE_ALARM_PROBABILITY && isMaterial)
    return degradedIfLasting(numbers, metric, sides, `${text}, ${chance(corrected)}`, frame);
  const isExcluded =
    changeAtMost(pairs, designEffect, REGRESSION_CONFIDENCE) <= REGRESSION_FACTOR ||
    boundsOf(version, designEffect, REGRESSION_CONFIDENCE).upper - other <= metric.ignoreBelow;
  const whole = sides.isPartial ? ratioOf(sumOf(metric.version)) : own;
  const limit = limitText(metric.max, whole, percent, 'higher', sides.isPartial);
  return healthyIfExcluded(numbers, { isExcluded, text, limit });
}

/** Judges a version without baseline by the limit of the metric alone. */
function judgeAlone(metric: MetricEvidence & { kind: 'ratio' }, frame: JudgementFrame): MetricJudgement {
  const { name, max } = metric;
  const version = sumOf(metric.version);
  const own = version.total > 0 ? ratioOf(version) : null;
  const numbers = { name, version: own, baseline: null, change: null, p: null, comparison: null };
  const text = own === null ? 'no requests' : `${percent(own)} of ${requests(version.total)}`;
  if (max === null)
    return {
      ...numbers,
      verdict: 'inconclusive',
      reason: `${text}; nothing to compare with, and no limit is set (max)`,
    };
  if (version.total < frame.settings.minRequests)
    return { ...numbers, verdict: 'inconclusive', reason: tooLittleTrafficText(text, frame) };
  const alarm = FALSE_ALARM_PROBABILITY * thresholdOf(frame);
  const designEffect = designEffectOf(metric.version);
  if (frame.evidence.look >= LOOKS_MIN && boundsOf(version, designEffect, 1 - alarm).lower > max)
    return { ...numbers, verdict: 'degraded', reason: `${text}, above the limit of ${percent(max)}` };
  if (boundsOf(version, designEffect, REGRESSION_CONFIDENCE).upper <= max)
    return { ...numbers, verdict: 'healthy', reason: `${text}, below the limit of ${percent(max)}` };
  return {
    ...numbers,
    verdict: 'inconclusive',
    reason: `${text}, too few to compare with the limit of ${percent(max)}`,
  };
}

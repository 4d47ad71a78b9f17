import { boundsOf, changeAtMost, designEffectOf, ratioOf, sumOf } from './counts.ts';
import type { MetricEvidence, MetricJudgement } from './evidence.ts';
import { controlSides, degradedIfWorse, differenceOf, isAboveLimit } from './difference.ts';
import { percent, requests } from './words.ts';
import {
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  type JudgementFrame,
  burstReason,
  comparedCounts,
  healthyIfExcluded,
  healthyIfNewestAre,
  limitText,
  type NewestRule,
  tooFewRequests,
  tooLittleTrafficText,
} from './comparison.ts';

/** Judges a share of bad events. */
export function judgeRatio(metric: MetricEvidence & { kind: 'ratio' }, frame: JudgementFrame): MetricJudgement {
  const { settings, evidence } = frame;
  const compared = comparedCounts(metric);
  if (compared === null) return judgeRatioAlone(metric, frame);
  const { version, baseline, pairs, designEffect, comparison } = compared;
  const tooFew = tooFewRequests(metric.name, compared, frame);
  if (tooFew !== null) return tooFew;
  const change = baseline.bad > 0 ? ratioOf(version) / ratioOf(baseline) : null;
  const [versionRatio, baselineRatio] = [ratioOf(version), ratioOf(baseline)];
  const text =
    `${percent(versionRatio)} of ${requests(version.total)}; ${evidence.baseline} ${compared.when}: ` +
    `${percent(baselineRatio)} of ${requests(baseline.total)}`;
  const isWorse = (own: number, other: number): boolean =>
    own - other >= metric.ignoreBelow && own >= settings.tolerance * other;
  const difference = differenceOf(metric, compared, frame, {
    isMaterial: isWorse(versionRatio, baselineRatio),
    isWorse,
    mayHaveBursts: true,
    controls: controlSides(evidence.controls ?? [], metric.version, baselineRatio, (other) =>
      other.kind === 'ratio' ? other : null,
    ),
  });
  const numbers = {
    name: metric.name,
    version: versionRatio,
    baseline: baselineRatio,
    change,
    p: difference.p,
    comparison,
  };
  const worse = degradedIfWorse(numbers, compared, difference, text, frame);
  if (worse?.verdict === 'degraded') return worse;
  const { max } = metric;
  if (max !== null && isWorse(versionRatio, baselineRatio) && isAboveLimit(metric, max, compared, frame))
    return { ...numbers, p: null, verdict: 'degraded', reason: `${text}, above the limit of ${percent(max)}` };
  if (worse !== null) return worse;
  const isExcluded =
    changeAtMost(pairs, designEffect, REGRESSION_CONFIDENCE) <= REGRESSION_FACTOR ||
    boundsOf(version, designEffect, REGRESSION_CONFIDENCE).upper - baselineRatio <= metric.ignoreBelow;
  const ratioOfAllWindows = compared.isPartial ? ratioOf(sumOf(metric.version)) : versionRatio;
  const limit = limitText(metric.max, ratioOfAllWindows, percent, 'higher', compared.isPartial);
  const burst = difference.doubt ?? burstReason(metric, compared, frame);
  return healthyIfNewestAre(
    healthyIfExcluded(numbers, { isExcluded, text, limit, burst }),
    newestRule(metric, settings),
    evidence,
  );
}

const newestRule = (
  metric: MetricEvidence & { kind: 'ratio' },
  { tolerance }: JudgementFrame['settings'],
): NewestRule => ({
  sides: metric,
  limited:
    metric.max === null
      ? null
      : { windows: metric.version, share: metric.max, text: `above the limit of ${percent(metric.max)}` },
  isMaterial: ({ version, baseline }) => version - baseline >= metric.ignoreBelow && version >= tolerance * baseline,
  what: '',
});

/** Judges a version without baseline by the limit of the metric alone. */
function judgeRatioAlone(metric: MetricEvidence & { kind: 'ratio' }, frame: JudgementFrame): MetricJudgement {
  const { name, max } = metric;
  const version = sumOf(metric.version);
  const versionRatio = version.total > 0 ? ratioOf(version) : null;
  const numbers = { name, version: versionRatio, baseline: null, change: null, p: null, comparison: null };
  const text = versionRatio === null ? 'no requests' : `${percent(versionRatio)} of ${requests(version.total)}`;
  if (max === null)
    return {
      ...numbers,
      verdict: 'inconclusive',
      reason: `${text}; nothing to compare with, and no limit is set (max)`,
    };
  if (version.total < frame.settings.minRequests)
    return { ...numbers, verdict: 'inconclusive', reason: tooLittleTrafficText(text, frame) };
  if (isAboveLimit(metric, max, null, frame))
    return { ...numbers, verdict: 'degraded', reason: `${text}, above the limit of ${percent(max)}` };
  if (boundsOf(version, designEffectOf(metric.version), REGRESSION_CONFIDENCE).upper <= max)
    return healthyIfNewestAre(
      { ...numbers, verdict: 'healthy', reason: `${text}, below the limit of ${percent(max)}` },
      newestRule(metric, frame.settings),
      frame.evidence,
    );
  return {
    ...numbers,
    verdict: 'inconclusive',
    reason: `${text}, too few to compare with the limit of ${percent(max)}`,
  };
}

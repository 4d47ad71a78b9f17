import type { MetricEvidence, MetricJudgement, Value } from './evidence.ts';
import { rankTest } from './rank-test.ts';
import { chance, significant } from './words.ts';
import {
  FALSE_ALARM_PROBABILITY,
  REGRESSION_FACTOR,
  REGRESSION_CONFIDENCE,
  NEWEST_WINDOWS,
  type JudgementFrame,
  healthyIfExcluded,
  limitText,
  correctedP,
  measuredInBoth,
} from './comparison.ts';

/** Windows before the version's start that are compared by rank. Levels drift, so older ones say little. */
const VALUES_BEFORE = 20;

type ValueEvidence = MetricEvidence & { kind: 'value' };

/** Judges values of windows by their ranks. */
export function judgeValue(metric: ValueEvidence, frame: JudgementFrame): MetricJudgement {
  return beyondLimit(metric) ?? compared(metric, frame);
}

/** Returns `degraded` if the newest values are beyond the limit, and those of the baseline at the same time are not. */
function beyondLimit({ name, version, baseline, max, worse, failures }: ValueEvidence): MetricJudgement | null {
  if (failures === undefined || max === null || version.length < failures) return null;
  const isBeyond = ({ value }: Value): boolean => (worse === 'higher' ? value > max : value < max);
  const newest = version.slice(-failures);
  const others = measuredInBoth(baseline, newest);
  if (!newest.every(isBeyond) || others.some(isBeyond)) return null;
  const [own, other] = [newest, others].map((side) =>
    side.length === 0 ? null : median(side.map(({ value }) => value)),
  );
  return {
    name,
    verdict: 'degraded',
    version: own ?? null,
    baseline: other ?? null,
    change: own != null && other != null && other !== 0 ? own / other : null,
    p: null,
    comparison: null,
    reason: `${significant(own ?? 0)}, ${worse === 'higher' ? 'above' : 'below'} the limit of ${significant(max)} in the newest ${failures} checks`,
  };
}

function compared(metric: ValueEvidence, frame: JudgementFrame): MetricJudgement {
  const { name, worse, max, ignoreBelow } = metric;
  const { evidence, settings } = frame;
  const sign = worse === 'higher' ? 1 : -1;
  const same = measuredInBoth(metric.baseline, metric.version.slice(-NEWEST_WINDOWS)).length > 0;
  const others = same ? measuredInBoth(metric.baseline, metric.version) : metric.history.slice(-VALUES_BEFORE);
  const [own, other] = [metric.version, others].map((side) => side.map(({ value }) => sign * value));
  const limits = { ...metric };
  if (own === undefined || other === undefined || own.length === 0 || other.length === 0)
    return valueAlone(limits, own ?? [], sign);
  const [ownValue, otherValue] = [sign * median(own), sign * median(other)];
  const margin = (value: number, factor: number): number => Math.max(Math.abs(value) * (1 - 1 / factor), ignoreBelow);
  const p = rankTest(
    own.map((value) => value - margin(value, settings.tolerance)),
    other,
  );
  const corrected = correctedP(p, frame);
  const change = otherValue === 0 ? null : ownValue / otherValue;
  const numbers = {
    name,
    version: ownValue,
    baseline: otherValue,
    change,
    p: corrected,
    comparison: same ? ('beside' as const) : ('before' as const),
  };
  const text =
    `${significant(ownValue)} in ${own.length} windows; ${evidence.baseline} ${same ? 'at the same time' : 'before'}: ` +
    `${significant(otherValue)} in ${other.length}`;
  if (corrected <= FALSE_ALARM_PROBABILITY)
    return { ...numbers, verdict: 'degraded', reason: `${text}, ${chance(corrected)}` };
  const doubled = own.map((value) => value - Math.max(Math.abs(value) / REGRESSION_FACTOR, ignoreBelow));
  const isExcluded = rankTest(other, doubled) <= 1 - REGRESSION_CONFIDENCE;
  return healthyIfExcluded(numbers, { isExcluded, text, limit: limitText(max, ownValue, significant, worse) });
}

function valueAlone({ name, max, worse }: ValueEvidence, own: readonly number[], sign: number): MetricJudgement {
  const value = own.length === 0 ? null : sign * median(own);
  const numbers = { name, version: value, baseline: null, change: null, p: null, comparison: null };
  if (value === null || max === null)
    return { ...numbers, verdict: 'inconclusive', reason: value === null ? 'no samples' : 'nothing to compare with' };
  const within = own.filter((each) => each <= sign * max).length;
  const verdict = within === own.length && own.length >= NEWEST_WINDOWS ? 'healthy' : 'inconclusive';
  return {
    ...numbers,
    verdict,
    reason: `${significant(value)}; ${limitText(max, value, significant, worse) ?? `the limit is ${max}`}`,
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [a = 0, b = 0] = [sorted[middle], sorted[sorted.length - 1 - middle]];
  return (a + b) / 2;
}

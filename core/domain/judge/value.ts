import type { MetricEvidence, MetricJudgement, Value } from './evidence.ts';
import { BEFORE_LOOKS_MIN } from './lasting.ts';
import { clockText, timestamp } from '../../../schemas/time/time.ts';
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
const VALUES_BEFORE_MAX = 20;

/** Newest windows that must not be worse by themselves. */
const NEWEST_VALUES = 2;

/**
 * Highest probability by chance with which newest windows that look worse prevent `healthy`. Two windows of the version
 * with five of the baseline can't give less.
 */
const NEWEST_P = 0.05;

type ValueEvidence = MetricEvidence & { kind: 'value' };

/** Judges values of windows by their ranks. */
export function judgeValue(metric: ValueEvidence, frame: JudgementFrame): MetricJudgement {
  return beyondLimit(metric) ?? judgeAgainstBaseline(metric, frame);
}

const isBeyondMax =
  (max: number, worse: ValueEvidence['worse']) =>
  ({ value }: Value): boolean =>
    worse === 'higher' ? value > max : value < max;

/** Returns `degraded` if the newest values are beyond the limit, and those of the baseline at the same time, else before, are not. */
function beyondLimit({
  name,
  version,
  baseline,
  history,
  max,
  worse,
  failures,
}: ValueEvidence): MetricJudgement | null {
  if (failures === undefined || max === null || version.length < failures) return null;
  const isBeyond = isBeyondMax(max, worse);
  const newest = version.slice(-failures);
  const baselineWindows = measuredInBoth(baseline, newest);
  const before = baselineWindows.length > 0 ? baselineWindows : history.slice(-failures);
  if (!newest.every(isBeyond) || before.some(isBeyond)) return null;
  const [versionValues, baselineValues] = [newest, baselineWindows].map((side) =>
    side.length === 0 ? null : median(side.map(({ value }) => value)),
  );
  return {
    name,
    verdict: 'degraded',
    version: versionValues ?? null,
    baseline: baselineValues ?? null,
    change:
      versionValues != null && baselineValues != null && baselineValues !== 0 ? versionValues / baselineValues : null,
    p: null,
    comparison: null,
    reason: `${significant(versionValues ?? 0)}, ${worse === 'higher' ? 'above' : 'below'} the limit of ${significant(max)} in the newest ${failures} checks`,
  };
}

function judgeAgainstBaseline(metric: ValueEvidence, frame: JudgementFrame): MetricJudgement {
  const { name, worse, max, ignoreBelow } = metric;
  const { evidence, settings } = frame;
  const sign = worse === 'higher' ? 1 : -1;
  const isSameTime = measuredInBoth(metric.baseline, metric.version.slice(-NEWEST_WINDOWS)).length > 0;
  const baselineWindows = isSameTime
    ? measuredInBoth(metric.baseline, metric.version)
    : metric.history.slice(-VALUES_BEFORE_MAX);
  const [versionValues, baselineValues] = [metric.version, baselineWindows].map((side) =>
    side.map(({ value }) => sign * value),
  );
  if (
    versionValues === undefined ||
    baselineValues === undefined ||
    versionValues.length === 0 ||
    baselineValues.length === 0
  )
    return judgeValueAlone(metric);
  const [versionValue, baselineValue] = [sign * median(versionValues), sign * median(baselineValues)];
  const margin = (value: number, factor: number): number => Math.max(Math.abs(value) * (1 - 1 / factor), ignoreBelow);
  const p = rankTest(
    versionValues.map((value) => value - margin(value, settings.tolerance)),
    baselineValues,
  );
  const corrected = correctedP(p, frame);
  const change = baselineValue === 0 ? null : versionValue / baselineValue;
  const numbers = {
    name,
    version: versionValue,
    baseline: baselineValue,
    change,
    p: corrected,
    comparison: isSameTime ? ('beside' as const) : ('before' as const),
  };
  const text =
    `${significant(versionValue)} in ${versionValues.length} windows; ${evidence.baseline} ${isSameTime ? 'at the same time' : 'before'}: ` +
    `${significant(baselineValue)} in ${baselineValues.length}`;
  if (corrected <= FALSE_ALARM_PROBABILITY) {
    const reason = `${text}, ${chance(corrected)}`;
    const lasts =
      isSameTime ||
      lastsSinceStart(
        versionValues.map((value) => value - margin(value, settings.tolerance)),
        [metric.history, ...(metric.earlier ?? []).map((day) => day.history)].map((windows) =>
          windows.map(({ value }) => sign * value),
        ),
      );
    return lasts
      ? { ...numbers, verdict: 'degraded', reason }
      : {
          ...numbers,
          verdict: 'inconclusive',
          reason: `${reason}, but as bad for as long before, or too short to tell`,
        };
  }
  const withoutRegression = versionValues.map(
    (value) => value - Math.max(Math.abs(value) / REGRESSION_FACTOR, ignoreBelow),
  );
  const isExcluded = rankTest(baselineValues, withoutRegression) <= 1 - REGRESSION_CONFIDENCE;
  const judgement = healthyIfExcluded(numbers, {
    isExcluded,
    text,
    limit: limitText(max, versionValue, significant, worse),
  });
  const newest = versionValues.slice(-NEWEST_VALUES);
  const newestText = newest.map((value) => significant(sign * value)).join(' and ');
  const isWorse =
    rankTest(
      newest.map((value) => value - margin(value, settings.tolerance)),
      baselineValues,
    ) <= NEWEST_P;
  const newestLimit = newest.every((value) => max !== null && value > sign * max)
    ? limitText(max, sign * Math.min(...newest), significant, worse)
    : null;
  return judgement.verdict === 'healthy' && (isWorse || newestLimit !== null)
    ? {
        ...judgement,
        verdict: 'inconclusive',
        reason: `${text}; but ${newestText} in the newest ${newest.length}${newestLimit === null ? '' : `, ${newestLimit}`}`,
      }
    : judgement;
}

/** Values that a comparison with the time before needs. */
const VALUES_MIN = Math.floor(BEFORE_LOOKS_MIN / 2);

/**
 * Returns whether all values since the start are worse than the one just before it, and than the least bad one of any
 * equally long time before: bursts do not last.
 *
 * @param histories windows of the same length as the values
 */
function lastsSinceStart(
  values: readonly number[],
  [history = [], ...earlier]: readonly (readonly number[])[],
): boolean {
  if (values.length < VALUES_MIN) return false;
  const least = Math.min(...values);
  const before = [history, ...earlier].flatMap((windows) =>
    Array.from({ length: Math.max(0, windows.length - values.length + 1) }, (_, from) =>
      Math.min(...windows.slice(from, from + values.length)),
    ),
  );
  return least > Math.max(history.at(-1) ?? -Infinity, ...before);
}

/** Judges by the limit alone: each value since the start counts. */
function judgeValueAlone({ name, max, worse, version }: ValueEvidence): MetricJudgement {
  const value = version.length === 0 ? null : median(version.map((one) => one.value));
  const numbers = { name, version: value, baseline: null, change: null, p: null, comparison: null };
  if (value === null || max === null)
    return { ...numbers, verdict: 'inconclusive', reason: value === null ? 'no samples' : 'nothing to compare with' };
  const beyond = version.filter(isBeyondMax(max, worse));
  const last = beyond.at(-1);
  const count = version.length;
  if (last !== undefined) {
    const lastText = `last ${significant(last.value)} at ${clockText(timestamp(last.at * 1000))}`;
    const text = `${limitText(max, last.value, significant, worse)} in ${beyond.length} of ${count} checks, ${lastText}`;
    return {
      ...numbers,
      verdict: 'inconclusive',
      reason: last.detail === undefined ? text : `${text}: ${last.detail}`,
    };
  }
  const limit = `the limit is ${significant(max)}`;
  return count < NEWEST_WINDOWS
    ? {
        ...numbers,
        verdict: 'inconclusive',
        reason: `${significant(value)} in ${count} of the ${NEWEST_WINDOWS} checks that are needed; ${limit}`,
      }
    : { ...numbers, verdict: 'healthy', reason: `${significant(value)}; ${limit}` };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [a = 0, b = 0] = [sorted[middle], sorted[sorted.length - 1 - middle]];
  return (a + b) / 2;
}

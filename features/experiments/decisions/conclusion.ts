import type { CheckNumbers, CheckResult, Conclusion, ExperimentRecord, Observation, Phase } from '../experiment.ts';

type Check = ExperimentRecord['checks'][number];

/** Minimum share of the due measurements that a check needs. */
const MEASURED_SHARE_MIN = 0.5;

export const isOutside = ({ min, max }: Pick<Check, 'min' | 'max'>, value: number): boolean =>
  (min !== null && value < min) || (max !== null && value > max);

/** Returns why an observation stops the experiment. Null: it does not. */
export function abortReason(checks: readonly Check[], observation: Observation): string | null {
  for (const { name, abort_above: above, abort_below: below } of checks) {
    const value = observation.values.find((measurement) => measurement.name === name)?.value ?? null;
    if (value === null) continue;
    if (above !== null && value > above)
      return `${name} is ${numberText(value)}, above its abort limit ${numberText(above)}`;
    if (below !== null && value < below)
      return `${name} is ${numberText(value)}, below its abort limit ${numberText(below)}`;
  }
  return null;
}

/** Counts the newest measurements in a row that are missing, of each check with an abort limit. */
export function missingInARow(
  checks: readonly Check[],
  before: ExperimentRecord['missing_in_a_row'],
  { values }: Observation,
): ExperimentRecord['missing_in_a_row'] {
  const limited = checks.filter(({ abort_above: above, abort_below: below }) => above !== null || below !== null);
  return Object.fromEntries(
    limited.map(({ name }) => {
      const value = values.find((measurement) => measurement.name === name)?.value ?? null;
      return [name, value === null ? (before[name] ?? 0) + 1 : 0];
    }),
  );
}

/** Returns why an experiment that can't be observed any more is stopped. Null: it is observed. */
export function unmeasuredReason(
  { missing_in_a_row: counts, missing_limit: limit }: Pick<ExperimentRecord, 'missing_in_a_row' | 'missing_limit'>,
  observation: Observation,
): string | null {
  const [name, count] = Object.entries(counts).find(([, missing]) => missing > limit) ?? [];
  if (name === undefined) return null;
  return `${name} has an abort limit, and ${count} measurements in a row are missing${detailText(name, [observation])}`;
}

/** Returns the numbers of all checks, by phase. */
export const resultsOf = (checks: readonly Check[], observations: readonly Observation[]): CheckResult[] =>
  checks.map((check) => ({
    name: check.name,
    min: check.min,
    max: check.max,
    before: numbersOf(check, observations, 'before'),
    during: numbersOf(check, observations, 'during'),
    after: numbersOf(check, observations, 'after'),
  }));

function numbersOf(check: Check, observations: readonly Observation[], phase: Phase): CheckNumbers {
  const found = observations
    .filter((measurement) => measurement.phase === phase)
    .flatMap(({ values }) => values.filter(({ name }) => name === check.name));
  const values = found.flatMap(({ value }) => (value === null ? [] : [value]));
  return {
    measured: values.length,
    missing: found.length - values.length,
    outside: values.filter((value) => isOutside(check, value)).length,
    min: values.length === 0 ? null : Math.min(...values),
    max: values.length === 0 ? null : Math.max(...values),
    mean: values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length,
    last: values.at(-1) ?? null,
  };
}

export type Steadiness = { steady: boolean; reasons: string[] };

/** Decides whether the steady state holds: every check was measured, and was never outside its limits. */
export function steadinessOf(checks: readonly Check[], observations: readonly Observation[]): Steadiness {
  const reasons = resultsOf(checks, observations).flatMap(({ before, ...result }): string[] => {
    if (before.measured === 0)
      return [`${result.name} was not measured before the experiment${detailText(result.name, observations)}`];
    return before.outside === 0
      ? []
      : [`${result.name} was outside ${limitsText(result)} before the experiment, ${rangeText(before)}`];
  });
  return { steady: reasons.length === 0, reasons };
}

function detailText(name: string, observations: readonly Observation[]): string {
  const detail = observations
    .flatMap(({ values }) => values)
    .findLast((measurement) => measurement.name === name && measurement.value === null)?.detail;
  return detail ? `: ${detail}` : '';
}

/** Returns what an experiment that has ended has shown. */
export function conclude(
  experiment: Pick<ExperimentRecord, 'checks' | 'ending' | 'started_at' | 'chaos'>,
  observations: readonly Observation[],
): Conclusion {
  const checks = resultsOf(experiment.checks, observations);
  const { ending, started_at: startedAt, chaos } = experiment;
  const inconclusive = (
    because: Extract<Conclusion, { outcome: 'inconclusive' }>['because'],
    reasons: string[],
  ): Conclusion => ({ outcome: 'inconclusive', because, reasons, checks });
  const recovered = recoveredIn(checks);
  const failed = (because: Extract<Conclusion, { outcome: 'failed' }>['because'], reasons: string[]): Conclusion => ({
    outcome: 'failed',
    because,
    reasons,
    checks,
    recovered,
  });

  const reason = ending?.reason ?? 'it has not ended';
  if (ending?.code === 'not_steady' || ending?.code === 'incident_open')
    return inconclusive('not_steady', [startedAt === null ? `not started: ${reason}` : `stopped: ${reason}`]);
  if (startedAt === null) return inconclusive('not_started', [reason]);
  if (ending?.code === 'abort_check' || ending?.code === 'abort_alert')
    return failed('aborted', [reason, ...outsideReasons(experiment, checks)]);
  const outside = outsideReasons(experiment, checks);
  if (outside.length > 0) return failed('outside_limits', outside);
  if (chaos?.verdict === 'failed') return failed('chaos_verdict', [chaos.text]);
  if (ending?.code === 'abort_missing') return inconclusive('not_measured', [reason]);
  if (ending?.code === 'failed_to_run' || chaos?.verdict === 'error')
    return inconclusive('stopped_early', [chaos?.text ?? reason]);
  if (ending?.code === 'stopped') return inconclusive('stopped_early', [reason]);
  if (checks.length === 0) {
    if (chaos?.verdict === 'passed') return { outcome: 'held', reasons: [chaos.text], checks, recovered };
    if (chaos?.verdict === 'stopped') return inconclusive('stopped_early', [chaos.text]);
    return inconclusive('not_measured', [chaos?.text ?? 'it has no checks, and the chaos system reports no verdict']);
  }
  const unmeasured = checks.filter(
    ({ during: { measured, missing } }) => measured === 0 || measured < MEASURED_SHARE_MIN * (measured + missing),
  );
  if (unmeasured.length > 0)
    return inconclusive(
      'not_measured',
      unmeasured.map(
        ({ name, during: { measured, missing } }) =>
          `${name} has ${measured} of ${measured + missing} measurements during the experiment${detailText(name, observations)}`,
      ),
    );
  if (recovered === false)
    return failed(
      'not_recovered',
      checks
        .filter((check) => check.after.last !== null && isOutside(check, check.after.last))
        .map(
          (check) =>
            `${check.name} is still outside ${limitsText(check)} after the experiment: ${numberText(check.after.last ?? 0)}`,
        ),
    );
  return {
    outcome: 'held',
    reasons: checks.map((check) => `${check.name} stayed within ${limitsText(check)}, ${rangeText(check.during)}`),
    checks,
    recovered,
  };
}

function outsideReasons({ checks }: Pick<ExperimentRecord, 'checks'>, results: readonly CheckResult[]): string[] {
  return results.flatMap((result, n) => {
    const { measured, outside } = result.during;
    if (outside <= (checks[n]?.tolerated ?? 0)) return [];
    return [
      `${result.name} was outside ${limitsText(result)} in ${outside} of ${measured} measurements, ${rangeText(result.during)}`,
    ];
  });
}

/** Returns whether all checks were within their limits at the last measurement after the experiment. */
function recoveredIn(checks: readonly CheckResult[]): boolean | null {
  if (checks.every(({ after }) => after.last === null)) return null;
  return checks.every((check) => check.after.last === null || !isOutside(check, check.after.last));
}

/** Formats limits as `at most 0.02`. */
export const limitsText = ({ min, max }: Pick<Check, 'min' | 'max'>): string =>
  min !== null && max !== null
    ? `${numberText(min)} to ${numberText(max)}`
    : min !== null
      ? `at least ${numberText(min)}`
      : `at most ${numberText(max ?? 0)}`;

const rangeText = ({ min, max, mean }: CheckNumbers): string =>
  `${numberText(min ?? 0)} to ${numberText(max ?? 0)}, on average ${numberText(mean ?? 0)}`;

export const numberText = (value: number): string => String(Number(value.toPrecision(4)));

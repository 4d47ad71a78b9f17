import type { CanaryEvidence, MetricEvidence } from '../../../../core/domain/judge/evidence.ts';

/** Answers whether a version is degraded, at one look. */
export type CanaryRule = (evidence: CanaryEvidence) => 'healthy' | 'degraded' | 'inconclusive';

/**
 * Fixed limits, as in the examples of Argo Rollouts and Flagger: an error ratio of at most 1 %, a 95 % quantile of at most
 * `slowest` seconds, in the newest window.
 */
export const thresholds =
  ({ errorRatio, slowest }: { errorRatio: number; slowest: number }): CanaryRule =>
  ({ metrics }) =>
    metrics.some((metric) => valueOf(metric) > (metric.name === 'errors' ? errorRatio : slowest))
      ? 'degraded'
      : 'healthy';

/** Calls a version degraded once a rule has said so at `failures` looks, as the `threshold` of Flagger does. */
export function afterFailures(rule: CanaryRule, failures: number): CanaryRule {
  let failed = 0;
  return (evidence) => {
    if (rule(evidence) === 'degraded') failed += 1;
    return failed >= failures ? 'degraded' : 'healthy';
  };
}

function valueOf(metric: MetricEvidence): number {
  if (metric.kind === 'ratio') return ratios(metric.version.slice(-1))[0] ?? 0;
  if (metric.kind === 'value') return metric.version.at(-1)?.value ?? 0;
  return 0;
}

const ratios = (windows: readonly { total: number; bad: number }[]): number[] =>
  windows.filter(({ total }) => total > 0).map(({ total, bad }) => bad / total);

/**
 * The judge of Kayenta with its defaults: a Mann-Whitney test with the Hodges-Lehmann estimate of the shift, which fails a
 * metric if the 98 % confidence interval of the shift is above a quarter of the estimate. One metric of two that fails
 * gives the score 50, which is below the usual limit to pass.
 *
 * @see https://github.com/spinnaker/kayenta, MannWhitneyClassifier.scala and NetflixACAJudge.scala
 */
export const kayenta: CanaryRule = ({ metrics }) =>
  metrics.some((metric) => {
    if (metric.kind === 'missing' || metric.kind === 'latency') return false;
    const valuesOf = (side: 'version' | 'baseline' | 'history'): number[] =>
      metric.kind === 'ratio' ? ratios(metric[side]) : metric[side].map(({ value }) => value);
    const isBeside = 2 * metric.baseline.length > metric.version.length;
    return isHigh(valuesOf('version'), valuesOf(isBeside ? 'baseline' : 'history'));
  })
    ? 'degraded'
    : 'healthy';

/** Two-sided 98 %. */
const CONFIDENCE_Z = 2.326;

/** Share of the estimated shift. */
const TOLERANCE = 0.25;

function isHigh(experiment: readonly number[], control: readonly number[]): boolean {
  const differences = experiment.flatMap((one) => control.map((other) => one - other)).toSorted((a, b) => a - b);
  const [n, m] = [experiment.length, control.length];
  const rank = Math.floor((n * m) / 2 - CONFIDENCE_Z * Math.sqrt((n * m * (n + m + 1)) / 12));
  const lower = rank >= 1 ? (differences[rank - 1] ?? -Infinity) : -Infinity;
  const estimate = differences[Math.floor(differences.length / 2)] ?? 0;
  return lower > TOLERANCE * Math.abs(estimate);
}

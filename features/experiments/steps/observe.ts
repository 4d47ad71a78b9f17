import { liveChanges } from '../../../core/domain/changes/versions.ts';
import type { Deps } from '../ports.ts';
import type { JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import type { ExperimentRecord, Observation, Phase } from '../experiment.ts';
import { plusSeconds, type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { judgeSettings, storableNumber } from '../../../workflows/steps/judge/judge-version.ts';

type MeasureDeps = Pick<Deps, 'config' | 'judgeMetrics' | 'metricQueries' | 'clock' | 'changes'>;
type Value = Observation['values'][number];
type Check = ExperimentRecord['checks'][number];

export const QUERY_TIMEOUT_MS = 5000;

/** Measurements of the steady state, spread over its period. */
const BEFORE_POINTS = 60;

/** Newest changes among which the live version is searched. */
const CHANGES_READ = 50;

/** Range of rates in queries of the judge, in seconds. */
const WINDOW_SECONDS = 60;

/** Measures all checks now. */
export async function observe(deps: MeasureDeps, experiment: ExperimentRecord, phase: Phase): Promise<Observation> {
  const at = deps.clock.now();
  const values = await Promise.all(experiment.checks.map((check) => measure(deps, experiment, check, at)));
  return { at, phase, values };
}

/** Measures the period before the experiment by queries over time. Metrics over HTTP have only a current value. */
export async function observeBefore(deps: MeasureDeps, experiment: ExperimentRecord): Promise<Observation[]> {
  const until = experiment.started_at ?? deps.clock.now();
  const stepSeconds = steadyStateStep(experiment.steady_state_seconds);
  const found = await Promise.all(
    experiment.checks.map((check) => measureBefore(deps, experiment, check, { until, stepSeconds })),
  );
  const times = [...new Set(found.flat().map(({ at }) => at))].toSorted();
  return times.map((at) => ({
    at,
    phase: 'before' as const,
    values: found.flatMap((points) => points.filter((point) => point.at === at).map(({ value }) => value)),
  }));
}

/** Returns the seconds between two measurements of the steady state. */
export const steadyStateStep = (steadyStateSeconds: number): number =>
  Math.max(10, Math.ceil(steadyStateSeconds / BEFORE_POINTS));

async function measureBefore(
  deps: MeasureDeps,
  experiment: ExperimentRecord,
  check: Check,
  { until, stepSeconds }: { until: Timestamp; stepSeconds: number },
): Promise<{ at: Timestamp; value: Value }[]> {
  const query = await queryOf(deps, experiment, check);
  if (query === null || typeof query !== 'string')
    return [{ at: until, value: await measure(deps, experiment, check, until) }];
  const from = plusSeconds(until, -experiment.steady_state_seconds);
  const answer = await deps.metricQueries.range(query, from, until, stepSeconds, QUERY_TIMEOUT_MS);
  const missing = (detail: string) => [{ at: until, value: { name: check.name, value: null, detail } }];
  if (answer === null) return missing(NO_PROMETHEUS);
  if (answer.kind === 'unreadable') return missing(answer.detail);
  const [series, ...others] = answer.series;
  if (series === undefined) return missing('the query has no result');
  if (others.length > 0) return missing(`the query gives ${answer.series.length} series instead of one`);
  return series.values
    .filter(([, value]) => Number.isFinite(value))
    .map(([second, value]) => ({
      at: timestamp(second * 1000),
      value: { name: check.name, value: storableNumber(value), detail: '' },
    }));
}

async function measure(deps: MeasureDeps, experiment: ExperimentRecord, check: Check, at: Timestamp): Promise<Value> {
  const { name } = check;
  const missing = (detail: string): Value => ({ name, value: null, detail });
  const query = await queryOf(deps, experiment, check);
  if (query === null) return missing(noSuchMetric(check));
  if (typeof query !== 'string') return callHttpMetric(deps, experiment, query, name);
  const answer = await deps.metricQueries.instant(query, at, QUERY_TIMEOUT_MS);
  if (answer === null) return missing(NO_PROMETHEUS);
  if (answer.kind === 'unreadable') return missing(answer.detail);
  const values = answer.series.flatMap((series) => series.values.at(-1)?.[1] ?? []);
  const [value] = values;
  if (value === undefined) return missing('the query has no result');
  if (values.length > 1) return missing(`the query gives ${values.length} values instead of one`);
  return Number.isFinite(value) ? { name, value: storableNumber(value), detail: '' } : missing(`the value is ${value}`);
}

/** Says that the catalogue has no metric with the name that a check gives. */
export const noSuchMetric = ({ metric }: Pick<Check, 'metric'>): string =>
  `the first service of the scope has no metric ${metric ?? ''} in judge.metrics`;

const NO_PROMETHEUS = 'Prometheus is not connected (PROMETHEUS_URL)';

async function callHttpMetric(
  deps: MeasureDeps,
  { scope }: ExperimentRecord,
  metric: Extract<JudgeMetric, { kind: 'http' }>,
  name: string,
): Promise<Value> {
  const [serviceEnvironment] = scope;
  if (serviceEnvironment === undefined) return { name, value: null, detail: 'the scope is empty' };
  const needsVersion = metric.url.includes('{{.version}}');
  const live = needsVersion ? await liveVersion(deps, serviceEnvironment) : '-';
  if (live === undefined)
    return { name, value: null, detail: 'no version is recorded as succeeded, which the URL names' };
  const { value, detail } = await deps.judgeMetrics.measure(metric, { ...serviceEnvironment, version: live });
  return { name, value: storableNumber(value), detail };
}

async function liveVersion(
  { changes }: MeasureDeps,
  serviceEnvironment: ExperimentRecord['scope'][number],
): Promise<string | undefined> {
  const recent = await changes.recent(serviceEnvironment, CHANGES_READ);
  return liveChanges(recent).findLast(({ status }) => status === 'succeeded')?.version;
}

/** Returns the query of a check, or its metric over HTTP. Null: the metric is not configured. */
export async function queryOf(
  deps: Pick<Deps, 'config' | 'judgeMetrics'>,
  { scope: [serviceEnvironment] }: Pick<ExperimentRecord, 'scope'>,
  { promql, metric: wanted }: Pick<Check, 'promql' | 'metric'>,
): Promise<string | Extract<JudgeMetric, { kind: 'http' }> | null> {
  if (promql !== null) return promql;
  if (serviceEnvironment === undefined) return null;
  const { metrics } = judgeSettings(deps, await deps.config.current(), serviceEnvironment);
  const metric = metrics.find(({ name }) => name === wanted);
  if (metric === undefined) return null;
  return metric.kind === 'http' ? metric : wholeQuery(metric).replaceAll('{{.window}}', `${WINDOW_SECONDS}s`);
}

/** Returns the query of a metric for all versions together. */
function wholeQuery(metric: Exclude<JudgeMetric, { kind: 'http' }>): string {
  switch (metric.kind) {
    case 'ratio':
      // Without bad events, some metrics have no series.
      return `(sum(${metric.bad}) or vector(0)) / sum(${metric.total})`;
    case 'latency':
      return `histogram_quantile(${metric.quantile}, sum by (le) (${metric.buckets}))`;
    case 'value':
      return metric.worse === 'higher' ? `max(${metric.query})` : `min(${metric.query})`;
  }
}

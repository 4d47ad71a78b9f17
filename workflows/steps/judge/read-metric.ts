import {
  COMPARED_SECONDS,
  type Grid,
  HISTORY_SECONDS,
  type Measured,
  type PromMetric,
} from '../../../core/domain/judge/measured-evidence.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Series } from '../../../core/domain/ports/metrics.ts';
import type { JudgeMetric } from '../../../schemas/judge/judge-config.ts';
import type { HttpSample } from '../../../schemas/judge/judgement.ts';
import { WINDOW } from '../../../schemas/slo/slo.ts';
import { type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/** Argo Rollouts and Flagger wait ten seconds for an answer. */
const QUERY_TIMEOUT_MS = 6_000;

/** Reads a metric of the times that are compared. */
export async function readMetric(
  { metricQueries }: Pick<Deps, 'metricQueries'>,
  metric: JudgeMetric,
  {
    grid: { step, until },
    samples,
    timeoutMs = QUERY_TIMEOUT_MS,
  }: { grid: Grid; samples: readonly HttpSample[]; timeoutMs?: number },
): Promise<Measured> {
  if (metric.kind === 'http') return { metric, read: samples.filter((sample) => sample.metric === metric.name) };
  const read = await readSeries(metricQueries, queriesOf(metric, step), {
    from: timestamp((until - COMPARED_SECONDS - HISTORY_SECONDS) * 1000),
    until,
    step,
    timeoutMs,
  });
  return { metric, read };
}

/** Reads the series of one or two queries, or says why they cannot be read. @param range.until seconds since the epoch */
export async function readSeries(
  metricQueries: Deps['metricQueries'],
  queries: readonly string[],
  {
    from,
    until,
    step,
    timeoutMs = QUERY_TIMEOUT_MS,
  }: { from: Timestamp; until: number; step: number; timeoutMs?: number },
): Promise<{ first: Series[]; second: Series[] } | { because: string }> {
  const answers = await Promise.all(
    queries.map((query) => metricQueries.range(query, from, timestamp(until * 1000), step, timeoutMs)),
  );
  const series: Series[][] = [];
  for (const answer of answers) {
    if (answer === null) return { because: 'Prometheus is not connected (PROMETHEUS_URL)' };
    if (answer.kind === 'unreadable') return { because: answer.detail };
    series.push(answer.series);
  }
  return { first: series[0] ?? [], second: series[1] ?? [] };
}

/** Returns the queries of a metric over windows of two steps: the one of a part before the one of the whole. */
export function queriesOf(metric: PromMetric, step: number): string[] {
  return templatesOf(metric).map((query) => query.replaceAll(WINDOW, `${2 * step}s`));
}

function templatesOf(metric: PromMetric): string[] {
  switch (metric.kind) {
    case 'ratio':
      return [metric.bad, metric.total];
    case 'latency':
      return [metric.buckets];
    case 'value':
      return [metric.query];
  }
}

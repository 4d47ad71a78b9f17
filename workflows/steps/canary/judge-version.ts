import {
  evidenceOf,
  COMPARED_SECONDS,
  type Grid,
  HISTORY_SECONDS,
  type Measured,
  type PromMetric,
} from '../../../domain/canary/measured-evidence.ts';
import type { Judgement } from '../../../domain/canary/evidence.ts';
import { judge } from '../../../domain/canary/judge.ts';
import { environmentEntry } from '../../../domain/catalogue/catalogue.ts';
import { sameVersion } from '../../../domain/changes/versions.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { Series } from '../../../domain/ports/slo.ts';
import { JudgeConfig, type JudgeMetric } from '../../../schemas/canary/judge-config.ts';
import type { HttpSample, JudgementRequest, JudgementView } from '../../../schemas/canary/judgement.ts';
import type { Config } from '../../../schemas/config/config.ts';
import { WINDOW } from '../../../schemas/slo/slo.ts';
import { millisOf, type Timestamp, timestamp } from '../../../schemas/time/time.ts';

/** Argo Rollouts and Flagger wait ten seconds for an answer. */
const QUERY_TIMEOUT_MS = 6_000;

/** Newest changes among which the start of a version is searched. */
const CHANGES_READ = 50;

export type JudgeDeps = Pick<Deps, 'config' | 'sloMetrics' | 'judgeMetrics' | 'clock'> & {
  changes: Pick<Deps['changes'], 'recent'>;
};

/**
 * Judges a version by what was measured since its start. Within one step, each request gets the same answer, so asking
 * often does not increase false alarms.
 *
 * @param samples measurements over HTTP of all checks so far. Absent: metrics over HTTP do not count, because one
 *   measurement says little
 * @param limits limits of metrics that have none of their own
 */
export async function judgeVersion(
  deps: JudgeDeps,
  request: JudgementRequest,
  samples?: readonly HttpSample[],
  limits?: Limits,
): Promise<JudgementView> {
  return (await judgeMeasured(deps, request, samples, limits)).judgement;
}

/** Judges a version, and returns whether anything could be read to judge it by. */
export async function judgeMeasured(
  deps: JudgeDeps,
  request: JudgementRequest,
  samples?: readonly HttpSample[],
  limits?: Limits,
): Promise<{ judgement: JudgementView; isMeasured: boolean }> {
  const { service, environment, version } = request;
  const config = await deps.config.current();
  const allSettings = withLimits(judgeSettings(deps, config, request), limits);
  const settings =
    samples === undefined
      ? { ...allSettings, metrics: allSettings.metrics.filter(({ kind }) => kind !== 'http') }
      : allSettings;
  const now = deps.clock.now();
  const step = settings.stepSeconds;
  const grid: Grid = { step, until: Math.floor(millisOf(now) / 1000 / step) * step };
  const [measured, startedAt] = await Promise.all([
    Promise.all(settings.metrics.map((metric) => read(deps, metric, { grid, samples: samples ?? [] }))),
    startOf(deps, request),
  ]);
  const { evidence, since } = evidenceOf(measured, grid, {
    version,
    baseline: request.baseline === version ? null : request.baseline, // against itself, each version is healthy
    startedAt,
    label: settings.versionLabel,
  });
  const judged = judge(evidence, settings);
  const { verdict } = judged;
  const metrics = judged.metrics.map((metric) => ({
    ...metric,
    version: storableNumber(metric.version),
    baseline: storableNumber(metric.baseline),
    change: storableNumber(metric.change),
    p: storableNumber(metric.p),
  }));
  const judgement: JudgementView = {
    service,
    environment,
    version,
    baseline: evidence.baseline,
    verdict,
    reasons: metrics.length === 0 ? [withoutMetrics(config, request, allSettings)] : reasonsOf({ verdict, metrics }),
    metrics,
    since: since === null ? null : timestamp((since - step) * 1000),
    judged_at: timestamp(grid.until * 1000),
  };
  return { judgement, isMeasured: measured.some(({ read: found }) => !('because' in found)) };
}

/** Magnitudes that DynamoDB can store, with a margin: probabilities by chance can be smaller. */
const SMALLEST = 1e-100;
const GREATEST = 1e100;

/** Returns a number that can be stored. */
export function storableNumber(value: number | null): number | null {
  if (value === null || Number.isNaN(value)) return null;
  return Math.abs(value) < SMALLEST ? 0 : Math.max(-GREATEST, Math.min(GREATEST, value));
}

/** Returns the reasons of the metrics that decided. */
const reasonsOf = ({ verdict, metrics }: Judgement): string[] =>
  metrics.filter((metric) => metric.verdict === verdict).map(({ name, reason }) => `${name}: ${reason}`);

function withoutMetrics(
  config: Config,
  { service, environment }: ServiceEnvironment,
  { metrics }: JudgeConfig,
): string {
  if (environmentEntry(config.services, { service, environment }) === undefined)
    return `${service} ${environment} is not in the catalogue (services.yaml)`;
  return metrics.length > 0
    ? 'all metrics of the service are measured over HTTP, which only watches and canaries do'
    : 'no metrics: add judge.metrics in services.yaml, or an objective that counts requests';
}

/** Returns the settings of a service and environment, with metrics of its objectives or health query if it lists none. */
export function judgeSettings(
  { judgeMetrics }: Pick<Deps, 'judgeMetrics'>,
  config: Config,
  { service, environment }: ServiceEnvironment,
): JudgeConfig {
  const entry = environmentEntry(config.services, { service, environment });
  const settings = entry?.judge ?? JudgeConfig.parse({});
  if (settings.metrics.length > 0 || entry === undefined) return settings;
  const slos = config.slos.filter((slo) => slo.service === service && slo.environment === environment);
  return { ...settings, metrics: judgeMetrics.derived({ slos, health: entry.health }, settings.versionLabel) };
}

/** A share, and seconds at the 95 % quantile. */
type Limits = { errorRatio: number; p95Seconds: number };

const withLimits = (settings: JudgeConfig, limits: Limits | undefined): JudgeConfig =>
  limits === undefined
    ? settings
    : {
        ...settings,
        metrics: settings.metrics.map((metric) => ({ ...metric, max: metric.max ?? limitOf(metric, limits) })),
      };

function limitOf(metric: JudgeMetric, { errorRatio, p95Seconds }: Limits): number | undefined {
  switch (metric.kind) {
    case 'ratio':
      return errorRatio;
    case 'latency':
      return metric.quantile === 0.95 ? p95Seconds : undefined;
    case 'value':
    case 'http':
      return undefined;
  }
}

async function read(
  { sloMetrics }: JudgeDeps,
  metric: JudgeMetric,
  { grid: { step, until }, samples }: { grid: Grid; samples: readonly HttpSample[] },
): Promise<Measured> {
  if (metric.kind === 'http') return { metric, read: samples.filter((sample) => sample.metric === metric.name) };
  const from = timestamp((until - COMPARED_SECONDS - HISTORY_SECONDS) * 1000);
  const queries = queriesOf(metric).map((query) => query.replaceAll(WINDOW, `${2 * step}s`));
  const answers = await Promise.all(
    queries.map((query) => sloMetrics.range(query, from, timestamp(until * 1000), step, QUERY_TIMEOUT_MS)),
  );
  const series: Series[][] = [];
  for (const answer of answers) {
    if (answer === null) return { metric, read: { because: 'Prometheus is not connected (PROMETHEUS_URL)' } };
    if (answer.kind === 'unreadable') return { metric, read: { because: answer.detail } };
    series.push(answer.series);
  }
  return { metric, read: { first: series[0] ?? [], second: series[1] ?? [] } };
}

function queriesOf(metric: PromMetric): string[] {
  switch (metric.kind) {
    case 'ratio':
      return [metric.bad, metric.total];
    case 'latency':
      return [metric.buckets];
    case 'value':
      return [metric.query];
  }
}

/** Returns when the version's newest change started, in epoch seconds. Null: it is not recorded. */
async function startOf(
  { changes }: JudgeDeps,
  { service, environment, version }: ServiceEnvironment & { version: string },
): Promise<number | null> {
  const recent = await changes.recent({ service, environment }, CHANGES_READ);
  const changesOfVersion = recent.filter((change) => change.version !== null && sameVersion(change.version, version));
  const started: Timestamp | undefined = changesOfVersion.at(-1)?.started_at;
  return started === undefined ? null : millisOf(started) / 1000;
}

import { createRoute, z } from '@hono/zod-openapi';
import manifest from '../../package.json' with { type: 'json' };
import type { Scope } from '../../domain/access/access.ts';
import {
  type Count,
  COUNTERS,
  type CounterName,
  DELAY_SUM,
  ROUTING_DELAY_BUCKETS,
} from '../../domain/incidents/metrics.ts';
import {
  FIGURE_NAMES,
  FIGURES,
  type FigureCount,
  type FigureName,
  SUM,
} from '../../domain/delivery/pipeline-figures.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { figuresByService } from '../../actions/delivery/figures-by-service.ts';
import { codeOfServices } from '../../actions/delivery/code-figures.ts';
import { codeFigures } from '../../domain/delivery/code-figures.ts';
import type { CodeFigures } from '../../schemas/delivery/code-figures.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import type { DoraFigures } from '../../schemas/delivery/dora.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { IncidentStatus } from '../../schemas/incidents/incident.ts';
import type { Freeze } from '../../schemas/freeze/freeze.ts';
import { BurnWindow, type SloStatus } from '../../schemas/slo/slo-status.ts';
import { millisOf, type Timestamp } from '../../schemas/time/time.ts';
import { type Api, endpoint } from '../endpoint.ts';

/**
 * Registers the Prometheus endpoint. All metrics are read from the table and the queues, so that every instance returns
 * the same values.
 */
export function metricsRoutes(app: Api, deps: Deps): void {
  const expensive = cached(deps, CACHE_MS, () => expensiveMetrics(deps));
  const delivery = cached(deps, DELIVERY_CACHE_MS, async () =>
    (await Promise.all([deliveryMetrics(deps), codeMetrics(deps)])).flat(),
  );
  endpoint(
    app,
    deps,
    'metrics:read',
    createRoute({
      method: 'get',
      path: '/metrics',
      tags: ['health'],
      summary: 'Get Prometheus metrics of the services and environments that the token may read',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } } },
    }),
    async (c) => {
      const metrics = (await Promise.all([present(deps), objectiveMetrics(deps), expensive(), delivery()])).flat();
      const visible = metrics.map((one) => ({
        ...one,
        samples: one.samples.filter(([labels]) => c.var.may(scopeOf(labels))),
      }));
      return c.text(visible.map(expositionOf).join(''), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    },
  );
}

/** Returns the scope of a sample. An empty label stands for all services or environments. */
const scopeOf = ({ service, environment }: Record<string, string>): Scope => ({
  ...(service && { service }),
  ...(environment && { environment }),
});

/** Reads the current state. The calls are cheap, so the result is not cached. */
async function present(deps: Deps): Promise<Metric[]> {
  const now = deps.clock.now();
  const [live, failures, open, waiting, quarantined, automation, pinned, proved, freezes] = await Promise.all([
    deployed(deps),
    deps.changes.failures(),
    deps.incidents.open(),
    deps.backlog.pending(),
    deps.quarantine.count(),
    deps.automation.read(),
    deps.pins.list({ limit: 500, all: false }),
    deps.drills.proved(),
    deps.freezes.current(),
  ]);
  return [
    gauge('firebreak_build_info', 'Always 1; labels are the versions of Firebreak and of Node.js', [
      [{ version: manifest.version, node_version: process.version }, 1],
    ]),
    gauge(
      'firebreak_deployment_timestamp_seconds',
      'When the running version was deployed, in seconds since the epoch; a rollback does not count as a deployment',
      live.map((change) => [
        { service: change.service, environment: change.environment, version: change.version },
        secondsOf(change.finished_at ?? change.started_at),
      ]),
    ),
    gauge(
      'firebreak_deployment_failed',
      'Always 1; one series for each failed deployment after which none has succeeded',
      failures.map(({ change: { service, environment, version } }) => [{ service, environment, version }, 1]),
    ),
    gauge('firebreak_incidents_open', 'Incidents that are not resolved', [[{}, open.length]]),
    gauge(
      'firebreak_incidents',
      'Incidents that are not resolved, by status',
      IncidentStatus.options
        .filter((status) => status !== 'resolved')
        .map((status) => [{ status }, open.filter((incident) => incident.status === status).length]),
    ),
    gauge('firebreak_incidents_pending', 'Incidents with input that their workflow has not processed yet', [
      [{}, waiting.count],
    ]),
    gauge(
      'firebreak_incidents_pending_oldest_timestamp_seconds',
      'Since when the oldest pending incident waits, in seconds since the epoch; absent if none is pending',
      timeSampleOf({}, waiting.oldest),
    ),
    gauge('firebreak_quarantined_inputs', 'Inputs in quarantine that have not been replayed', [[{}, quarantined]]),
    gauge(
      'firebreak_pinned_version',
      'Always 1; one series for each version pinned as known bad',
      pinned.items.map(({ service, environment, version }) => [{ service, environment, version }, 1]),
    ),
    gauge(
      'firebreak_automation_demoted',
      'Always 1; one series for each service whose automation needs approval after too many wrong actions, until a person sets its mode',
      Object.keys(automation.demoted).map((service) => [{ service }, 1]),
    ),
    gauge(
      'firebreak_drill_last_proved_timestamp_seconds',
      'When a rollback drill of the target last succeeded, in seconds since the epoch',
      proved.map(({ service, environment, at }) => [{ service, environment }, secondsOf(at)]),
    ),
    gauge('firebreak_automation_paused', '1 while the kill switch is on', [[{}, automation.paused ? 1 : 0]]),
    gauge(
      'firebreak_freeze_in_force',
      'Freezes in force, by scope and cause; an empty label stands for all',
      countedBy(freezes.filter((freeze) => stateAt(freeze, now) === 'in_force').map(scopeLabels)),
    ),
    ...(await configMetrics(deps)),
  ];
}

/**
 * Returns the configuration metrics. Loads are counted locally only: on AWS, an invalid configuration cannot be
 * published.
 */
async function configMetrics({ config }: Pick<Deps, 'config'>): Promise<Metric[]> {
  const [problems, loads = null] = await Promise.all([config.problems(), config.loads?.()]);
  const warnings = problems.filter((problem) => problem.includes('warning:')).length;
  return [
    gauge(
      'firebreak_config_last_reload_successful',
      '1 if the newest configuration is in force, 0 if it has errors and an older one is in force',
      [[{}, problems.length > warnings ? 0 : 1]],
    ),
    gauge('firebreak_config_problems', 'Errors and warnings of the newest configuration, by severity', [
      [{ severity: 'error' }, problems.length - warnings],
      [{ severity: 'warning' }, warnings],
    ]),
    gauge(
      'firebreak_config_last_reload_success_timestamp_seconds',
      'When the configuration in force was loaded, in seconds since the epoch; absent on AWS',
      timeSampleOf({}, loads?.at ?? null),
    ),
    counter(
      'firebreak_config_reloads_total',
      'Loads of the configuration, by outcome; absent on AWS',
      loads === null
        ? []
        : [
            [{ outcome: 'success' }, loads.succeeded],
            [{ outcome: 'failure' }, loads.failed],
          ],
    ),
  ];
}

const CACHE_MS = 2_000;

/** Delivery figures change slowly, and a report reads four weeks. */
const DELIVERY_CACHE_MS = 60_000;

/** Returns a function that reads metrics, and keeps what was read for some milliseconds. */
function cached(
  { clock }: Pick<Deps, 'clock'>,
  millis: number,
  read: () => Promise<Metric[]>,
): () => Promise<Metric[]> {
  let last: { until: number; metrics: Promise<Metric[]> } | undefined;
  return () => {
    const now = millisOf(clock.now());
    if (last !== undefined && now < last.until) return last.metrics;
    const metrics = read();
    const current = (last = { until: now + millis, metrics });
    metrics.catch(() => {
      if (last === current) last = undefined;
    });
    return metrics;
  };
}

/** Reads the metrics that need many calls. */
const expensiveMetrics = async (deps: Deps): Promise<Metric[]> =>
  (await Promise.all([queueMetrics(deps), effectMetrics(deps), counterMetrics(deps), pipelineMetrics(deps)])).flat();

/** Gauges of the same figure. A label `quantile` is for summaries only. */
const MEDIAN_AND_P90 = [
  ['median', 'Median', 'median_s'],
  ['p90', '90th percentile of the', 'p90_s'],
] as const;

/** Returns the figures of the code of each service in the catalogue that has a repository. */
async function codeMetrics(deps: Deps): Promise<Metric[]> {
  const { services } = await deps.config.current();
  const names = Object.keys(services).filter((name) => services[name as ServiceName]?.repository !== undefined);
  const { all, window } = await codeOfServices(deps, names as ServiceName[], {
    seconds: DELIVERY_DAYS * 24 * 3600,
    withCoverage: false,
  });
  const figures = all.map((one) => ({ service: one.service, ...codeFigures([one], window) }));
  const each = (name: string, help: string, of: (one: CodeFigures) => [Record<string, string>, number | null][]) =>
    gauge(
      `firebreak_code_${name}`,
      `${help}, over the last ${DELIVERY_DAYS} days`,
      figures.flatMap(({ service, ...one }) =>
        of(one).flatMap(([labels, value]) => sampleOf({ service, ...labels }, value)),
      ),
    );
  return [
    each('commits', 'Commits on the default branch', ({ commits }) => [[{}, commits]]),
    each('pull_requests', 'Pull requests by what happened', ({ pull_requests: { opened, merged, closed } }) => [
      [{ event: 'opened' }, opened],
      [{ event: 'merged' }, merged],
      [{ event: 'closed' }, closed],
    ]),
    ...MEDIAN_AND_P90.flatMap(([name, prefix, key]) => [
      each(`first_review_${name}_seconds`, `${prefix} time from a pull request to its first review`, (one) => [
        [{}, one.first_review[key]],
      ]),
      each(`merge_${name}_seconds`, `${prefix} time from a pull request to its merge`, (one) => [[{}, one.merge[key]]]),
    ]),
  ];
}

/** Period of the delivery figures, in days. */
const DELIVERY_DAYS = 28;

/** Returns the delivery figures of the services in the catalogue. A figure without records has no sample. */
async function deliveryMetrics(deps: Deps): Promise<Metric[]> {
  const all = await figuresByService(deps, DELIVERY_DAYS);
  const each = (name: string, help: string, of: (figures: DoraFigures) => [Record<string, string>, number | null][]) =>
    gauge(
      `firebreak_dora_${name}`,
      `${help}, over the last ${DELIVERY_DAYS} days`,
      all.flatMap(({ service, environment, figures }) =>
        of(figures).flatMap(([labels, value]) => sampleOf({ service, environment, ...labels }, value)),
      ),
    );
  return [
    each('deployments_per_day', 'Deploys to production per day', ({ deployment_frequency: { value } }) => [
      [{}, value],
    ]),
    ...MEDIAN_AND_P90.map(([name, prefix, key]) =>
      each(`lead_time_${name}_seconds`, `${prefix} time from commit to production`, ({ lead_time }) => [
        [{}, lead_time[key]],
      ]),
    ),
    each('change_failure_ratio', 'Share of deploys that failed', ({ change_failure_rate: { value } }) => [[{}, value]]),
    each('rework_ratio', 'Share of deploys and rollbacks that are rework', ({ rework_rate: { value } }) => [
      [{}, value],
    ]),
    each(
      'failed_deployment_recovery_seconds',
      'Median time from a failed deploy to its recovery',
      ({ failed_deployment_recovery: { median_s } }) => [[{}, median_s]],
    ),
    each('time_to_restore_seconds', 'Median duration of incidents', ({ time_to_restore: { median_s } }) => [
      [{}, median_s],
    ]),
    each(
      'infrastructure_changes',
      'Changes of the infrastructure',
      ({ infrastructure_changes: { succeeded, failed } }) =>
        succeeded + failed === 0
          ? []
          : [
              [{ result: 'succeeded' }, succeeded],
              [{ result: 'failed' }, failed],
            ],
    ),
  ];
}

/**
 * Returns the queue metrics. If SQS fails, only their samples are missing, and an alert rule can detect the absence.
 */
async function queueMetrics({ queueStats, projections, log }: Deps): Promise<Metric[]> {
  const [queues, due] = await Promise.all([
    queueStats.read().catch((error: unknown) => {
      log.warn('the message counts of the queues could not be read', { error: String(error) });
      return [];
    }),
    projections.dueAnywhere(),
  ]);
  return [
    gauge(
      'firebreak_queue_messages',
      'Approximate number of messages in a queue: waiting, in flight (received but not deleted), or delayed',
      queues.flatMap(({ queue, visible, inFlight, delayed }): Sample[] => [
        [{ queue, state: 'waiting' }, visible],
        [{ queue, state: 'in_flight' }, inFlight],
        [{ queue, state: 'delayed' }, delayed],
      ]),
    ),
    gauge(
      'firebreak_projections_due',
      'Incidents and notices with changes that are not yet sent to a target',
      [...due].map(([target, all]) => [{ target }, all.length]),
    ),
    gauge(
      'firebreak_projections_due_oldest_timestamp_seconds',
      'Since when the oldest due projection waits, in seconds since the epoch; absent if none is due',
      [...due].flatMap(([target, all]) =>
        timeSampleOf({ target }, all.map(({ since }) => since).toSorted()[0] ?? null),
      ),
    ),
  ];
}

async function effectMetrics({ backlog }: Deps): Promise<Metric[]> {
  const effects = await backlog.effects();
  return [
    gauge(
      'firebreak_effects_unfinished',
      'Effects (calls that change something outside) that started in the last 24 hours and have no outcome yet, by kind',
      effects.map(({ kind, waiting }) => [{ kind }, waiting.count]),
    ),
    gauge(
      'firebreak_effects_unfinished_oldest_timestamp_seconds',
      'When the oldest unfinished effect started, in seconds since the epoch; absent if there is none',
      effects.flatMap(({ kind, waiting }) => timeSampleOf({ kind }, waiting.oldest)),
    ),
  ];
}

async function counterMetrics({ counters }: Deps): Promise<Metric[]> {
  const all = await counters.read();
  const of = (name: CounterName): Count[] => all.filter((count) => count.name === name);
  const pages = of('firebreak_effects_total').filter(({ labels: [kind = ''] }) => kind in PAGE_ROUTES);
  return [
    ...Object.entries(COUNTERS).map(([name, { help, labels }]) => {
      const counts = of(name as CounterName);
      if (name === 'firebreak_alerts_routing_delay_seconds') return delays(name, help, counts);
      const zero: Count[] =
        labels.length === 0 && counts.length === 0 ? [{ name: name as CounterName, labels: [], by: 0 }] : [];
      return counter(
        name,
        help,
        [...counts, ...zero].map((count) => [labelled(labels, count.labels), count.by]),
      );
    }),
    counter(
      'firebreak_pages_total',
      'Finished pages, by route and outcome',
      pages.map(({ labels: [kind = '', outcome = ''], by }) => [{ route: PAGE_ROUTES[kind] ?? kind, outcome }, by]),
    ),
  ];
}

const PAGE_ROUTES: Partial<Record<string, string>> = { page: 'pager', 'page-fallback': 'second' };

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, n) => [name, values[n] ?? '']));

/** Builds a cumulative histogram from the stored counts, which are separate for each bucket. */
function delays(name: string, help: string, counts: readonly Count[]): Metric {
  const by = (le: string): number => counts.find(({ labels }) => labels[0] === le)?.by ?? 0;
  return { name, help, type: 'histogram', samples: histogram({}, ROUTING_DELAY_BUCKETS, by, by(DELAY_SUM)) };
}

/** Returns the samples of a histogram. @param by returns the count of one bucket */
function histogram(
  labels: Record<string, string>,
  bounds: readonly number[],
  by: (le: string) => number,
  sum: number,
): Sample[] {
  let count = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le): Sample => {
    count += by(le);
    return [{ ...labels, le }, count, '_bucket'];
  });
  return [...buckets, [labels, Math.round(sum * 1000) / 1000, '_sum'], [labels, count, '_count']];
}

/** Returns the figures of pipelines. Histograms are cumulative; the stored counts are separate for each bucket. */
async function pipelineMetrics({ pipelineFigures }: Pick<Deps, 'pipelineFigures'>): Promise<Metric[]> {
  const all = await pipelineFigures.read();
  return FIGURE_NAMES.map((name) => {
    const { help, type } = FIGURES[name];
    const samples = all.flatMap(({ service, branch, counts }) => {
      const own = counts.filter((count) => count.name === name);
      return [...Map.groupBy(own, ({ labels }) => JSON.stringify(labels)).values()].flatMap((series) => {
        const labels = { service, branch, ...labelled(FIGURES[name].labels, series[0]?.labels ?? []) };
        return figureSamples(name, labels, series);
      });
    });
    return { name, help, type, samples };
  });
}

function figureSamples(name: FigureName, labels: Record<string, string>, series: readonly FigureCount[]): Sample[] {
  const figure = FIGURES[name];
  if (figure.type !== 'histogram') return series.map(({ value }): Sample => [labels, value]);
  const by = (le: string): number => series.find((count) => count.le === le)?.value ?? 0;
  return histogram(labels, figure.buckets, by, by(SUM));
}

/** How many recent deployments of a service and environment are searched for a version. */
const SEARCHED_DEPLOYMENTS = 100;

/**
 * Returns the deployments of the running versions. After a rollback, this is the earlier deployment of the version, or
 * none if it is not found: alert rules that look for recent deployments would otherwise blame the rollback.
 */
async function deployed({ changes }: Pick<Deps, 'changes'>): Promise<Change[]> {
  const found = await Promise.all(
    (await changes.live()).map(async (change) =>
      change.kind === 'rollback'
        ? (await changes.recent(change, SEARCHED_DEPLOYMENTS)).findLast(
            ({ kind, status, version }) =>
              (kind === 'deploy' || kind === 'hotfix') && status === 'succeeded' && version === change.version,
          )
        : change,
    ),
  );
  return found.filter((change) => change !== undefined);
}

async function objectiveMetrics({ sloStatuses }: Pick<Deps, 'sloStatuses'>): Promise<Metric[]> {
  const [statuses, evaluatedAt] = await Promise.all([sloStatuses.all(), sloStatuses.evaluatedAt()]);
  const labels = ({ id, service, environment }: SloStatus) => ({ slo: id, service, environment });
  return [
    gauge(
      'firebreak_slo_budget_remaining_ratio',
      'Remaining error budget: 1 is the whole budget, below 0 is overspent; absent if there is not enough data',
      statuses.flatMap((status) => sampleOf(labels(status), status.budget.remaining)),
    ),
    gauge(
      'firebreak_slo_uncorrected_budget_remaining_ratio',
      'Remaining error budget if corrected periods count; absent without corrections, or if there is not enough data',
      statuses.flatMap((status) => sampleOf(labels(status), status.corrected?.uncorrected.budget.remaining ?? null)),
    ),
    gauge(
      'firebreak_slo_coverage_ratio',
      "Share of the objective's window that has data",
      statuses.flatMap((status) => sampleOf(labels(status), status.budget.coverage)),
    ),
    gauge(
      'firebreak_slo_burn_rate',
      'Burn rate of the error budget, by window: 1 spends exactly the budget; absent if there were no events',
      statuses.flatMap((status) =>
        BurnWindow.options.flatMap((window) => sampleOf({ ...labels(status), window }, status.burn_rates[window])),
      ),
    ),
    gauge(
      'firebreak_slo_evaluation_timestamp_seconds',
      'When the last completed evaluation of objectives started, in seconds since the epoch',
      sampleOf({}, evaluatedAt === null ? null : millisOf(evaluatedAt) / 1000),
    ),
  ];
}

/** `suffix`: the suffix of the metric name in a histogram. */
type Sample = [labels: Record<string, string>, value: number, suffix?: string];

type Metric = { name: string; help: string; type: 'gauge' | 'counter' | 'histogram'; samples: Sample[] };

const gauge = (name: string, help: string, samples: Sample[]): Metric => ({ name, help, type: 'gauge', samples });

const counter = (name: string, help: string, samples: Sample[]): Metric => ({ name, help, type: 'counter', samples });

const secondsOf = (at: Timestamp): number => millisOf(at) / 1000;

const timeSampleOf = (labels: Record<string, string>, at: Timestamp | null): Sample[] =>
  at === null ? [] : [[labels, secondsOf(at)]];

const sampleOf = (labels: Record<string, string>, value: number | null): Sample[] =>
  value === null ? [] : [[labels, value]];

const scopeLabels = ({ service, environment, team, cause }: Freeze) => ({
  service: service ?? '',
  environment: environment ?? '',
  team: team ?? '',
  cause,
});

/** Counts equal label sets. */
function countedBy(all: readonly Record<string, string>[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const labels of all) {
    const [, before] = counts.get(JSON.stringify(labels)) ?? [labels, 0];
    counts.set(JSON.stringify(labels), [labels, before + 1]);
  }
  return [...counts.values()];
}

function expositionOf({ name, help, type, samples }: Metric): string {
  const lines = samples.map(([labels, value, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

import { createRoute, z } from '@hono/zod-openapi';
import manifest from '../../package.json' with { type: 'json' };
import type { Scope } from '../../domain/access.ts';
import { type Count, COUNTERS, type CounterName, DELAY_SUM, ROUTING_DELAY_BUCKETS } from '../../domain/counters.ts';
import { stateAt } from '../../domain/freeze/state.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import { IncidentStatus } from '../../schemas/incident.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import { BurnWindow, type SloStatus } from '../../schemas/slo-status.ts';
import { millisOf, type Timestamp } from '../../schemas/time.ts';
import { type Api, endpoint } from './endpoint.ts';

/** Firebreak itself, for Prometheus. All of it is read from the table and the queues, so that every instance tells the same. */
export function metricsRoutes(app: Api, deps: Deps): void {
  const costly = costlyMetrics(deps);
  endpoint(
    app,
    deps,
    'metrics:read',
    createRoute({
      method: 'get',
      path: '/metrics',
      tags: ['health'],
      summary: 'Prometheus exposition; of services and environments that the token may read',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } } },
    }),
    async (c) => {
      const metrics = (await Promise.all([present(deps), objectiveMetrics(deps), costly()])).flat();
      const visible = metrics.map((one) => ({
        ...one,
        samples: one.samples.filter(([labels]) => c.var.may(placeIn(labels))),
      }));
      return c.text(visible.map(exposed).join(''), 200, {
        'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      });
    },
  );
}

/** What a sample is about, as far as it is about a part; an empty label is all of them. */
const placeIn = ({ service, environment }: Record<string, string>): Scope => ({
  ...(service && { service }),
  ...(environment && { environment }),
});

async function present(deps: Deps): Promise<Metric[]> {
  const now = deps.clock.now();
  const [live, open, waiting, quarantined, automation, pinned, proved, freezes] = await Promise.all([
    deployed(deps),
    deps.incidents.open(),
    deps.backlog.pending(),
    deps.quarantine.count(),
    deps.automation.read(),
    deps.pins.list({ limit: 500, all: false }),
    deps.drills.proved(),
    deps.freezes.current(),
  ]);
  return [
    gauge('firebreak_build_info', '1, with the versions of Firebreak and of Node.js that answer', [
      [{ version: manifest.version, node_version: process.version }, 1],
    ]),
    gauge(
      'firebreak_deployment_timestamp_seconds',
      'When the version that runs was deployed, in seconds since the epoch; a rollback to it is no deploy',
      live.map((change) => [
        { service: change.service, environment: change.environment, version: change.version },
        secondsOf(change.finished_at ?? change.started_at),
      ]),
    ),
    gauge('firebreak_incidents_open', 'Incidents that are not resolved', [[{}, open.length]]),
    gauge(
      'firebreak_incidents',
      'Incidents that are not resolved, by status',
      IncidentStatus.options
        .filter((status) => status !== 'resolved')
        .map((status) => [{ status }, open.filter((incident) => incident.status === status).length]),
    ),
    gauge('firebreak_incidents_pending', 'Incidents with something that their workflow has not seen yet', [
      [{}, waiting.count],
    ]),
    gauge(
      'firebreak_incidents_pending_oldest_timestamp_seconds',
      'Since when the oldest of them waits, in seconds since the epoch; absent where none does',
      sampled({}, waiting.oldest),
    ),
    gauge('firebreak_quarantined_inputs', 'Inputs that could not be read and have not been replayed', [
      [{}, quarantined],
    ]),
    gauge(
      'firebreak_pinned_version',
      '1 for each version known bad',
      pinned.items.map(({ service, environment, version }) => [{ service, environment, version }, 1]),
    ),
    gauge(
      'firebreak_automation_demoted',
      '1 for each service whose automation was wrong too often, and asks until a person sets its mode again',
      Object.keys(automation.demoted).map((service) => [{ service }, 1]),
    ),
    gauge(
      'firebreak_drill_last_proved_timestamp_seconds',
      'When a drill last proved the way back of a target, in seconds since the epoch',
      proved.map(({ service, environment, at }) => [{ service, environment }, secondsOf(at)]),
    ),
    gauge('firebreak_automation_paused', '1 while the kill switch is on', [[{}, automation.paused ? 1 : 0]]),
    gauge(
      'firebreak_freeze_in_force',
      'Freezes that hold deploys now, by scope and cause; an empty label is all of them',
      countedBy(freezes.filter((freeze) => stateAt(freeze, now) === 'in_force').map(scopeLabels)),
    ),
    ...(await configMetrics(deps)),
  ];
}

/** A deployment publishes the configuration with nothing counted: there a wrong one fails the deployment itself. */
async function configMetrics({ config }: Pick<Deps, 'config'>): Promise<Metric[]> {
  const [problems, loads = null] = await Promise.all([config.problems(), config.loads?.()]);
  const warnings = problems.filter((problem) => problem.includes('warning:')).length;
  return [
    gauge(
      'firebreak_config_last_reload_successful',
      '1 while the newest configuration is in force, 0 while an older one is because the newest is wrong',
      [[{}, problems.length > warnings ? 0 : 1]],
    ),
    gauge('firebreak_config_problems', 'What is wrong with the newest configuration, and what is hardly meant', [
      [{ severity: 'error' }, problems.length - warnings],
      [{ severity: 'warning' }, warnings],
    ]),
    gauge(
      'firebreak_config_last_reload_success_timestamp_seconds',
      'When the configuration in force was loaded, in seconds since the epoch; absent where a deployment brings it',
      sampled({}, loads?.at ?? null),
    ),
    counter(
      'firebreak_config_reloads_total',
      'Loads of the configuration, by outcome; absent where a deployment brings it',
      loads === null
        ? []
        : [
            [{ outcome: 'success' }, loads.succeeded],
            [{ outcome: 'failure' }, loads.failed],
          ],
    ),
  ];
}

const KEPT_MS = 2_000;

/** What takes calls for each queue or for much that is counted. Asked often, it is read once in some seconds. */
function costlyMetrics(deps: Deps): () => Promise<Metric[]> {
  let kept: { until: number; metrics: Promise<Metric[]> } | undefined;
  return () => {
    const now = millisOf(deps.clock.now());
    if (kept !== undefined && now < kept.until) return kept.metrics;
    const metrics = Promise.all([queueMetrics(deps), effectMetrics(deps), counterMetrics(deps)]).then((all) =>
      all.flat(),
    );
    const mine = (kept = { until: now + KEPT_MS, metrics });
    metrics.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return metrics;
  };
}

/** SQS that does not answer costs the scrape nothing but its samples: their absence can be alerted on. */
async function queueMetrics({ queueStats, projections, log }: Deps): Promise<Metric[]> {
  const [queues, due] = await Promise.all([
    queueStats.read().catch((error: unknown) => {
      log.warn('the queues do not say how many messages they have', { error: String(error) });
      return [];
    }),
    projections.dueAnywhere(),
  ]);
  return [
    gauge(
      'firebreak_queue_messages',
      'Messages in a queue, about: waiting, in flight (taken and not finished), or delayed',
      queues.flatMap(({ queue, visible, inFlight, delayed }): Sample[] => [
        [{ queue, state: 'waiting' }, visible],
        [{ queue, state: 'in_flight' }, inFlight],
        [{ queue, state: 'delayed' }, delayed],
      ]),
    ),
    gauge(
      'firebreak_projections_due',
      'Incidents and notices whose changes a target has still to show',
      [...due].map(([target, all]) => [{ target }, all.length]),
    ),
    gauge(
      'firebreak_projections_due_oldest_timestamp_seconds',
      'Since when the oldest of them is due, in seconds since the epoch; absent where none is',
      [...due].flatMap(([target, all]) => sampled({ target }, all.map(({ since }) => since).toSorted()[0] ?? null)),
    ),
  ];
}

async function effectMetrics({ backlog }: Deps): Promise<Metric[]> {
  const effects = await backlog.effects();
  return [
    gauge(
      'firebreak_effects_unfinished',
      'Calls that change something outside, began in the last 24 hours, and have no outcome, by kind',
      effects.map(({ kind, waiting }) => [{ kind }, waiting.count]),
    ),
    gauge(
      'firebreak_effects_unfinished_oldest_timestamp_seconds',
      'When the oldest of them began, in seconds since the epoch; absent where there is none',
      effects.flatMap(({ kind, waiting }) => sampled({ kind }, waiting.oldest)),
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
      const begun: Count[] =
        labels.length === 0 && counts.length === 0 ? [{ name: name as CounterName, labels: [], by: 0 }] : [];
      return counter(
        name,
        help,
        [...counts, ...begun].map((count) => [labelled(labels, count), count.by]),
      );
    }),
    counter(
      'firebreak_pages_total',
      'Pages that have come to an end, by route and outcome',
      pages.map(({ labels: [kind = '', outcome = ''], by }) => [{ route: PAGE_ROUTES[kind] ?? kind, outcome }, by]),
    ),
  ];
}

const PAGE_ROUTES: Partial<Record<string, string>> = { page: 'pager', 'page-fallback': 'second' };

const labelled = (names: readonly string[], { labels }: Count): Record<string, string> =>
  Object.fromEntries(names.map((name, n) => [name, labels[n] ?? '']));

/** A histogram, of what is kept for each bucket by itself. */
function delays(name: string, help: string, counts: readonly Count[]): Metric {
  const by = (le: string): number => counts.find(({ labels }) => labels[0] === le)?.by ?? 0;
  let sum = 0;
  const buckets = [...ROUTING_DELAY_BUCKETS.map(String), '+Inf'].map((le): Sample => {
    sum += by(le);
    return [{ le }, sum, '_bucket'];
  });
  return {
    name,
    help,
    type: 'histogram',
    samples: [...buckets, [{}, Math.round(by(DELAY_SUM) * 1000) / 1000, '_sum'], [{}, sum, '_count']],
  };
}

/** Deployments of a place in which the one of a version is looked for. */
const LOOKED_BACK = 100;

/**
 * The deployments of the versions that run. A version that runs by a rollback was deployed before; where that is not known
 * there is none: rules that look at recent deploys would take the cure for the cause.
 */
async function deployed({ changes }: Pick<Deps, 'changes'>): Promise<Change[]> {
  const found = await Promise.all(
    (await changes.live()).map(async (change) =>
      change.kind === 'rollback'
        ? (await changes.recent(change, LOOKED_BACK)).findLast(
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
      'Error budget that is left: 1 is all of it, below 0 it is overspent; absent where too little is known',
      statuses.flatMap((status) => known(labels(status), status.budget.remaining)),
    ),
    gauge(
      'firebreak_slo_coverage_ratio',
      "The share of the objective's window that is known",
      statuses.flatMap((status) => known(labels(status), status.budget.coverage)),
    ),
    gauge(
      'firebreak_slo_burn_rate',
      'How many times as fast as the objective allows its budget is spent, by window; absent where nothing happened',
      statuses.flatMap((status) =>
        BurnWindow.options.flatMap((window) => known({ ...labels(status), window }, status.burn_rates[window])),
      ),
    ),
    gauge(
      'firebreak_slo_evaluation_timestamp_seconds',
      'When the last evaluation of objectives began that came to its end, in seconds since the epoch',
      known({}, evaluatedAt === null ? null : millisOf(evaluatedAt) / 1000),
    ),
  ];
}

/** `suffix` of the name, in a histogram. */
type Sample = [labels: Record<string, string>, value: number, suffix?: string];

type Metric = { name: string; help: string; type: 'gauge' | 'counter' | 'histogram'; samples: Sample[] };

const gauge = (name: string, help: string, samples: Sample[]): Metric => ({ name, help, type: 'gauge', samples });

const counter = (name: string, help: string, samples: Sample[]): Metric => ({ name, help, type: 'counter', samples });

const secondsOf = (at: Timestamp): number => millisOf(at) / 1000;

const sampled = (labels: Record<string, string>, at: Timestamp | null): Sample[] =>
  at === null ? [] : [[labels, secondsOf(at)]];

const known = (labels: Record<string, string>, value: number | null): Sample[] =>
  value === null ? [] : [[labels, value]];

const scopeLabels = ({ service, environment, team, cause }: Freeze) => ({
  service: service ?? '',
  environment: environment ?? '',
  team: team ?? '',
  cause,
});

/** How often there are these labels. */
function countedBy(all: readonly Record<string, string>[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const labels of all) {
    const [, before] = counts.get(JSON.stringify(labels)) ?? [labels, 0];
    counts.set(JSON.stringify(labels), [labels, before + 1]);
  }
  return [...counts.values()];
}

function exposed({ name, help, type, samples }: Metric): string {
  const lines = samples.map(([labels, value, suffix = '']) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

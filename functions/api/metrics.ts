import { createRoute, z } from '@hono/zod-openapi';
import { stateAt } from '../../domain/freeze/state.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Change } from '../../schemas/change.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import { BurnWindow, type SloStatus } from '../../schemas/slo-status.ts';
import { millisOf } from '../../schemas/time.ts';
import { type Api, endpoint } from './endpoint.ts';

/** Firebreak itself, for Prometheus. All of it is read from the table, so that every instance tells the same. */
export function metricsRoutes(app: Api, deps: Deps): void {
  endpoint(
    app,
    deps,
    'metrics:read',
    createRoute({
      method: 'get',
      path: '/metrics',
      tags: ['health'],
      summary: 'Prometheus exposition',
      responses: { 200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: z.string() } } } },
    }),
    async (c) => c.text(await exposition(deps), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
}

async function exposition(deps: Deps): Promise<string> {
  const now = deps.clock.now();
  const [live, open, pending, quarantined, automation, pinned, proved, objectives, freezes] = await Promise.all([
    deployed(deps),
    deps.incidents.open(),
    deps.incidents.pending(now),
    deps.quarantine.count(),
    deps.automation.read(),
    deps.pins.list({ limit: 500, all: false }),
    deps.drills.proved(),
    objectiveMetrics(deps),
    deps.freezes.current(),
  ]);
  return [
    metric(
      'firebreak_deployment_timestamp_seconds',
      'When the version that runs was deployed, in seconds since the epoch; a rollback to it is no deploy',
      live.map((change) => [
        { service: change.service, environment: change.environment, version: change.version },
        millisOf(change.finished_at ?? change.started_at) / 1000,
      ]),
    ),
    metric('firebreak_incidents_open', 'Incidents that are not resolved', [[{}, open.length]]),
    metric('firebreak_incidents_pending', 'Incidents with something that their workflow has not seen yet', [
      [{}, pending.length],
    ]),
    metric('firebreak_quarantined_inputs', 'Inputs that could not be read and have not been replayed', [
      [{}, quarantined],
    ]),
    metric(
      'firebreak_pinned_version',
      '1 for each version known bad',
      pinned.items.map(({ service, environment, version }) => [{ service, environment, version }, 1]),
    ),
    metric(
      'firebreak_automation_demoted',
      '1 for each service whose automation was wrong too often, and asks until a person sets its mode again',
      Object.keys(automation.demoted).map((service) => [{ service }, 1]),
    ),
    metric(
      'firebreak_drill_last_proved_timestamp_seconds',
      'When a drill last proved the way back of a target, in seconds since the epoch',
      proved.map(({ service, environment, at }) => [{ service, environment }, millisOf(at) / 1000]),
    ),
    metric('firebreak_automation_paused', '1 while the kill switch is on', [[{}, automation.paused ? 1 : 0]]),
    ...objectives,
    metric(
      'firebreak_freeze_in_force',
      'Freezes that hold deploys now, by scope and cause; an empty label is all of them',
      countedBy(freezes.filter((freeze) => stateAt(freeze, now) === 'in_force').map(scopeLabels)),
    ),
  ].join('');
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

async function objectiveMetrics({ sloStatuses }: Pick<Deps, 'sloStatuses'>): Promise<string[]> {
  const [statuses, evaluatedAt] = await Promise.all([sloStatuses.all(), sloStatuses.evaluatedAt()]);
  const labels = ({ id, service, environment }: SloStatus) => ({ slo: id, service, environment });
  return [
    metric(
      'firebreak_slo_budget_remaining_ratio',
      'Error budget that is left: 1 is all of it, below 0 it is overspent; absent where too little is known',
      statuses.flatMap((status) => known(labels(status), status.budget.remaining)),
    ),
    metric(
      'firebreak_slo_coverage_ratio',
      "The share of the objective's window that is known",
      statuses.flatMap((status) => known(labels(status), status.budget.coverage)),
    ),
    metric(
      'firebreak_slo_burn_rate',
      'How many times as fast as the objective allows its budget is spent, by window; absent where nothing happened',
      statuses.flatMap((status) =>
        BurnWindow.options.flatMap((window) => known({ ...labels(status), window }, status.burn_rates[window])),
      ),
    ),
    metric(
      'firebreak_slo_evaluation_timestamp_seconds',
      'When the last evaluation of objectives began that came to its end, in seconds since the epoch',
      known({}, evaluatedAt === null ? null : millisOf(evaluatedAt) / 1000),
    ),
  ];
}

type Sample = [labels: Record<string, string>, value: number];

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

function metric(name: string, help: string, samples: Sample[]): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
    return `${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

const escapeLabel = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

import manifest from '../../../../package.json' with { type: 'json' };
import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { ApiDeps } from '../../deps.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { IncidentStatus } from '../../../../schemas/incidents/incident.ts';
import { counter, gauge, type Metric, secondsOf, timeSampleOf } from './exposition.ts';

/** Returns the metrics of deployments and incidents as they are now. */
export async function stateMetrics(deps: Pick<Deps, 'changes' | 'drills' | 'incidents' | 'pins'>): Promise<Metric[]> {
  const [live, failures, open, pinned, proved] = await Promise.all([
    deployed(deps),
    deps.changes.failures(),
    deps.incidents.open(),
    deps.pins.list({ limit: 500, all: false }),
    deps.drills.proved(),
  ]);
  return [
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
    gauge(
      'firebreak_pinned_version',
      'Always 1; one series for each version pinned as known bad',
      pinned.items.map(({ service, environment, version }) => [{ service, environment, version }, 1]),
    ),
    gauge(
      'firebreak_drill_last_proved_timestamp_seconds',
      'When a rollback drill of the target last succeeded, in seconds since the epoch',
      proved.map(({ service, environment, at }) => [{ service, environment }, secondsOf(at)]),
    ),
  ];
}

/** Returns the metrics of Firebreak itself: what waits in it, its automation, and its configuration. */
export async function ownMetrics(
  deps: Pick<ApiDeps, 'automation' | 'backlog' | 'config' | 'quarantine'>,
): Promise<Metric[]> {
  const [waiting, quarantined, automation] = await Promise.all([
    deps.backlog.pending(),
    deps.quarantine.count(),
    deps.automation.read(),
  ]);
  return [
    gauge('firebreak_build_info', 'Always 1; labels are the versions of Firebreak and of Node.js', [
      [{ version: manifest.version, node_version: process.version }, 1],
    ]),
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
      'firebreak_automation_demoted',
      'Always 1; one series for each service whose automation needs approval after too many wrong actions, until a person sets its mode',
      Object.keys(automation.demoted).map((service) => [{ service }, 1]),
    ),
    gauge('firebreak_automation_paused', '1 while the kill switch is on', [[{}, automation.paused ? 1 : 0]]),
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

import type { Evidence, RelatedChange } from '../../domain/correlation/evidence.ts';
import { type Dependency, dependenciesOf } from '../../domain/catalogue/dependencies.ts';
import { healthOf, type HealthQuery } from '../../domain/catalogue/health.ts';
import type { OnsetEvidence } from '../../domain/correlation/onset.ts';
import type { SignalView } from '../../domain/ports/alerts.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { byStart, endOf, newestLiveChange } from '../../domain/changes/versions.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { failingOf } from './failing.ts';

/** Look-back for causes and for metric curves. */
const LOOK_BACK_SECONDS = 2 * 3600;

/** Look-back for the first bad sample of the health query. */
const ONSET_LOOK_BACK_SECONDS = 1800;

/** Number of newest changes read per dependency. */
const CHANGES_READ = 20;

/** Labels in which monitoring reports the version that an alert is about. */
const VERSION_LABELS: ReadonlySet<string> = new Set([
  'version',
  'app_version',
  'app_kubernetes_io_version',
  'destination_version',
  'release',
  'image_tag',
]);

/** Gathers the evidence for the search for the cause. Marks unreadable evidence as unknown. */
export async function evidenceOf(
  deps: Deps,
  incident: IncidentRecord,
  context: {
    config: Config;
    cause: readonly SignalView[];
    own: readonly Change[];
  },
): Promise<{ evidence: Evidence; neighboursUnreadable: boolean }> {
  const { config, cause, own } = context;
  const { id, service, environment } = incident;
  const at = deps.clock.now();
  const health = healthOf(config, incident);
  const onset = await onsetEvidence(deps, health, cause, incident.opened_at);
  const known = incident.unmatched === null ? dependenciesOf(config.services, service) : [];
  const began = onset.firstBadAt ?? onset.alertStartedAt;
  const since = plusSeconds(began, -LOOK_BACK_SECONDS);
  const [others, failing, measured] = await Promise.all([
    Promise.all(known.map((each) => changesOf(deps, { environment, dependency: each }, since))),
    failingOf(deps, incident, { config, dependencies: known, at, onset: began }).catch((error: unknown) => {
      deps.log.warn('Other failing services could not be read', { incident: id, error: String(error) });
      return null;
    }),
    measure(deps, health, at),
  ]);
  const mine = nearOnset(own, since).map((change): RelatedChange => ({ change, relation: 'same', distance: 0 }));
  const changes = [...mine, ...others.flat()].map((related) => ({
    ...related,
    change: { ...related.change, commits: [] },
  }));
  const evidence: Evidence = {
    incident_id: id,
    service,
    environment,
    at,
    onset,
    changes,
    ...measured,
    alert_versions: versionsOf(cause),
    failing: failing ?? [],
    ...(failing === null && { failing_unreadable: true as const }),
    ...(incident.cleared !== undefined && incident.cleared.length > 0 && { cleared: incident.cleared }),
    ...(config.routes.failTogether === 'ignore' && { strangers_ignored: true as const }),
  };
  return { evidence, neighboursUnreadable: failing === null };
}

async function onsetEvidence(
  deps: Deps,
  health: HealthQuery | undefined,
  firing: readonly SignalView[],
  openedAt: Timestamp,
): Promise<OnsetEvidence> {
  const earliest = firing.toSorted((a, b) => (beganAt(a) < beganAt(b) ? -1 : 1))[0];
  if (earliest === undefined) return { alertStartedAt: openedAt, rule: null, firstBadAt: null };
  const alertname = new Map(earliest.labels).get('alertname');
  const alertStartedAt = beganAt(earliest);
  const [rule, firstBadAt] = await Promise.all([
    alertname === undefined ? null : deps.metrics.rule(alertname),
    health === undefined
      ? null
      : deps.metrics.firstAbove(health.promql, health.max, alertStartedAt, ONSET_LOOK_BACK_SECONDS),
  ]);
  return { alertStartedAt, rule, firstBadAt };
}

/** Returns the alert's start, but at the latest its receipt, in case the sender's clock is wrong. */
const beganAt = ({ startsAt, first_seen_at: heardAt }: SignalView): Timestamp =>
  startsAt < heardAt ? startsAt : heardAt;

async function measure(
  deps: Deps,
  query: HealthQuery | undefined,
  at: Timestamp,
): Promise<Pick<Evidence, 'health' | 'health_unreadable' | 'traffic' | 'by_version'>> {
  if (query === undefined) return { health: null, traffic: null, by_version: null };
  const from = plusSeconds(at, -LOOK_BACK_SECONDS);
  const [curve, traffic, versions] = await Promise.all([
    deps.metrics.range(query.promql, from, at, 'max'),
    query.traffic === undefined ? null : deps.metrics.range(query.traffic, from, at, 'sum'),
    query.byVersion === undefined ? null : deps.metrics.byLabel(query.byVersion, 'version'),
  ]);
  // The course of a query that can be asked for its value only is not known; one that cannot be asked at all is a fault.
  const now = curve === null ? await deps.metrics.value(query.promql) : null;
  return {
    health: curve && { max: query.max, curve },
    ...(now?.kind === 'unreadable' && { health_unreadable: now.detail }),
    traffic,
    by_version: versions && versions.map(({ label, value }) => ({ version: label, value, share: null })),
  };
}

async function changesOf(
  deps: Deps,
  { environment, dependency }: Pick<ServiceEnvironment, 'environment'> & { dependency: Dependency },
  since: Timestamp,
): Promise<RelatedChange[]> {
  const { relation, distance } = dependency;
  const recent = await deps.changes.recent({ service: dependency.service as ServiceName, environment }, CHANGES_READ);
  return nearOnset(recent, since).map((change) => ({ change, relation, distance }));
}

/**
 * Returns the changes near the onset, and for each the version that ran before it, however old: a version that is
 * deployed again is not new.
 */
function nearOnset(changes: readonly Change[], since: Timestamp): Change[] {
  const near = changes.filter((change) => endOf(change) >= since || change.status === 'started');
  const before = near.map((one) => newestLiveChange(changes.filter((change) => byStart(change, one) < 0)));
  const kept = new Set([...near, ...before]);
  return changes.filter((change) => kept.has(change));
}

const versionsOf = (signals: readonly SignalView[]): string[] => [
  ...new Set(
    signals.flatMap(({ labels }) => labels.filter(([name]) => VERSION_LABELS.has(name)).map(([, value]) => value)),
  ),
];

import type { Failing } from '../../domain/correlation/evidence.ts';
import { serviceEntry } from '../../domain/catalogue/catalogue.ts';
import type { Opening } from '../../domain/incidents/incident-group.ts';
import { type Dependency, dependenciesOf } from '../../domain/catalogue/dependencies.ts';
import { healthOf } from '../../domain/catalogue/health.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';

/** Services count as failing together if their failures began within this time of each other. */
const TOGETHER_SECONDS = 300;

/** A failing dependency may cause harm only after a while, when caches expire and retries fill connection pools. */
const DEPENDENCY_BEFORE_SECONDS = 900;

/** Number of other failing services, and of newest changes for each, that are read. */
const FAILING_READ = 12;
const CHANGES_READ = 5;

/** Maximum distance of a service's own change from its failure, to explain that failure. */
const OWN_CHANGE_SECONDS = 2 * 3600;

/** Look-back for the first bad sample of a health query. */
const MEASURED_SECONDS = 1800;

type Known = {
  config: Config;
  dependencies: readonly Dependency[];
  at: Timestamp;
  /** Best known start of the problem: the first bad sample, or the start of the alert. */
  onset: Timestamp;
};

/** Returns other services of this environment that fail at the same time, by their incidents and their metrics. */
export async function failingOf(deps: Deps, incident: IncidentRecord, known: Known): Promise<Failing[]> {
  const [alerted, measured] = await Promise.all([byIncidents(deps, incident, known), byHealth(deps, incident, known)]);
  // An incident opens after its problem has begun: the metric shows the start more precisely.
  const earliest = new Map<string, Failing>();
  for (const one of [...measured, ...alerted]) {
    const other = earliest.get(one.service);
    if (other === undefined || one.since < other.since) earliest.set(one.service, one);
  }
  return [...earliest.values()];
}

async function byIncidents(
  deps: Deps,
  { id, service, environment, opened_at }: IncidentRecord,
  { config: { services, routes }, dependencies }: Known,
): Promise<Failing[]> {
  const isDependency = (name: string): boolean => dependencies.some((each) => each.service === name);
  const openings = await deps.incidentGroups.openedSince(plusSeconds(opened_at, -DEPENDENCY_BEFORE_SECONDS));
  const others = openings.filter(
    (each) =>
      each.id !== id &&
      each.unmatched === null &&
      serviceEntry(services, each.service) !== undefined && // excludes parent incidents, which are no service
      each.environment === environment &&
      each.service !== service &&
      areGrouped(each.at, opened_at, isDependency(each.service)),
  );
  const still = (await deps.incidentGroups.stillFailing(others)).slice(-FAILING_READ);
  const failing = await Promise.all(
    still.map(async (other): Promise<Failing> => {
      const relation = isDependency(other.service)
        ? 'dependency'
        : dependenciesOf(services, other.service).some((each) => each.service === service)
          ? 'dependent'
          : 'unrelated';
      return {
        service: other.service,
        since: sinceOf(other),
        relation,
        changed_at: await changedAt(deps, { service: other.service, environment }, sinceOf(other)),
      };
    }),
  );
  // Failing dependencies and dependents are evidence with every setting.
  return routes.failTogether === 'count' ? failing : failing.filter(({ relation }) => relation !== 'unrelated');
}

/** Returns whether a failure since `since` may be related to the problem that began at `onset`. */
function areGrouped(since: Timestamp, onset: Timestamp, isDependency: boolean): boolean {
  const before = secondsBetween(since, onset);
  return before >= -TOGETHER_SECONDS && before <= (isDependency ? DEPENDENCY_BEFORE_SECONDS : TOGETHER_SECONDS);
}

/**
 * Returns the start of a failure. Alerts arrive with different delays after their start; one that arrives much later
 * had fired before and was sent again, so that its start says nothing about this failure.
 */
function sinceOf({ at, began = at }: Opening): Timestamp {
  const seconds = secondsBetween(began, at);
  return seconds > 0 && seconds <= DEPENDENCY_BEFORE_SECONDS ? began : at;
}

/**
 * Returns dependencies that fail according to their health query. Alerts arrive in any order, and that of a dependency
 * may arrive after its dependent was judged.
 */
async function byHealth(
  deps: Deps,
  { environment }: IncidentRecord,
  { config, dependencies, at, onset }: Known,
): Promise<Failing[]> {
  const measured = await Promise.all(
    dependencies.map(async (dependency): Promise<Failing[]> => {
      const service = dependency.service as ServiceName;
      const health = healthOf(config, { service, environment });
      if (health === undefined) return [];
      const since = await deps.metrics.firstAbove(health.promql, health.max, at, MEASURED_SECONDS);
      if (since === null || !areGrouped(since, onset, true)) return [];
      const changed_at = await changedAt(deps, { service, environment }, since);
      return [{ service, since, relation: 'dependency', changed_at }];
    }),
  );
  return measured.flat();
}

/** Returns when the newest change near a time put a version live. */
async function changedAt(deps: Deps, place: ServiceEnvironment, since: Timestamp): Promise<Timestamp | null> {
  const ends = (await deps.changes.recent(place, CHANGES_READ))
    .filter(putsVersionLive)
    .map((change) => change.finished_at ?? change.started_at);
  return ends.findLast((end) => Math.abs(secondsBetween(end, since)) <= OWN_CHANGE_SECONDS) ?? null;
}

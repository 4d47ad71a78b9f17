import type { Failing } from '../../domain/correlation/evidence.ts';
import { serviceEntry } from '../../domain/catalogue.ts';
import type { Opening } from '../../domain/crowd.ts';
import { type Dependency, dependenciesOf } from '../../domain/dependencies.ts';
import { healthOf } from '../../domain/health.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import { putsVersionLive } from '../../domain/versions.ts';
import type { Config } from '../../schemas/config.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { ServiceName } from '../../schemas/names.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';

/** Others count as failing at the same time when they began to within so long of each other. */
const TOGETHER_SECONDS = 300;

/** What a service depends on may do harm only after a while: as caches empty, and retries fill the pools. */
const DEPENDENCY_BEFORE_SECONDS = 900;

/** How many others with incidents, and how many newest changes of each, are looked at. */
const FAILING_READ = 12;
const CHANGES_READ = 5;

/** How near its own newest change has to be to explain why another one fails. */
const OWN_CHANGE_SECONDS = 2 * 3600;

/** How far back a health query is asked for the first bad sample. */
const MEASURED_SECONDS = 1800;

type Known = {
  config: Config;
  dependencies: readonly Dependency[];
  at: Timestamp;
  /** As far as is known: the first bad sample, or the start of the alert. */
  onset: Timestamp;
};

/** Others of this environment that began to fail about now, and still do: by their incidents and by what is measured. */
export async function failingOf(deps: Deps, incident: IncidentRecord, known: Known): Promise<Failing[]> {
  const [alerted, measured] = await Promise.all([byIncidents(deps, incident, known), byHealth(deps, incident, known)]);
  // An incident opens after its problem has begun: what is measured says better since when.
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
  const openings = await deps.crowds.openedSince(plusSeconds(opened_at, -DEPENDENCY_BEFORE_SECONDS));
  const others = openings.filter(
    (each) =>
      each.id !== id &&
      each.unmatched === null &&
      serviceEntry(services, each.service) !== undefined && // a parent of many is no service
      each.environment === environment &&
      each.service !== service &&
      areTogether(each.at, opened_at, isDependency(each.service)),
  );
  const still = (await deps.crowds.stillFailing(others)).slice(-FAILING_READ);
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
  // What is connected is evidence in any case.
  return routes.failTogether === 'count' ? failing : failing.filter(({ relation }) => relation !== 'unrelated');
}

/** Whether another one that fails since then may have to do with what began at `onset`. */
function areTogether(since: Timestamp, onset: Timestamp, isDependency: boolean): boolean {
  const before = secondsBetween(since, onset);
  return before >= -TOGETHER_SECONDS && before <= (isDependency ? DEPENDENCY_BEFORE_SECONDS : TOGETHER_SECONDS);
}

/**
 * An alert comes some time after it has begun, and that time is not the same for all. One that comes much later had been
 * firing before, and is told again: since when it matters is not known.
 */
function sinceOf({ at, began = at }: Opening): Timestamp {
  const seconds = secondsBetween(began, at);
  return seconds > 0 && seconds <= DEPENDENCY_BEFORE_SECONDS ? began : at;
}

/**
 * What it depends on and has a health query is asked for it: alerts come in any order, and that of a dependency may come
 * when its dependent has been judged already.
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
      if (since === null || !areTogether(since, onset, true)) return [];
      const changed_at = await changedAt(deps, { service, environment }, since);
      return [{ service, since, relation: 'dependency', changed_at }];
    }),
  );
  return measured.flat();
}

/** When its newest change near that time put a version live. */
async function changedAt(deps: Deps, place: Place, since: Timestamp): Promise<Timestamp | null> {
  const ends = (await deps.changes.recent(place, CHANGES_READ))
    .filter(putsVersionLive)
    .map((change) => change.finished_at ?? change.started_at);
  return ends.findLast((end) => Math.abs(secondsBetween(end, since)) <= OWN_CHANGE_SECONDS) ?? null;
}

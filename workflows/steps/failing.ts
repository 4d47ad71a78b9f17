import type { Evidence, Failing } from '../../core/domain/correlation/evidence.ts';
import { serviceEntry } from '../../core/domain/catalogue/catalogue.ts';
import { CLOCK_TOLERANCE_SECONDS } from '../../core/domain/correlation/candidates.ts';
import { type Opening, OPENINGS_CHECKED } from '../../core/domain/incidents/incident-group.ts';
import { problemStart } from '../../core/domain/incidents/new-onset.ts';
import { type Dependency, dependenciesOf, dependentsOf } from '../../core/domain/catalogue/dependencies.ts';
import { healthOf, type HealthQuery } from '../../core/domain/catalogue/health.ts';
import { departureOf, type Onset } from '../../core/domain/correlation/onset.ts';
import { endedAt } from '../../core/domain/correlation/health.ts';
import { isRecovering } from '../../core/domain/correlation/recovery.ts';
import { windowOf } from '../../core/domain/correlation/query.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { pooled, unlessAborted } from '../../core/domain/concurrency.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds, secondsBetween, type Timestamp, timestamp } from '../../schemas/time/time.ts';

type FailingDeps = Pick<Deps, 'changes' | 'incidentGroups' | 'metrics'>;

/** What is known of an incident before it is read. Only its newest problem can have changed since. */
export type IncidentKey = ServiceEnvironment & Pick<IncidentRecord, 'id' | 'opened_at' | 'unmatched' | 'new_onset'>;

/** Services count as failing together if their failures began within this time of each other. */
const TOGETHER_SECONDS = 300;

/** A failing dependency may cause harm only after a while, when caches expire and retries fill connection pools. */
const DEPENDENCY_BEFORE_SECONDS = 900;

/** Number of other failing services, and of newest changes for each, that are read. Flags change often. */
const FAILING_READ = 12;
const CHANGES_READ = 20;

/** Maximum distance of a service's own change from its failure, to explain that failure. */
const OWN_CHANGE_SECONDS = 2 * 3600;

/** Look-back of the health queries of other services: a baseline before failures of the last half hour. */
const MEASURED_SECONDS = 3600;

/** Number of services whose health is read, those in parallel, and the time for all of them together. */
const SERVICES_MEASURED = 200;
const PARALLEL = 32;
const DEADLINE_MS = 1_500;

type FailingContext = {
  config: Config;
  dependencies: readonly Dependency[];
  at: Timestamp;
  onset: Onset;
  /** The health query of the service itself was read, so that the others can be. */
  isMeasured: boolean;
  /** The incidents of `openedTogether`, if they are read already. */
  together?: Promise<Opening[]> | undefined;
};

/** Other services that fail at the same time, and those whose samples have ended, or do not show it yet. */
type Others = { failing: Failing[] } & Required<Pick<Evidence, 'ended' | 'recovering' | 'unmeasured'>>;

/**
 * Returns other services of this environment that fail at the same time, by their incidents and their metrics, and those that
 * are not measured any more.
 * @throws if the health of some services could not be read in time
 */
export async function failingOf(deps: FailingDeps, incident: IncidentRecord, known: FailingContext): Promise<Others> {
  const { services, routes } = known.config;
  // Nothing to read: only dependencies and dependents are evidence with this setting, and the service has none.
  if (
    routes.failTogether === 'ignore' &&
    known.dependencies.length === 0 &&
    dependentsOf(services, incident.service).size === 0
  )
    return { failing: [], ended: [], recovering: [], unmeasured: [] };
  const [alerted, { failing, read, ...measured }] = await Promise.all([
    byIncidents(deps, incident, known),
    byHealth(deps, incident, known),
  ]);
  // The metric shows when a service began to fail. Its incident can have opened with an earlier problem, or after this one.
  const shown = new Set(failing.map(({ service }) => service));
  const earliest = new Map<string, Failing>(failing.map((one) => [one.service, one]));
  // What a dependent is blamed for, its metric must show.
  for (const one of alerted.filter(({ service, relation }) => relation !== 'dependent' || !read.has(service))) {
    const other = earliest.get(one.service);
    if (!shown.has(one.service) && (other === undefined || one.since < other.since)) earliest.set(one.service, one);
  }
  return { failing: [...earliest.values()], ...measured };
}

/**
 * Returns the incidents of other services of the environment that opened when the open problem of this one began, or before for
 * dependencies.
 */
export async function openedTogether(
  { incidentGroups }: Pick<Deps, 'incidentGroups'>,
  incident: IncidentKey,
  { services }: Config,
): Promise<Opening[]> {
  const { id, service, environment, unmatched } = incident;
  const began = problemStart(incident);
  const relationOf = relationsTo(services, service, unmatched === null ? dependenciesOf(services, service) : []);
  const others: Opening[] = [];
  const within = {
    since: plusSeconds(began, -DEPENDENCY_BEFORE_SECONDS),
    until: plusSeconds(began, TOGETHER_SECONDS),
  };
  await incidentGroups.newestOpenings(within, (each) => {
    const isOther =
      each.id !== id &&
      each.unmatched === null &&
      serviceEntry(services, each.service) !== undefined && // excludes parent incidents, which are no service
      each.environment === environment &&
      each.service !== service &&
      mayBeRelated(each.at, began, relationOf(each.service) === 'dependency');
    if (isOther) others.unshift(each);
    return others.length === OPENINGS_CHECKED;
  });
  return others;
}

async function byIncidents(
  deps: FailingDeps,
  incident: IncidentRecord,
  { config, dependencies, at, together }: FailingContext,
): Promise<Failing[]> {
  const { service, environment } = incident;
  const { services, routes } = config;
  const relationOf = relationsTo(services, service, dependencies);
  const others = await (together ?? openedTogether(deps, incident, config));
  // Failing dependencies and dependents are evidence with every setting.
  const isIgnored = ({ service: other }: Opening): boolean =>
    routes.failTogether === 'ignore' && relationOf(other) === 'unrelated';
  const began = problemStart(incident);
  const stillFailing = (await deps.incidentGroups.stillFailing(others, FAILING_READ)).filter(
    // The problem with which it opened may be over.
    (one) =>
      one.problemAt === undefined || mayBeRelated(one.problemAt, began, relationOf(one.service) === 'dependency'),
  );
  return Promise.all(
    stillFailing
      .filter((other) => !isIgnored(other))
      .map(async (other): Promise<Failing> => ({
        service: other.service,
        since: sinceOf(other),
        relation: relationOf(other.service),
        ...(await changesOf(deps, { service: other.service, environment }, sinceOf(other), at)),
      })),
  );
}

/** Returns a function that relates other services to this one. */
function relationsTo(
  services: Config['services'],
  service: string,
  dependencies: readonly Dependency[],
): (other: string) => Failing['relation'] {
  const [near, dependents] = [new Set(dependencies.map((each) => each.service)), dependentsOf(services, service)];
  return (other) => (near.has(other) ? 'dependency' : dependents.has(other) ? 'dependent' : 'unrelated');
}

/** Returns whether a failure since `since` may be related to the problem that began at `onset`. */
function mayBeRelated(since: Timestamp, onset: Timestamp, isDependency: boolean): boolean {
  const before = secondsBetween(since, onset);
  return before >= -TOGETHER_SECONDS && before <= (isDependency ? DEPENDENCY_BEFORE_SECONDS : TOGETHER_SECONDS);
}

/**
 * Returns the start of a failure. Alerts arrive with different delays after their start; one that arrives much later
 * had fired before and was sent again, so that its start says nothing about this failure.
 */
function sinceOf({ at, began = at, problemAt }: Opening): Timestamp {
  if (problemAt !== undefined) return problemAt;
  const seconds = secondsBetween(began, at);
  return seconds > 0 && seconds <= DEPENDENCY_BEFORE_SECONDS ? began : at;
}

/**
 * Returns services of the environment that fail according to their health query, and those whose query has samples (`read`). Alerts
 * arrive in any order, and that of another service may arrive after this one was judged.
 */
async function byHealth(
  deps: FailingDeps,
  { service, environment }: IncidentRecord,
  { config, dependencies, at, onset, isMeasured }: FailingContext,
): Promise<Others & { read: ReadonlySet<string> }> {
  const measured = measurable(config, { service, environment }, dependencies);
  const from = plusSeconds(at, -MEASURED_SECONDS);
  const curves = await inParallel(measured, DEADLINE_MS, ({ health }, signal) =>
    deps.metrics.range(health.promql, from, at, 'max', { signal }),
  );
  const unread = curves.filter((curve) => curve === null).length;
  if (unread > 0 && (isMeasured || unread < curves.length))
    throw new Error(`the health of ${unread} of ${curves.length} other services was not read in time`);
  const departed = measured.flatMap(({ name, relation, health }, index) => {
    const curve = curves[index] ?? [];
    const began = departureOf({ max: health.max, curve, window: windowOf(health.promql) }, at, at);
    return began !== null && mayBeRelated(began.at, onset.at, relation === 'dependency')
      ? [{ name, relation, began }]
      : [];
  });
  const failing = await Promise.all(
    departed
      .slice(0, FAILING_READ)
      .map(async ({ name, relation, began: { at: since, earliest, latest } }): Promise<Failing> => ({
        service: name,
        since,
        relation,
        measured: { earliest, latest },
        ...(await changesOf(deps, { service: name, environment }, since, at)),
      })),
  );
  const ended = measured.flatMap(({ name, relation, health }, index) => {
    const last = endedAt(curves[index] ?? [], at);
    return last === null || relation === 'dependent'
      ? []
      : [{ service: name, at: timestamp(last - (windowOf(health.promql) ?? 0) * 1000) }];
  });
  const recovering = measured.flatMap(({ name, health: { max } }, index) =>
    isRecovering({ curve: curves[index] ?? [], max }, onset.at, at) ? [name] : [],
  );
  const read = measured.flatMap(({ name, relation }, index) => {
    const newest = curves[index]?.at(-1)?.[0];
    return newest === undefined ? [] : [{ name, relation, newest }];
  });
  const unmeasured = read.flatMap(({ name, relation, newest }) =>
    relation !== 'unrelated' && newest <= onset.latest ? [name] : [],
  );
  return { failing, ended, recovering, unmeasured, read: new Set(read.map(({ name }) => name)) };
}

type MeasurableService = { name: ServiceName; relation: Failing['relation']; health: HealthQuery };

/** Returns the other services that can be measured, dependencies first. */
function measurable(
  config: Config,
  { service, environment }: Pick<IncidentRecord, 'service' | 'environment'>,
  dependencies: readonly Dependency[],
): MeasurableService[] {
  const relationOf = relationsTo(config.services, service, dependencies);
  const near = new Set(dependencies.map((each) => each.service));
  const others = Object.keys(config.services).filter((name) => name !== service && !near.has(name));
  return [...near, ...others]
    .flatMap((each): MeasurableService[] => {
      const name = each as ServiceName;
      const relation = relationOf(name);
      // Failing dependencies and dependents are evidence with every setting.
      if (relation === 'unrelated' && config.routes.failTogether === 'ignore') return [];
      const health = healthOf(config, { service: name, environment });
      return health === undefined ? [] : [{ name, relation, health }];
    })
    .slice(0, SERVICES_MEASURED);
}

/** Calls `read` for each item, some at a time. Null: it did not return within the time for all of them. */
async function inParallel<Item, Value>(
  items: readonly Item[],
  deadlineMs: number,
  read: (item: Item, signal: AbortSignal) => Promise<Value | null>,
): Promise<(Value | null)[]> {
  const values: (Value | null)[] = items.map(() => null);
  const signal = AbortSignal.timeout(deadlineMs);
  const reading = pooled([...items.entries()], PARALLEL, async ([index, item]) => {
    if (!signal.aborted) values[index] = await read(item, signal);
  });
  await unlessAborted(reading, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return [...values]; // a read that returns later changes nothing
}

/** Minimum age of a rollback in seconds after which it would have helped. */
const ROLLBACK_HELPS_SECONDS = 300;

/** Returns when the newest change of any kind near a failure took effect, and whether a rollback has not ended the failure. */
async function changesOf(
  deps: FailingDeps,
  serviceEnvironment: ServiceEnvironment,
  since: Timestamp,
  at: Timestamp,
): Promise<Pick<Failing, 'changed_at' | 'rolled_back'>> {
  const changes = await deps.changes.recent(serviceEnvironment, CHANGES_READ);
  const isUnhelpful = changes.some(({ kind, started_at: started, finished_at: finished }) => {
    const ended = finished ?? started;
    return kind === 'rollback' && ended > since && secondsBetween(ended, at) >= ROLLBACK_HELPS_SECONDS;
  });
  // A roll-out can break the service long before its end.
  const near = changes
    .map(({ started_at: started, finished_at: finished }) =>
      finished !== null && finished <= since ? finished : started,
    )
    .filter((changed) => Math.abs(secondsBetween(changed, since)) <= OWN_CHANGE_SECONDS);
  // What came after the failure began, such as the deploy of the version before, does not explain it.
  const explaining = near.findLast((changed) => secondsBetween(changed, since) >= -CLOCK_TOLERANCE_SECONDS);
  return { changed_at: explaining ?? near.at(-1) ?? null, ...(isUnhelpful && { rolled_back: true as const }) };
}

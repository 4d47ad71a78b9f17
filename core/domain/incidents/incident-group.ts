import { serviceEntry } from '../catalogue/catalogue.ts';
import { dependenciesOf, dependentsOf } from '../catalogue/dependencies.ts';
import { incidentName } from './incident-number.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { type IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import type { ManyAtOnce } from '../../../schemas/alerts/routes.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** Service name of a parent incident. */
export const SEVERAL = ServiceName.parse('several-services');

/** Returns the scope of a parent incident: one of an environment, and one of each dependency in it. */
export const scopeOfGroup = (environment: string, { because, name }: GroupReason = MANY): string =>
  [SEVERAL, environment, ...(because === 'many' ? [] : [name])].map(encodeURIComponent).join('#');

/** A recently opened incident. */
export type Opening = {
  id: IncidentId;
  at: Timestamp;
  /** Start of the first alert that opened it. Absent: not opened by an alert, or stored by an older version. */
  began?: Timestamp;
  /** Start of the open problem, where `stillFailing` finds that those before it were mitigated, or its return. Absent: it is the first one. */
  problemAt?: Timestamp;
  scope: string;
  service: ServiceName;
  environment: string;
  unmatched: string | null;
};

/** Number of newest openings that are checked: enough to decide whether many incidents opened together. */
export const OPENINGS_CHECKED = 60;

/** Returns the name of the incident of a group in which a service was rolled back without approval. Null: none. */
export function groupRollbackOf(group: Pick<IncidentRecord, 'group_rollback'> | undefined): string | null {
  const { incident_id: id, number } = group?.group_rollback ?? {};
  return id === undefined ? null : incidentName({ id, number });
}

/** Reason for grouping incidents. `name`: the dependency that they share, or that fails itself; or empty. */
export type GroupReason = { because: 'many' | 'shared_dependency'; name: string; text: string };

/**
 * What is wrong in a group now. `first`: the services to look at first. `isOver`: the incident of its dependency is resolved. `isWell`:
 * no member is known to fail, too.
 */
export type GroupNow = { words: string; first: string; isOver: boolean; isWell: boolean };

/** Severity of a parent incident, and whether it pages when it opens. */
export type ParentUrgency = Pick<IncidentRecord, 'severity'> & { page: boolean };

const MANY: GroupReason = { because: 'many', name: '', text: '' };

/**
 * Returns whether a child belongs to a group of many incidents, of which a single deploy is rarely the cause. A group of a
 * dependency is one outage, which a single deploy explains. A parent that is not known counts as a group of many.
 */
export const isOneOfMany = (
  { parent_id }: Pick<IncidentRecord, 'parent_id'>,
  parent: Pick<IncidentRecord, 'group_reason'> | undefined,
): boolean => parent_id !== undefined && parent?.group_reason?.because !== 'shared_dependency';

export type Grouping = { kind: 'alone' } | { kind: 'together'; reason: GroupReason; members: Opening[] };

/** Returns the time in which other openings are near one. Both limits are outside it. */
export const timeAround = (
  at: Timestamp,
  { minutes }: Pick<ManyAtOnce, 'minutes'>,
): { since: Timestamp; until: Timestamp } => ({
  since: plusSeconds(at, -minutes * 60),
  until: plusSeconds(at, minutes * 60),
});

/**
 * Returns a function that is given openings one after another, and returns whether those so far are many around the time
 * of an incident, including incidents that are already over. If each is resolved quickly in turn, many would never be
 * open at once.
 */
export function manyOpened(
  { environment, opened_at: at }: Pick<IncidentRecord, 'environment' | 'opened_at'>,
  policy: ManyAtOnce,
): (opening: Pick<Opening, 'at' | 'environment' | 'scope'>) => boolean {
  const { since, until } = timeAround(at, policy);
  const scopes = new Set<string>();
  return (opening) => {
    if (opening.at > since && opening.at < until && opening.environment === environment) scopes.add(opening.scope);
    return policy.incidents !== false && scopes.size > policy.incidents;
  };
}

/** Returns the incidents that opened around the time of one, in its environment. */
export const openedAround = (
  opened: Opening,
  openings: readonly Opening[],
  policy: Pick<ManyAtOnce, 'minutes'>,
): Opening[] => {
  const { since, until } = timeAround(opened.at, policy);
  return openings.filter(
    ({ at, environment, unmatched }) =>
      at > since && at < until && environment === opened.environment && unmatched === null,
  );
};

/** Returns whether a new incident may belong to a group, whichever others opened around its time. */
export const mayBeGrouped = ({ unmatched }: Opening, policy: ManyAtOnce): boolean =>
  unmatched === null && (policy.incidents !== false || policy.sharedDependency !== false);

/**
 * Decides whether a new incident belongs to a group. More than a few at once, or several that share a dependency, are
 * one event for the people who are paged.
 *
 * @param failing incidents that opened around its time and still fail, including the new one: a mitigated incident had its
 *   own cause
 * @param mitigated those of its dependencies and dependents that were mitigated, and may still fail
 * @param isQuiet whether an incident is part of a trial that must not page or open channels, so that its group must not
 */
export function groupingOf(
  opened: Opening,
  failing: readonly Opening[],
  services: Config['services'],
  policy: ManyAtOnce,
  {
    mitigated = [],
    isQuiet = () => false,
  }: { mitigated?: readonly Opening[]; isQuiet?: (one: Opening) => boolean } = {},
): Grouping {
  // Services outside the catalogue are grouped separately (unmatched.ts): otherwise, any sender of their alerts could
  // hide pages in a group.
  if (opened.unmatched !== null) return { kind: 'alone' };
  const openedNear = openedAround(opened, failing, policy);
  const candidates = [...openedNear, ...mitigated].filter((one) => !isQuiet(one));
  const byDependency =
    policy.sharedDependency === false
      ? null
      : groupingByDependency(opened, candidates, services, policy.sharedDependency, new Set(mitigated));
  const count = scopesOf(openedNear);
  const isMany = policy.incidents !== false && count > policy.incidents;
  // A dependency that explains most of the incidents is their group, however many they are.
  if (byDependency !== null && (!isMany || scopesOf(byDependency.members) * 2 > count)) return byDependency;
  if (!isMany) return { kind: 'alone' };
  const reason = { ...MANY, text: `${count} incidents in ${policy.minutes} minutes` };
  return { kind: 'together', members: openedNear, reason };
}

/**
 * Groups by the dependency that most incidents have, the first by name in case of a tie. If the dependency fails itself,
 * directly or not, one of its dependents is enough: they are one outage. If only its dependents fail, a number of them is
 * necessary that depend on it directly.
 */
function groupingByDependency(
  opened: Opening,
  openedNear: readonly Opening[],
  services: Config['services'],
  atLeast: number,
  mitigated: ReadonlySet<Opening>,
): Extract<Grouping, { kind: 'together' }> | null {
  const candidates = withDependencies(opened, services)
    .map((name) => {
      const members = openedNear.filter((other) => withDependencies(other, services).includes(name));
      const direct = openedNear.filter((other) => dependsOn(other, services).includes(name));
      const fails = members.some(({ service }) => service === name);
      return { name, members: fails ? members : direct, fails, dependents: scopesOf(direct) };
    })
    .filter(({ members, fails, dependents }) => (fails ? scopesOf(members) > 1 : dependents >= atLeast))
    .filter(({ members }) => members.some(({ id }) => id === opened.id))
    .toSorted(
      (a, b) => b.members.length - a.members.length || Number(b.fails) - Number(a.fails) || (a.name < b.name ? -1 : 1),
    );
  const [largest] = candidates;
  if (largest === undefined) return null;
  const { name, members, fails } = largest;
  const isMitigated = fails && members.every((one) => one.service !== name || mitigated.has(one));
  const text = outageWords(
    name,
    members.map(({ service }) => service),
    isMitigated,
  );
  return { kind: 'together', members, reason: { because: 'shared_dependency', name, text } };
}

/** Describes the outage of a dependency by the services that have failed, which can include it. */
export function outageWords(name: string, services: readonly string[], isMitigated = false): string {
  const others = [...new Set(services)].filter((service) => service !== name).toSorted();
  if (!services.includes(name)) return `${others.join(', ')} all depend on ${name}`;
  const [first = '', ...more] = others;
  if (more.length === 0)
    return isMitigated
      ? `${name} was mitigated, but ${first}, which depends on it, failed`
      : `${name} failed, and so did ${first}, which depends on it`;
  return isMitigated
    ? `${name} was mitigated, but services that depend on it failed: ${others.join(', ')}`
    : `${name} failed, and so did services that depend on it: ${others.join(', ')}`;
}

const scopesOf = (openings: readonly Opening[]): number => new Set(openings.map(({ scope }) => scope)).size;

const dependsOn = ({ service }: Opening, services: Config['services']): readonly string[] =>
  serviceEntry(services, service)?.dependsOn ?? [];

/** Returns the service and its dependencies, direct and indirect ones. */
const withDependencies = ({ service }: Opening, services: Config['services']): string[] => [
  service,
  ...dependenciesOf(services, service).map((one) => one.service),
];

/** Returns a function that returns whether one of two services depends on the other, directly or not. */
export function relatedTo(one: Opening, services: Config['services']): (other: Opening) => boolean {
  const [dependencies, dependents] = [
    new Set(withDependencies(one, services)),
    dependentsOf(services, one.service), // also those for which it is too far down their list
  ];
  return (other) =>
    one.service !== other.service &&
    (dependencies.has(other.service) ||
      (dependents.has(other.service) && withDependencies(other, services).includes(one.service)));
}

/** Returns whether an incident may still join the open parent of many, which is only possible while the event continues. */
export const canJoinMany = (lastJoinedAt: Timestamp, opened: Opening, policy: ManyAtOnce): boolean =>
  policy.incidents !== false &&
  opened.unmatched === null &&
  opened.at <= plusSeconds(lastJoinedAt, policy.minutes * 60);

/** Number of incidents of one scope within an hour from which an alert counts as flapping. */
export const FLAPPING_FROM = 3;
export const FLAPPING_WITHIN_SECONDS = 3600;

/**
 * Returns whether the scope's incidents open and close repeatedly. Such an incident stays open until it has been quiet
 * for some time.
 */
export const isFlapping = (
  opened: Pick<Opening, 'at' | 'scope'>,
  recent: readonly Pick<Opening, 'at' | 'scope'>[],
): boolean =>
  recent.filter(
    ({ at, scope }) =>
      scope === opened.scope && at > plusSeconds(opened.at, -FLAPPING_WITHIN_SECONDS) && at <= opened.at,
  ).length >= FLAPPING_FROM;

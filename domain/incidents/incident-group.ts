import { serviceEntry } from '../catalogue/catalogue.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { type IncidentId, ServiceName } from '../../schemas/config/names.ts';
import type { ManyAtOnce } from '../../schemas/alerts/routes.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

/** Service name of a parent incident. */
export const SEVERAL = ServiceName.parse('several-services');

/** Returns the scope of the parent incident of an environment. */
export const scopeOfGroup = (environment: string): string => `${SEVERAL}#${encodeURIComponent(environment)}`;

/** A recently opened incident. */
export type Opening = {
  id: IncidentId;
  at: Timestamp;
  /** Start of the first alert that opened it. Absent: not opened by an alert, or stored by an older version. */
  began?: Timestamp;
  scope: string;
  service: ServiceName;
  environment: string;
  unmatched: string | null;
};

/**
 * A rollback can complete within a second, which does not prove that it helped. For this time in seconds, an incident
 * still counts as failing while its alerts fire.
 */
const MITIGATION_UNPROVEN_SECONDS = 30;

/** Returns whether an incident is neither resolved nor, as far as known, mitigated. */
export function stillFails(
  { status, verification, firing }: Pick<IncidentRecord, 'status' | 'verification' | 'firing'>,
  openForSeconds: number,
): boolean {
  if (status === 'open' || status === 'mitigating') return true;
  const isUnproven = status === 'mitigated' && verification !== 'passed' && firing > 0;
  return isUnproven && openForSeconds < MITIGATION_UNPROVEN_SECONDS;
}

/** Reason for grouping incidents. `name`: the shared dependency, or empty. */
export type GroupReason = { because: 'many' | 'shared_dependency'; name: string; text: string };

export type Grouping = { kind: 'alone' } | { kind: 'together'; reason: GroupReason; members: Opening[] };

/**
 * Returns whether many incidents opened around the time of an incident, including those that are already over. If each
 * is resolved quickly in turn, many would never be open at once.
 */
export function manyOpened(
  { environment, opened_at: at }: Pick<IncidentRecord, 'environment' | 'opened_at'>,
  recent: readonly Opening[],
  { incidents, minutes }: ManyAtOnce,
): boolean {
  if (incidents === false) return false;
  const [since, until] = [plusSeconds(at, -minutes * 60), plusSeconds(at, minutes * 60)];
  const openedNear = recent.filter(
    (opening) => opening.at > since && opening.at < until && opening.environment === environment,
  );
  return new Set(openedNear.map(({ scope }) => scope)).size > incidents;
}

/**
 * Decides whether a new incident belongs to a group. More than a few at once, or several that share a dependency, are
 * one event for the people who are paged.
 *
 * @param recent incidents of the last minutes that still fail, including the new one: a mitigated incident had its own
 *   cause
 */
export function groupingOf(
  opened: Opening,
  recent: readonly Opening[],
  services: Config['services'],
  policy: ManyAtOnce,
): Grouping {
  const since = plusSeconds(opened.at, -policy.minutes * 60);
  const until = plusSeconds(opened.at, policy.minutes * 60);
  // Services outside the catalogue are grouped separately (unmatched.ts): otherwise, any sender of their alerts could
  // hide pages in a group.
  if (opened.unmatched !== null) return { kind: 'alone' };
  const openedNear = recent.filter(
    ({ at, environment, unmatched }) =>
      at > since && at < until && environment === opened.environment && unmatched === null,
  );
  const scopes = new Set(openedNear.map(({ scope }) => scope));
  if (policy.incidents !== false && scopes.size > policy.incidents) {
    return {
      kind: 'together',
      members: openedNear,
      reason: { because: 'many', name: '', text: `${scopes.size} incidents in ${policy.minutes} minutes` },
    };
  }
  return policy.sharedDependency === false
    ? { kind: 'alone' }
    : groupingByDependency(opened, openedNear, services, policy.sharedDependency);
}

/**
 * Groups by the dependency that most incidents share, the first by name in case of a tie. A failing dependency belongs
 * to the group of its dependents, but does not count towards its size: a service and its only dependent are
 * distinguished by their changes.
 */
function groupingByDependency(
  opened: Opening,
  openedNear: readonly Opening[],
  services: Config['services'],
  atLeast: number,
): Grouping {
  const candidates = withDependencies(opened, services)
    .map((name) => ({
      name,
      members: openedNear.filter((other) => withDependencies(other, services).includes(name)),
      dependents: new Set(
        openedNear.filter((other) => dependsOn(other, services).includes(name)).map(({ scope }) => scope),
      ),
    }))
    .filter(({ dependents }) => dependents.size >= atLeast)
    .toSorted((a, b) => b.members.length - a.members.length || (a.name < b.name ? -1 : 1));
  const [largest] = candidates;
  if (largest === undefined) return { kind: 'alone' };
  const names = [...new Set(largest.members.map(({ service }) => service))].toSorted();
  const others = names.filter((name) => name !== largest.name).join(', ');
  const text = names.includes(largest.name as ServiceName)
    ? `${largest.name} is failing, and so are services that depend on it: ${others}`
    : `${others} all depend on ${largest.name}`;
  return {
    kind: 'together',
    members: largest.members,
    reason: { because: 'shared_dependency', name: largest.name, text },
  };
}

const dependsOn = ({ service }: Opening, services: Config['services']): readonly string[] =>
  serviceEntry(services, service)?.dependsOn ?? [];

/** Returns the service and its direct dependencies. */
const withDependencies = (opening: Opening, services: Config['services']): string[] => [
  opening.service,
  ...dependsOn(opening, services),
];

/** Returns whether an incident may still join an open parent, which is only possible while the event continues. */
export const canJoinGroup = (
  groupReason: GroupReason,
  lastJoinedAt: Timestamp,
  opened: Opening,
  services: Config['services'],
  policy: ManyAtOnce,
): boolean =>
  opened.unmatched === null &&
  opened.at <= plusSeconds(lastJoinedAt, policy.minutes * 60) &&
  (groupReason.because === 'many' || withDependencies(opened, services).includes(groupReason.name));

/** Number of incidents of one scope within an hour from which an alert counts as flapping. */
export const FLAPPING_FROM = 3;
export const FLAPPING_WITHIN_SECONDS = 3600;

/**
 * Returns whether the scope's incidents open and close repeatedly. Such an incident stays open until it has been quiet
 * for some time.
 */
export const isFlapping = (opened: Opening, recent: readonly Opening[]): boolean =>
  recent.filter(
    ({ at, scope }) =>
      scope === opened.scope && at > plusSeconds(opened.at, -FLAPPING_WITHIN_SECONDS) && at <= opened.at,
  ).length >= FLAPPING_FROM;

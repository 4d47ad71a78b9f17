import { serviceEntry } from './catalogue.ts';
import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { IncidentId, ServiceName } from '../schemas/names.ts';
import type { ManyAtOnce } from '../schemas/routes.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';

/** An incident that has opened lately. */
export type Opening = {
  id: IncidentId;
  at: Timestamp;
  /** When the first of the alerts that opened it began. Absent: no alert has, or it is from an older version. */
  began?: Timestamp;
  scope: string;
  service: ServiceName;
  environment: string;
  unmatched: string | null;
};

/**
 * A rollback can be over within a second. That it was done does not show that it has helped, so for so long what it was done
 * for counts as failing while its alerts fire.
 */
const MITIGATION_PROVES_NOTHING_SECONDS = 30;

/** Neither over nor, as far as can be known by now, mitigated. */
export function stillFails(
  { status, verification, firing }: Pick<IncidentRecord, 'status' | 'verification' | 'firing'>,
  openForSeconds: number,
): boolean {
  if (status === 'open' || status === 'mitigating') return true;
  const unproven = status === 'mitigated' && verification !== 'passed' && firing > 0;
  return unproven && openForSeconds < MITIGATION_PROVES_NOTHING_SECONDS;
}

/** Why incidents belong together. `name`: the dependency that they share, or empty. */
export type Crowd = { because: 'many' | 'shared_dependency'; name: string; text: string };

export type Together = { kind: 'alone' } | { kind: 'together'; crowd: Crowd; members: Opening[] };

/**
 * Whether many have opened at once around an incident, those that are over by now included. Acting on one after the other
 * ends each in time, and many would never be seen.
 */
export function manyOpened(
  { environment, opened_at: at }: Pick<IncidentRecord, 'environment' | 'opened_at'>,
  recent: readonly Opening[],
  { incidents, minutes }: ManyAtOnce,
): boolean {
  if (incidents === false) return false;
  const [since, until] = [plusSeconds(at, -minutes * 60), plusSeconds(at, minutes * 60)];
  const near = recent.filter((one) => one.at > since && one.at < until && one.environment === environment);
  return new Set(near.map(({ scope }) => scope)).size > incidents;
}

/**
 * Does an incident that has opened belong to something larger? More than a few at once, or some that share a dependency,
 * are one event for the people who are woken by it.
 *
 * @param recent those of the last minutes that still fail, itself included: what was mitigated has had its own cause
 */
export function together(
  opened: Opening,
  recent: readonly Opening[],
  services: Config['services'],
  policy: ManyAtOnce,
): Together {
  const since = plusSeconds(opened.at, -policy.minutes * 60);
  const until = plusSeconds(opened.at, policy.minutes * 60);
  // Services outside the catalogue are grouped apart (unmatched.ts): whoever sends their alerts could hide any page here.
  if (opened.unmatched !== null) return { kind: 'alone' };
  const near = recent.filter(
    ({ at, environment, unmatched }) =>
      at > since && at < until && environment === opened.environment && unmatched === null,
  );
  const scopes = new Set(near.map(({ scope }) => scope));
  if (policy.incidents !== false && scopes.size > policy.incidents) {
    return {
      kind: 'together',
      members: near,
      crowd: { because: 'many', name: '', text: `${scopes.size} incidents in ${policy.minutes} minutes` },
    };
  }
  return policy.sharedDependency === false
    ? { kind: 'alone' }
    : shared(opened, near, services, policy.sharedDependency);
}

/**
 * The dependency that most of them share, the first by name among equals. One that fails beside those that depend on it
 * is a part of it, but does not make it one: a service and its only dependent are told apart by their changes.
 */
function shared(opened: Opening, near: readonly Opening[], services: Config['services'], atLeast: number): Together {
  const candidates = reaches(opened, services)
    .map((name) => ({
      name,
      members: near.filter((other) => reaches(other, services).includes(name)),
      dependents: new Set(near.filter((other) => dependsOn(other, services).includes(name)).map(({ scope }) => scope)),
    }))
    .filter(({ dependents }) => dependents.size >= atLeast)
    .toSorted((a, b) => b.members.length - a.members.length || (a.name < b.name ? -1 : 1));
  const [best] = candidates;
  if (best === undefined) return { kind: 'alone' };
  const names = [...new Set(best.members.map(({ service }) => service))].toSorted();
  const others = names.filter((name) => name !== best.name).join(', ');
  const text = names.includes(best.name as ServiceName)
    ? `${best.name} fails, and with it what depends on it: ${others}`
    : `${others} all depend on ${best.name}`;
  return { kind: 'together', members: best.members, crowd: { because: 'shared_dependency', name: best.name, text } };
}

const dependsOn = ({ service }: Opening, services: Config['services']): readonly string[] =>
  serviceEntry(services, service)?.dependsOn ?? [];

/** The service itself and what it depends on directly. */
const reaches = (opening: Opening, services: Config['services']): string[] => [
  opening.service,
  ...dependsOn(opening, services),
];

/** May an incident still join a parent that is open? Only while the event goes on. */
export const stillGathers = (
  crowd: Crowd,
  lastJoinedAt: Timestamp,
  opened: Opening,
  services: Config['services'],
  policy: ManyAtOnce,
): boolean =>
  opened.unmatched === null &&
  opened.at <= plusSeconds(lastJoinedAt, policy.minutes * 60) &&
  (crowd.because === 'many' || reaches(opened, services).includes(crowd.name));

/** Incidents of one scope within an hour from which on an alert is taken for flapping. */
export const FLAPPING_FROM = 3;
export const FLAPPING_WITHIN_SECONDS = 3600;

/** It opens and closes again and again: it stays open until it has been quiet for a while. */
export const isFlapping = (opened: Opening, recent: readonly Opening[]): boolean =>
  recent.filter(
    ({ at, scope }) =>
      scope === opened.scope && at > plusSeconds(opened.at, -FLAPPING_WITHIN_SECONDS) && at <= opened.at,
  ).length >= FLAPPING_FROM;

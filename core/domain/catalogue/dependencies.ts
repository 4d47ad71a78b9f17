import type { Config } from '../../../schemas/config/config.ts';
import { serviceEntry } from './catalogue.ts';
import { groupByEach } from '../group-by-each.ts';
import { onceFor } from '../once-for.ts';
import type { Relation } from '../correlation/evidence.ts';

/** Maximum number of `dependsOn` steps, and of services, in the search for a cause. */
const STEPS_MAX = 3;
const SERVICES_MAX = 20;

export type Dependency = { service: string; relation: Exclude<Relation, 'same'>; distance: number };

/** Maximum number of steps from caller to caller. */
const CALLER_STEPS_MAX = 2;

/** Returns the dependencies of a service, nearest first; `shared`: other services depend on it too. */
export function dependenciesOf(services: Config['services'], service: string): Dependency[] {
  const distances = distancesFrom(service, STEPS_MAX, (name) => serviceEntry(services, name)?.dependsOn ?? []);
  const callersOfName = directCallersIn(services);
  return [...distances].map(([name, distance]) => ({
    service: name,
    relation: callersOfName(name).length > 1 ? 'shared' : 'dependency',
    distance,
  }));
}

/** Returns the services that depend on a service, directly or through another one, nearest first. */
export function callersOf(services: Config['services'], service: string): Dependency[] {
  const distances = distancesFrom(service, CALLER_STEPS_MAX, directCallersIn(services));
  return [...distances].map(([name, distance]) => ({ service: name, relation: 'caller', distance }));
}

/** Returns the names of all services that depend on a service, directly or not, by as many steps as a search for a cause takes. */
export const dependentsOf = (services: Config['services'], service: string): Set<string> =>
  new Set(distancesFrom(service, STEPS_MAX, directCallersIn(services), Infinity).keys());

/**
 * Returns a function that names the services that depend directly on one. They are found once for each catalogue, because
 * that takes longest in a storm.
 */
const directCallersIn = onceFor((services: Config['services']) => {
  const callers = groupByEach(Object.entries(services), ([, { dependsOn }]) => new Set<string>(dependsOn));
  return (called: string): readonly string[] => callers.get(called)?.map(([name]) => name) ?? [];
});

/** Follows edges from a service, and returns the number of steps to each service that they reach, nearest first. */
function distancesFrom(
  service: string,
  steps: number,
  neighboursOf: (name: string) => readonly string[],
  maxServices = SERVICES_MAX,
): Map<string, number> {
  const distances = new Map<string, number>();
  let frontier: readonly string[] = [service];
  for (let distance = 1; distance <= steps && distances.size < maxServices; distance += 1) {
    frontier = frontier.flatMap(neighboursOf).filter((name) => name !== service && !distances.has(name));
    for (const name of frontier)
      if (distances.size < maxServices && !distances.has(name)) distances.set(name, distance);
  }
  return distances;
}

import type { Config } from '../../schemas/config/config.ts';
import { serviceEntry } from './catalogue.ts';
import type { Relation } from '../correlation/evidence.ts';

/** Maximum number of `dependsOn` steps, and of services, in the search for a cause. */
const STEPS_MAX = 3;
const SERVICES_MAX = 20;

export type Dependency = { service: string; relation: Exclude<Relation, 'same'>; distance: number };

/** Returns the dependencies of a service, nearest first; `shared`: other services depend on it too. */
export function dependenciesOf(services: Config['services'], service: string): Dependency[] {
  const found = new Map<string, number>();
  let edge = [service];
  for (let distance = 1; distance <= STEPS_MAX && found.size < SERVICES_MAX; distance += 1) {
    edge = edge
      .flatMap((name) => serviceEntry(services, name)?.dependsOn ?? [])
      .filter((name) => name !== service && !found.has(name));
    for (const name of edge) if (found.size < SERVICES_MAX) found.set(name, distance);
  }
  const dependents = countDependents(services);
  return [...found].map(([name, distance]) => ({
    service: name,
    relation: (dependents.get(name) ?? 0) > 1 ? 'shared' : 'dependency',
    distance,
  }));
}

function countDependents(services: Config['services']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { dependsOn } of Object.values(services))
    for (const name of new Set<string>(dependsOn)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

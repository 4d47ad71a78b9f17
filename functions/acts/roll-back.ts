import type { Deps, Place } from '../../domain/ports.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import type { Version } from '../../schemas/names.ts';
import { opened } from './incidents.ts';
import type { PlanDeps } from './rollback-plan.ts';
import { takeOver } from './take-over.ts';
import type { Who } from './who.ts';

type RollDeps = PlanDeps & Pick<Deps, 'automation' | 'decisions' | 'engine' | 'people' | 'log' | 'crowds'>;

/**
 * Rolls back what a person has agreed to: by the incident that is open there, or one that is opened for it, with the
 * guards that every rollback has.
 *
 * @param input.to the version that they have named; absent: the newest that is known good
 * @returns the incident that does it
 * @throws Refusal 403, 409, 422
 */
export async function rollBack(
  deps: RollDeps,
  who: Who,
  { place, from, to, trace }: { place: Place; from: Version; to?: Version; trace: string },
): Promise<IncidentView> {
  const { incident } = await opened(deps, who, {
    ...place,
    title: `Rollback of ${from}`,
    severity: 'warning',
    trace,
  });
  return takeOver(deps, who, { id: incident.id, action: 'rollback', note: '', from, ...(to !== undefined && { to }) });
}

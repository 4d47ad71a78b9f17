import type { Deps, Place } from '../../domain/ports.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import type { IncidentId, Version } from '../../schemas/names.ts';
import { opened } from './incidents.ts';
import type { PlanDeps } from './rollback-plan.ts';
import { type Once, takeOver } from './take-over.ts';
import type { Who } from './who.ts';

type RollDeps = PlanDeps & Pick<Deps, 'automation' | 'decisions' | 'engine' | 'people' | 'log' | 'crowds'>;

/** What somebody has agreed to. */
type Agreed = {
  place: Place;
  from: Version;
  /** The version that they have named. Absent: the newest that is known good. */
  to?: Version;
  /** Where it would go, as they have seen it. Absent: they have not. */
  shown?: Version;
  trace: string;
};

/** What was kept of it before it was asked for: the incident, and under which key it is asked for once. */
export type Begun = { incident: IncidentId; once: string | null };

/** Of what may be interrupted and comes again: what was kept of it, and how to keep it. */
export type Resumable = { begun: Begun | undefined; keep(begun: Begun): Promise<void> };

/**
 * Rolls back what a person has agreed to: by the incident that is open there, or one that is opened for it, with the
 * guards that every rollback has. What comes again asks the same incident under the same key, so that it is asked for
 * once, wherever it was interrupted.
 *
 * @returns the incident that does it
 * @throws Refusal 403, 409, 422
 */
export async function rollBack(
  deps: RollDeps,
  who: Who,
  { place, from, to, shown, trace }: Agreed,
  { begun, keep }: Resumable,
): Promise<IncidentView> {
  const id = begun?.incident ?? (await incidentOf(deps, who, { place, from, trace }));
  const once: Once = { kept: begun?.once, keep: (key) => keep({ incident: id, once: key }) };
  return takeOver(deps, who, {
    id,
    action: 'rollback',
    note: '',
    from,
    ...(to !== undefined && { to }),
    ...(shown !== undefined && { shown }),
    once,
  });
}

async function incidentOf(
  deps: RollDeps,
  who: Who,
  { place, from, trace }: Pick<Agreed, 'place' | 'from' | 'trace'>,
): Promise<IncidentId> {
  const title = `Rollback of ${from}`;
  return (await opened(deps, who, { ...place, title, severity: 'warning', trace, alone: true })).incident.id;
}

import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import { Refusal } from '../../domain/refusal.ts';
import { openIncident } from '../incidents/declare-incident.ts';
import { type PlanDeps, planRollback, requirePossible, whyPlanDiffers } from './plan-rollback.ts';
import { type StoredKey, executeResponseAction } from '../incidents/response-action.ts';
import type { Caller } from '../people/caller.ts';

type RollDeps = PlanDeps &
  Pick<Deps, 'automation' | 'decisions' | 'engine' | 'extensions' | 'inbound' | 'log' | 'incidentGroups'>;

/** A rollback that a person has confirmed. */
type ConfirmedRollback = {
  serviceEnvironment: ServiceEnvironment;
  from: Version;
  /** Version that the person named. Absent: the newest that is known to be good. */
  to?: Version;
  /** Target version that was shown to the person. Absent: none. */
  shown?: Version;
  /** The person was told that the name of the target version means another commit now. Absent: not told. */
  movedKnown?: true;
  /** Trace ID of the request. */
  trace: string;
};

/**
 * State that is stored before the rollback is requested: the incident, and the idempotency key `once`. Null: no rollback
 * was needed.
 */
export type RequestProgress = { incident: IncidentId; once: string | null };

/** Stored state of a request that may be interrupted and repeated, and the function that stores it. */
export type Resumable = { progress: RequestProgress | undefined; store(progress: RequestProgress): Promise<void> };

/**
 * Requests a confirmed rollback in the open incident, or in a new one. All guards apply. A repeated call uses the same
 * incident and key, so that the rollback is requested only once, wherever the first call was interrupted: if that has
 * finished, a new one would go back further.
 *
 * @returns the incident of the rollback
 * @throws Refusal 403, 409, 422 if it is not possible now, or not the one that was shown
 */
export async function rollBack(
  deps: RollDeps,
  caller: Caller,
  confirmed: ConfirmedRollback,
  { progress, store }: Resumable,
): Promise<IncidentView> {
  const { from, to, shown, movedKnown } = confirmed;
  const id = progress?.incident ?? (await incidentOf(deps, caller, confirmed));
  const storedKey: StoredKey = { stored: progress?.once, store: (key) => store({ incident: id, once: key }) };
  return executeResponseAction(deps, caller, {
    id,
    action: 'rollback',
    note: '',
    from,
    ...(to !== undefined && { to }),
    ...(shown !== undefined && { shown }),
    ...(movedKnown && { movedKnown }),
    storedKey,
  });
}

async function incidentOf(
  deps: RollDeps,
  caller: Caller,
  { serviceEnvironment, from, to, shown, trace }: ConfirmedRollback,
): Promise<IncidentId> {
  // Before an incident is opened for it. Opening takes time, so it is planned again in the incident.
  const plan = await planRollback(deps, caller, serviceEnvironment, to);
  const other = whyPlanDiffers(plan, { ...serviceEnvironment, from, to: to ?? shown ?? null });
  if (other !== undefined) throw new Refusal(409, 'superseded', other);
  requirePossible(plan);
  const title = `Rollback of ${from}`;
  return (await openIncident(deps, caller, { ...serviceEnvironment, title, severity: 'warning', trace, alone: true }))
    .incident.id;
}

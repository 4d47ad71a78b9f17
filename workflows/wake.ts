import type { Deps } from '../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import type { IncidentId } from '../schemas/config/names.ts';

/**
 * Makes sure that a workflow run reads an incident's inbox: starts the due run, or completes the callbacks of the current
 * one. Safe to repeat; the sweeper repeats calls that are lost.
 */
export async function wake(
  { incidents, decisions, engine }: Pick<Deps, 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
): Promise<'started' | 'woken' | 'idle'> {
  const incident = await incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return 'idle';
  if (incident.started_run < incident.run) {
    await engine.start(id, incident.run);
    return 'started';
  }
  if (incident.seq <= incident.consumed_seq) return 'idle';
  // Callbacks of answered questions first: the reader of the inbox then removes the sweeper's mark.
  await completeAnsweredCallback({ decisions, engine }, incident);
  const { inbox } = incident.callbacks;
  if (inbox !== undefined) await engine.completeCallback(inbox);
  return 'woken';
}

/**
 * Ends the wait of an incident's workflow, because one of its deadlines may be earlier now. If this call is lost, the wait ends
 * by itself within ten minutes.
 */
export async function wakeForDeadlines(
  { incidents, engine }: Pick<Deps, 'incidents' | 'engine'>,
  id: IncidentId,
): Promise<void> {
  const inbox = (await incidents.read(id))?.callbacks.inbox;
  if (inbox !== undefined) await engine.completeCallback(inbox);
}

/** Lets the page of a dependency's group show what is wrong in it now. If this call is lost, the group finds out within ten minutes. */
export async function wakeGroup(
  { incidents, engine }: Pick<Deps, 'incidents' | 'engine'>,
  member: Pick<IncidentRecord, 'parent_id'>,
): Promise<void> {
  const parent = member.parent_id === undefined ? undefined : await incidents.read(member.parent_id);
  const inbox = parent?.group_reason?.because === 'shared_dependency' ? parent.callbacks['inbox'] : undefined;
  if (inbox !== undefined) await engine.completeCallback(inbox);
}

/** Starts the run of an incident that this process has just opened. What is due is known, so nothing is read. */
export async function startFirstRun({ engine }: Pick<Deps, 'engine'>, id: IncidentId): Promise<'started'> {
  await engine.start(id, 1);
  return 'started';
}

/**
 * Completes the callbacks of questions that have been answered. A callback completed while its question still waits
 * would be taken for a time-out.
 */
export async function completeAnsweredCallback(
  { decisions, engine }: Pick<Deps, 'decisions' | 'engine'>,
  { id, callbacks }: Pick<IncidentRecord, 'id' | 'callbacks'>,
): Promise<void> {
  for (const [name, callback] of Object.entries(callbacks)) {
    if (name === 'inbox') continue;
    const number = Number(name.slice('decision-'.length));
    if ((await decisions.state(id, number)) !== 'waiting') await engine.completeCallback(callback);
  }
}

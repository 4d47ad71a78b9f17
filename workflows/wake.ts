import type { Deps } from '../domain/ports.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';

/**
 * Makes sure that somebody looks at an incident's inbox: starts the run that is due, or rings those who wait.
 * Safe to repeat; whatever is lost on the way, the sweeper does again.
 */
export async function wake(
  { incidents, decisions, engine }: Pick<Deps, 'incidents' | 'decisions' | 'engine'>,
  id: IncidentId,
): Promise<'started' | 'rung' | 'idle'> {
  const incident = await incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return 'idle';
  if (incident.started_run < incident.run) {
    await engine.start(id, incident.run);
    return 'started';
  }
  if (incident.seq <= incident.drained) return 'idle';
  // Who waits for an answer first: it is the inbox's reader that takes the sweeper's mark away.
  await ringAnswered({ decisions, engine }, incident);
  const { inbox } = incident.bells;
  if (inbox !== undefined) await engine.ring(inbox);
  return 'rung';
}

/**
 * Rings who waits for an answer that has been given. Nobody else: whoever is rung while the question still waits would
 * take it for a time-out.
 */
export async function ringAnswered(
  { decisions, engine }: Pick<Deps, 'decisions' | 'engine'>,
  { id, bells }: Pick<IncidentRecord, 'id' | 'bells'>,
): Promise<void> {
  for (const [who, bell] of Object.entries(bells)) {
    if (who === 'inbox') continue;
    const number = Number(who.slice('decision-'.length));
    if ((await decisions.state(id, number)) !== 'waiting') await engine.ring(bell);
  }
}

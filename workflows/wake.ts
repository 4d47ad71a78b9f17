import type { Deps } from '../domain/ports.ts';
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
  const { inbox, ...questions } = incident.bells;
  for (const [question, bell] of Object.entries(questions)) {
    // Other mail is no answer: whoever is rung while the question waits would take it for a time-out.
    const number = Number(question.slice('decision-'.length));
    if ((await decisions.state(id, number)) !== 'waiting') await engine.ring(bell);
  }
  if (inbox !== undefined) await engine.ring(inbox);
  return 'rung';
}

import { agentOf } from '../../domain/pagerduty/agents.ts';
import { recognised } from '../../domain/pagerduty/recognised.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import { Deadline, type Elapsed, pooled } from '../evaluation/pool.ts';

type RecogniseDeps = Pick<Deps, 'incidents' | 'config' | 'onCall' | 'log'>;

/** Milliseconds. Nobody is asked for after so long; the next round comes within a minute. */
const ROUND_MS = 15_000;

/** People who are looked for at once. */
const AT_ONCE = 4;

/**
 * Each minute: finds out who those are who did something at PagerDuty while it could not be asked, and puts them down as
 * who they are. On the timeline they stand as they were known then, with a line that says who that was.
 */
export async function recognise(
  deps: RecogniseDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  const byName = new Map<string, IncidentRecord[]>();
  for (const incident of open)
    for (const name of incident.care?.unsure ?? []) byName.set(name, [...(byName.get(name) ?? []), incident]);
  await pooled([...byName], AT_ONCE, async ([name, incidents]) => {
    if (deadline.left === 0) return;
    try {
      await recogniseOne(deps, name, incidents);
    } catch (error) {
      deps.log.error('it could not be put down who somebody is at PagerDuty', { name, error: String(error) });
    }
  });
}

async function recogniseOne(deps: RecogniseDeps, name: string, incidents: readonly IncidentRecord[]): Promise<void> {
  const id = name.replace(/^pagerduty:/, '');
  const told = await deps.onCall.email(id);
  if (told.kind !== 'done') return deps.log.warn('it is not known who somebody is at PagerDuty', { name, ...told });
  const agent = agentOf(await deps.config.current(), { id, name: id }, told.value);
  for (const incident of incidents) await deps.incidents.amend(incident.id, (now) => recognised(now, name, agent));
}

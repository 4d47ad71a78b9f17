import { hasEnded } from '../../domain/alert-states.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';

/**
 * Between two looks. An Alertmanager that has just been started lists no alerts until Prometheus sends them again,
 * which it does every minute.
 */
const SECOND_LOOK_SECONDS = 150;

/**
 * Notes which of its alerts are found where they live, as soon as they are heard of: one that was never seen there is no
 * proof by its absence.
 */
export async function seeAlerts(run: Run, { incidentId }: { incidentId: IncidentId }, deps: Deps): Promise<void> {
  await run.step('see-alerts', async () => {
    if (await deps.alerts.areListed()) await look(deps, incidentId);
    return null;
  });
}

/**
 * For alerts whose end is never said (`send_resolved: false`, a silence): asks where they live, and takes those that have
 * certainly ended, at two looks, as ended. Without anybody to ask, nothing is assumed.
 */
export async function endGoneAlerts(run: Run, { incidentId }: { incidentId: IncidentId }, deps: Deps): Promise<void> {
  const missing = await run.step('look-for-alerts', () => missingAlerts(deps, incidentId));
  if (missing.length === 0) return;
  await run.wait('second-look', { seconds: SECOND_LOOK_SECONDS });
  await run.step('end-gone-alerts', () => endMissing(deps, incidentId, missing));
}

/** At most so many: what a step answers is checkpointed. The rest is found at the next look. */
const EPISODES_MAX = 50;

const missingAlerts = async (deps: Pick<Deps, 'incidents' | 'alerts'>, id: IncidentId): Promise<string[]> =>
  (await look(deps, id)).slice(0, EPISODES_MAX);

/** Gives the alerts that have certainly ended, and remembers those that are there. */
async function look({ incidents, alerts }: Pick<Deps, 'incidents' | 'alerts'>, id: IncidentId): Promise<string[]> {
  const firing = (await incidents.firingEpisodes(id)).filter(({ source }) => source === 'alertmanager');
  const states = firing.length === 0 ? null : await alerts.of(firing);
  if (states === null) return [];
  const found = firing.filter(({ seen }, n) => states[n] === 'listed' && !seen);
  await incidents.seeEpisodes(
    id,
    found.map(({ episode }) => episode),
  );
  return firing.filter((one, n) => hasEnded(states[n], one)).map(({ episode }) => episode);
}

async function endMissing(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'alerts' | 'engine'>,
  id: IncidentId,
  before: readonly string[],
): Promise<{ ended: number }> {
  const gone = (await missingAlerts(deps, id)).filter((episode) => before.includes(episode));
  if (gone.length === 0) return { ended: 0 };
  await deps.incidents.endEpisodes(id, gone, 'The alert is gone where it lives, although its end was never sent');
  await wake(deps, id);
  return { ended: gone.length };
}

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
 * For alerts whose end is never said (`send_resolved: false`, a silence, a deleted rule): asks where they live, and
 * takes those that are missing at two looks as ended. Without anybody to ask, nothing is assumed.
 */
export async function endGoneAlerts(run: Run, { incidentId }: { incidentId: IncidentId }, deps: Deps): Promise<void> {
  const missing = await run.step('look-for-alerts', () => missingAlerts(deps, incidentId));
  if (missing.length === 0) return;
  await run.wait('second-look', { seconds: SECOND_LOOK_SECONDS });
  await run.step('end-gone-alerts', () => endMissing(deps, incidentId, missing));
}

/** At most so many: what a step answers is checkpointed. The rest is found at the next look. */
const EPISODES_MAX = 50;

async function missingAlerts(deps: Pick<Deps, 'incidents' | 'alerts'>, id: IncidentId): Promise<string[]> {
  const firing = (await deps.incidents.firingEpisodes(id)).filter(({ source }) => source === 'alertmanager');
  if (firing.length === 0) return [];
  const gone = (await deps.alerts.gone(firing.map(({ labels }) => labels))) ?? [];
  return gone.slice(0, EPISODES_MAX).flatMap((index) => firing[index]?.episode ?? []);
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

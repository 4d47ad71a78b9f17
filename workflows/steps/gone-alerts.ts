import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { wake } from '../wake.ts';

/**
 * For alerts whose end is never said (`send_resolved: false`, a silence, a deleted rule): asks where they live, and
 * takes those that are gone as ended. Without anybody to ask, nothing is assumed.
 */
export async function endGoneAlerts(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'alerts' | 'engine'>,
  id: IncidentId,
): Promise<{ ended: number }> {
  const firing = (await deps.incidents.firingEpisodes(id)).filter(({ source }) => source === 'alertmanager');
  if (firing.length === 0) return { ended: 0 };
  const gone = await deps.alerts.gone(firing.map(({ labels }) => labels));
  if (gone === null || gone.length === 0) return { ended: 0 };
  const episodes = gone.flatMap((index) => firing[index]?.episode ?? []);
  await deps.incidents.endEpisodes(id, episodes, 'The alert is gone where it lives, although its end was never sent');
  await wake(deps, id);
  return { ended: episodes.length };
}

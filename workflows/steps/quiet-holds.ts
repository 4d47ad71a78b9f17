import { isPerson, type QuietHold } from '../../core/domain/incidents/closing.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { type Health, healthNow } from './health-now.ts';

/** Timeline entries that are searched for one of a person. Firebreak writes few about an incident without activity. */
const ENTRIES_READ = 50;

/**
 * Returns what keeps an incident open although nothing happens: an alert that fires, a question that waits for an answer,
 * something that a person wrote within `autoResolveHours`, or health that is above its limit now. `health`: null if it is not
 * measured.
 *
 * @param incident as it is now
 */
export async function quietHolds(
  deps: Pick<Deps, 'incidents' | 'config' | 'clock' | 'metrics' | 'timeScale'>,
  incident: IncidentRecord | undefined,
): Promise<{ holds: QuietHold[]; health: Health | null }> {
  const { incidents, config, clock, timeScale } = deps;
  // Its run ends as soon as it tries to close it.
  if (incident === undefined || incident.status === 'resolved') return { holds: [], health: null };
  const [view, { items }, { paging }] = await Promise.all([
    incidents.view(incident.id),
    incidents.timeline(incident.id, { limit: ENTRIES_READ }),
    config.current(),
  ]);
  const since = plusSeconds(clock.now(), (-paging.autoResolveHours * 3600) / timeScale);
  const health = await healthNow(deps, incident);
  const holds: QuietHold[] = [
    ...(incident.firing > 0 ? (['firing_alert'] as const) : []),
    ...(view?.decisions.some(({ state }) => state === 'waiting') ? (['open_question'] as const) : []),
    ...(items.some(({ actor, at }) => at > since && isPerson(actor)) ? (['recent_note'] as const) : []),
    ...(health?.verdict.outcome === 'failed' ? (['bad_health'] as const) : []),
  ];
  return { holds, health };
}

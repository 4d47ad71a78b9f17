import { mayConcern } from '../domain/late-changes.ts';
import type { Deps } from '../domain/ports.ts';
import type { Change } from '../schemas/change.ts';
import { wake } from '../workflows/wake.ts';

/**
 * Tells open incidents of a change that was recorded after their alerts: their judgements did not know it. Safe to
 * repeat: an incident hears of a change once.
 */
export async function tellIncidents(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'engine' | 'config' | 'log'>,
  change: Change,
): Promise<void> {
  const open = await deps.incidents.open();
  if (open.length === 0) return;
  const { services } = await deps.config.current();
  for (const { id } of open.filter((incident) => mayConcern(services, incident, change))) {
    await deps.incidents.post(id, { kind: 'change_recorded', change: change.id }, {}, `change-recorded-${change.id}`);
    // The sweeper wakes it as well, and a pipeline that records a deploy must not fail for this.
    await wake(deps, id).catch((error: unknown) =>
      deps.log.warn('an incident could not be woken for a late change', { incident: id, error: String(error) }),
    );
  }
}

import { mayBeNews } from '../../domain/changes/late-changes.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { wake } from '../../workflows/wake.ts';

/**
 * Notifies open incidents of a change that was recorded, or has ended, after their alerts, because their decisions did not
 * consider that. Idempotent: each incident is notified once of a record, and once of each outcome.
 */
export async function notifyIncidents(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'engine' | 'config' | 'log'>,
  change: Change,
): Promise<void> {
  const open = await deps.incidents.open();
  if (open.length === 0) return;
  const { services } = await deps.config.current();
  const key = change.status === 'started' ? `change-recorded-${change.id}` : `change-${change.status}-${change.id}`;
  for (const { id } of open.filter((incident) => mayBeNews(services, incident, change))) {
    await deps.incidents.post(id, { kind: 'change_recorded', change: change.id }, {}, key);
    // Only log failures: the sweeper also wakes the workflow, and a pipeline that records a deployment must not fail.
    await wake(deps, id).catch((error: unknown) =>
      deps.log.warn('an incident could not be woken for a change', { incident: id, error: String(error) }),
    );
  }
}

import type { Deps } from '../../../../core/domain/ports/deps.ts';
import type { Projections } from '../../../../core/domain/incidents/projections.ts';
import { hostedMaintenances } from '../../decisions/maintenance.ts';
import { isSettled, MAINTENANCE_INDEX, MaintenanceIndex, MaintenanceState } from './state.ts';

/**
 * Wakes the Statuspage projector for each maintenance window that the page at Statuspage shows in an outdated state, does
 * not show yet, or still shows although it was cancelled.
 */
export async function mirrorMaintenance({
  clock,
  config,
  projections,
}: Pick<Deps, 'clock' | 'config'> & { projections: Projections }): Promise<void> {
  const desiredById = hostedMaintenances(await config.current(), clock.now());
  const { ids } = MaintenanceIndex.parse((await projections.read('statuspage', MAINTENANCE_INDEX)) ?? {});
  // A window that was over before the page showed it is not added any more.
  const current = [...desiredById.keys()].filter(
    (id) => ids.includes(id) || desiredById.get(id)?.status !== 'completed',
  );
  if (current.length + ids.length === 0 || !(await projections.isOn('statuspage'))) return;
  for (const id of new Set([...current, ...ids])) {
    const desired = desiredById.get(id);
    const state = MaintenanceState.parse((await projections.read('statuspage', `maintenance:${id}`)) ?? {});
    if (desired === undefined || !isSettled(state, desired)) await projections.changed(`maintenance:${id}`);
  }
}

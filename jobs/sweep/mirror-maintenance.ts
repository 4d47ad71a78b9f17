import type { Deps } from '../../domain/ports/deps.ts';
import { hostedMaintenances } from '../../domain/status/maintenance.ts';
import { isSettled, MAINTENANCE_INDEX, MaintenanceIndex, MaintenanceState } from '../../projectors/statuspage/state.ts';

/**
 * Marks the maintenance windows for the Statuspage projector that the hosted page shows in an outdated state, not yet, or
 * although they were cancelled.
 */
export async function mirrorMaintenance({
  clock,
  config,
  projections,
}: Pick<Deps, 'clock' | 'config' | 'projections'>): Promise<void> {
  const shown = hostedMaintenances(await config.current(), clock.now());
  const { ids } = MaintenanceIndex.parse((await projections.read('statuspage', MAINTENANCE_INDEX)) ?? {});
  const current = [...shown.keys()].filter((id) => ids.includes(id) || shown.get(id)?.status !== 'completed');
  if (current.length + ids.length === 0 || !(await projections.isOn('statuspage'))) return;
  for (const id of new Set([...current, ...ids])) {
    const desired = shown.get(id);
    const state = MaintenanceState.parse((await projections.read('statuspage', `maintenance:${id}`)) ?? {});
    if (desired === undefined || !isSettled(state, desired)) await projections.changed(`maintenance:${id}`);
  }
}

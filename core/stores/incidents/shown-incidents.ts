import type { Projections } from '../../domain/incidents/projections.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import { keys } from '../../stores/keys.ts';
import type { Table } from '../../stores/table.ts';
import { childIncidentsOf } from './incident-groups.ts';
import type { Shown } from './observers.ts';

/** @param changed wakes the projectors of subjects */
export function shownIncidents(table: Table, changed: Projections['changed']): Shown {
  const incident = (...ids: readonly IncidentId[]): Promise<void> =>
    changed(...ids.map((id): Subject => `incident:${id}`));
  return { changed, incident, withGroup: async (id) => incident(...(await groupOf(table, id))) };
}

/** Returns an incident, its parent, and the other incidents of a dependency's group, which show one decision. */
async function groupOf(table: Table, id: IncidentId): Promise<IncidentId[]> {
  try {
    const parentId = (await read(table, id))?.parent_id;
    const parent = parentId && (await read(table, parentId));
    if (!parent) return [id];
    const isShared = parent.group_reason?.because === 'shared_dependency';
    const others = isShared ? await childIncidentsOf(table, parent.id) : [];
    return [...new Set([id, parent.id, ...others.map((one) => one.incident.id)])];
  } catch {
    return [id]; // the sweeper wakes the projectors of open incidents, too
  }
}

async function read(table: Table, id: IncidentId) {
  const item = await table.get(keys.incident(id));
  return item && StoredIncident.parse(item);
}

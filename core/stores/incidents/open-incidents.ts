import { IncidentId } from '../../../schemas/config/names.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';

/**
 * Reads the items of all incidents that are not resolved, newest first. The cost depends only on their number, not on
 * that of resolved incidents. Strongly consistent.
 */
export async function openIncidents(table: Table): Promise<Item[]> {
  const ids = await collect(table.each(keys.openIncidents().pk, { newestFirst: true }), ({ sk }) =>
    IncidentId.parse(sk),
  );
  const items = await table.getAll(ids.map(keys.incident));
  // An incident may have been resolved between the two reads.
  return items.flatMap((item) => (item === undefined || item['status'] === 'resolved' ? [] : [item]));
}

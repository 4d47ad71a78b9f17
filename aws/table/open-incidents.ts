import { IncidentId } from '../../schemas/names.ts';
import { keys } from './keys.ts';
import { collect, type Item, type Table } from './table.ts';

/**
 * The items of all incidents that are not resolved, newest first. What it reads grows with these alone, however many
 * have been resolved. Strongly consistent.
 */
export async function openIncidents(table: Table): Promise<Item[]> {
  const ids = await collect(table.each(keys.openIncidents().pk, '', { newestFirst: true }), ({ sk }) =>
    IncidentId.parse(sk),
  );
  const items = await table.getAll(ids.map(keys.incident));
  // One may have been resolved between the two reads.
  return items.flatMap((item) => (item === undefined || item['status'] === 'resolved' ? [] : [item]));
}

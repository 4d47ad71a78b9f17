import { IncidentId } from '../../../schemas/config/names.ts';
import type { Page } from '../../domain/ports/common.ts';
import { keys, shardedLists } from '../../stores/keys.ts';
import { pointedPage } from '../../stores/sharded.ts';
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

/** Returns a page of these items that `keep` accepts, newest first, with the cursors of the list of all incidents. */
export const openIncidentsPage = (
  table: Table,
  query: { limit: number; cursor?: string | undefined },
  keep: (item: Item) => boolean = () => true,
): Promise<Page<Item>> =>
  pointedPage(
    table,
    {
      list: shardedLists.incidents,
      pk: keys.openIncidents().pk,
      to: ({ sk }) => keys.incident(IncidentId.parse(sk)),
    },
    query,
    (item) => item['status'] !== 'resolved' && keep(item),
  );

import { alertOf, senderKeyOf } from '../../domain/admission.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Signal } from '../../schemas/signal.ts';
import { sha256 } from '../hash.ts';
import { type Key, keys } from './keys.ts';
import type { Item, Table } from './table.ts';

/** Key of the item that holds the newest episode of an alert. */
export const episodeKey = (signal: Signal): Key => keys.alert(sha256(alertOf(signal)));

/** Where an episode was found. */
export const keyOf = (item: Item): Key => ({ pk: String(item['pk']), sk: String(item['sk']) });

/** Where it was before the key named the service and environment, which is what open incidents may still know. */
const formerKey = (signal: Signal): Key => keys.alert(sha256(senderKeyOf(signal)));

/**
 * The newest episodes of alerts, in their order; undefined where none is known.
 *
 * @param incident the open one of the place: an item at a former key counts only if it belongs to it
 */
export async function episodeItems(
  table: Table,
  signals: readonly Signal[],
  incident: IncidentId | undefined,
): Promise<(Item | undefined)[]> {
  const items = await table.getAll(
    incident === undefined ? signals.map(episodeKey) : signals.flatMap((one) => [episodeKey(one), formerKey(one)]),
  );
  if (incident === undefined) return items;
  return signals.map((_, n) => {
    const former = items[2 * n + 1];
    return items[2 * n] ?? (former?.['incident_id'] === incident ? former : undefined);
  });
}

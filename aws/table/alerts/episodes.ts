import { alertKeyOf, senderKeyOf } from '../../../domain/alerts/admission.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { sha256 } from '../../hash.ts';
import { type Key, keys } from '../core/keys.ts';
import type { Item, Table } from '../core/table.ts';

/** Returns the key of the item that holds the newest episode of an alert. */
export const episodeKey = (signal: Signal): Key => keys.alert(sha256(alertKeyOf(signal)));

/** Returns the key under which an episode was found. */
export const keyOf = (item: Item): Key => ({ pk: String(item['pk']), sk: String(item['sk']) });

/** Returns the key used before service and environment were part of it. Open incidents may still have items there. */
export const formerKey = (signal: Signal): Key => keys.alert(sha256(senderKeyOf(signal)));

/**
 * Reads the newest episodes of alerts, in their order; undefined for an unknown alert.
 *
 * @param incident the open incident of this service and environment: an item at a former key counts only if it belongs
 * to it
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

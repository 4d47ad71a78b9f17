import { alertKeyOf, reporterOf, senderKeyOf } from '../../domain/alerts/admission.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { sha256 } from '../../stores/hash.ts';
import { type Key, keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';

/** Returns the key of the item that holds the newest episode of an alert, as the signal's sender reports it. */
export const episodeKey = (signal: Signal): Key => keys.alert(sha256(alertKeyOf(signal)), reporterOf(signal));

/** Returns the key under which an episode was found. */
export const keyOf = (item: Item): Key => ({ pk: String(item['pk']), sk: String(item['sk']) });

/** Returns the key used before service and environment were part of it. Open incidents may still have items there. */
export const formerKey = (signal: Signal): Key => keys.alert(sha256(senderKeyOf(signal)));

/** How many other senders of an alert are read. */
const OTHERS_MAX = 20;

/** Reads what other senders report about the alert of a signal. */
export async function itemsOfOthers(table: Table, signal: Signal): Promise<{ reporter: string; item: Item }[]> {
  const own = episodeKey(signal);
  const items = await collect(table.each(own.pk, { prefix: 'EP#', limit: OTHERS_MAX }), (item) => item);
  return items.filter(({ sk }) => sk !== own.sk).map((item) => ({ reporter: String(item['reporter']), item }));
}

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

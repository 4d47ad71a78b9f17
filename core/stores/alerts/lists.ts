import type { Mute } from '../../domain/alerts/routing.ts';
import type { Incidents } from '../../domain/ports/incidents.ts';
import { StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { shardedLists } from '../../stores/keys.ts';
import { inTurns } from '../../stores/fair-turns.ts';
import { hasFields, shardedPage } from '../../stores/sharded.ts';
import type { Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';
import { firedAtOf, startsOf } from './admit.ts';

/** Muted alerts per query, and at most. Newest first; older ones are read after these are gone. */
const MUTED_PAGE = 500;
const MUTED_MAX = 10_000;

/** Returns a page of the alerts that belong to no incident, muted or only recorded, newest first. */
export async function alertsWithoutIncident(
  table: Table,
  { muted, since, service, environment, ...query }: Parameters<Incidents['alertsWithoutIncident']>[0],
): ReturnType<Incidents['alertsWithoutIncident']> {
  const { muted: quiet, recorded } = shardedLists;
  const isWanted = hasFields({ service, environment });
  const keep = (item: Item): boolean => isWanted((item['signal'] ?? {}) as Item);
  const page = await shardedPage(table, muted ? quiet : recorded, query, keep, since && { from: since });
  const parsed = await inTurns(page.items, (item) => {
    const signal = StoredSignal.safeParse(item['signal']);
    if (!signal.success) return []; // written by a version with fewer fields
    const first_seen_at = Timestamp.parse(String(item['list_key']).split('#')[0]);
    const mute = (item['mute'] as Mute | undefined) ?? null;
    return [{ signal: { ...signal.data, first_seen_at }, mute, firedAt: firedAtOf(item), starts: startsOf(item) }];
  });
  return { ...page, items: parsed.flat() };
}

/** Returns the muted alerts, newest first. */
export async function mutedAlerts(table: Table): ReturnType<Incidents['muted']> {
  const items: Item[] = [];
  let cursor: string | null | undefined;
  while (cursor !== null && items.length < MUTED_MAX) {
    const page = await shardedPage(table, shardedLists.muted, { limit: MUTED_PAGE, ...(cursor && { cursor }) });
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  const parsed = await inTurns(items, (item) => {
    const signal = StoredSignal.safeParse(item['signal']);
    const mute = (item['mute'] as Mute | undefined) ?? null;
    return signal.success ? [{ signal: signal.data, mute }] : [];
  });
  return parsed.flat();
}

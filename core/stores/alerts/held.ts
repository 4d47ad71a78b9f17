import * as z from 'zod';
import { sha256 } from '../../stores/hash.ts';
import { isHeld, reportKeyOf } from '../../domain/alerts/admission.ts';
import type { HeldAlert } from '../../domain/ports/alerts.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { StoredSignal } from '../../../schemas/incidents/stored-records.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { shardedLists } from '../../stores/keys.ts';
import { shardedPage } from '../../stores/sharded.ts';
import type { Table } from '../../stores/table.ts';
import { type Item, revisionIs, update } from '../../../platforms/store.ts';
import { episodeKey } from './episodes.ts';

const Held = z.object({ at: Timestamp, until: Timestamp });

/** Held alerts that are read at once. They are held for minutes, so there are few; the rest is read when these are gone. */
const HELD_MAX = 1000;

/** Returns the alerts that are no longer held, oldest first. */
export async function heldAlerts(table: Table, now: Timestamp): Promise<HeldAlert[]> {
  const { items } = await shardedPage(table, shardedLists.held, { limit: HELD_MAX });
  return items
    .flatMap((item) => heldIn(item) ?? [])
    .filter((alert) => !isHeld(alert, now))
    .toReversed();
}

function heldIn(item: Item): HeldAlert | undefined {
  const signal = StoredSignal.safeParse(item['signal']);
  const held = Held.safeParse(item['held']);
  if (!signal.success || !held.success) return undefined;
  const { incident_id: id, ends_at: endsAt } = item;
  return {
    signal: signal.data,
    episode: String(item['episode']),
    ...held.data,
    incident: typeof id === 'string' ? IncidentId.parse(id) : null,
    endsAt: typeof endsAt === 'string' ? Timestamp.parse(endsAt) : null,
    isFiring: item['status'] === 'firing',
  };
}

/** Drops what is held of an alert, whose state stays. Does nothing if the alert has changed since. */
export async function releaseHeld(
  table: Table,
  { signal, until, incident, endsAt }: HeldAlert,
  at: Timestamp,
): Promise<void> {
  const key = episodeKey(signal);
  const item = await table.get(key);
  if (item === undefined || heldIn(item)?.until !== until) return;
  const report = sha256(reportKeyOf(signal));
  await table.transact([
    update(
      key,
      incident === null
        ? {
            set: {
              rev: Number(item['rev']) + 1,
              signal: { ...signal, status: 'resolved', endsAt },
              ...shardedLists.recorded.attributes(report, `${at}#${report}`),
            },
            remove: ['held'],
          }
        : { set: { rev: Number(item['rev']) + 1 }, remove: ['held', 'signal', 'list', 'list_key'] },
      revisionIs(item['rev']),
    ),
  ]);
}

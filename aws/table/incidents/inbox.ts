import type { IncidentPatch, InboxPost } from '../../../domain/incidents/inbox-post.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../core/retention.ts';
import type { Item, Table, Write } from '../core/table.ts';

/**
 * Returns the writes that put one message into an open incident's inbox: the incident itself, the message's row, and
 * the mark by which the sweeper wakes the workflow if nothing else does.
 */
export const postWrites = (table: Table, { incident: id, seq, message, at, patch, entry }: InboxPost): Write[] => [
  patchWrite(table, id, patch),
  table.put({ ...keys.inbox(id, seq), seq, message, at, ...expiresAfter(at, RETENTION_DAYS.inbox) }),
  pendingWrite(table, id, seq, at),
  ...(entry === null ? [] : [timelineWrite(table, id, String(seq).padStart(10, '0'), entry)]),
];

/** Returns the conditional update of an incident's own item. `extra`: attributes that are no part of the record. */
export function patchWrite(
  table: Table,
  id: IncidentId,
  { set = {}, remove = [], seen = {}, notIn = [], add = {} }: IncidentPatch,
  extra: Record<string, unknown> = {},
): Write {
  const sets = Object.entries({ ...set, ...extra });
  const adds = Object.entries(add);
  const absent = Object.entries(seen).flatMap(([name, value]) => (value === undefined ? [name] : []));
  const equal = Object.entries(seen).filter(([, value]) => value !== undefined);
  const names = [...sets, ...adds, ...equal]
    .map(([name]) => name)
    .concat(remove, absent, notIn.length > 0 ? 'status' : []);
  const list = (verb: string, parts: string[]): string[] => (parts.length === 0 ? [] : [`${verb} ${parts.join(', ')}`]);
  const condition = [
    ...equal.map(([name]) => `#${name} = :seen_${name}`),
    ...absent.map((name) => `attribute_not_exists(#${name})`),
    ...notIn.map((_, n) => `#status <> :not_${n}`),
  ].join(' AND ');
  return table.update(keys.incident(id), {
    UpdateExpression: [
      ...list(
        'SET',
        sets.map(([name]) => `#${name} = :${name}`),
      ),
      ...list(
        'ADD',
        adds.map(([name]) => `#${name} :add_${name}`),
      ),
      ...list(
        'REMOVE',
        remove.map((name) => `#${name}`),
      ),
    ].join(' '),
    ...(condition !== '' && { ConditionExpression: condition }),
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: Object.fromEntries<unknown>([
      ...sets.map(([name, value]) => [`:${name}`, value] as const),
      ...adds.map(([name, value]) => [`:add_${name}`, value] as const),
      ...equal.map(([name, value]) => [`:seen_${name}`, value] as const),
      ...notIn.map((status, n) => [`:not_${n}`, status] as const),
    ]),
  });
}

/** Marks the incident as having messages that the workflow has not read. `since` stays that of the oldest one. */
export const pendingWrite = (table: Table, id: IncidentId, seq: number, at: Timestamp): Write =>
  table.update(keys.pending(id), {
    UpdateExpression: 'SET seq = :seq, since = if_not_exists(since, :at)',
    ExpressionAttributeValues: { ':seq': seq, ':at': at },
  });

export const timelineWrite = (table: Table, id: IncidentId, key: string, entry: TimelineEntry): Write =>
  table.put({ ...keys.timeline(id, entry.at, key), ...entry });

/** Stores the callback that wakes the waiter. Returns the incident. */
export function storeCallback(
  table: Table,
  id: IncidentId,
  waiter: string,
  callback: string,
): Promise<Item | undefined> {
  return table.updateExisting(keys.incident(id), {
    UpdateExpression: 'SET callbacks.#who = :callback',
    ExpressionAttributeNames: { '#who': waiter },
    ExpressionAttributeValues: { ':callback': callback },
  });
}

import type { IncidentPatch, InboxPost } from '../../domain/incidents/inbox-post.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import type { Table } from '../../stores/table.ts';
import {
  allOf,
  differs,
  equals,
  type Item,
  missing,
  present,
  put,
  update,
  type Write,
} from '../../../platforms/store.ts';

/**
 * Returns the writes that put one message into an open incident's inbox: the incident itself, the message's row, and
 * the mark by which the sweeper wakes the workflow if nothing else does.
 */
export const postWrites = ({ incident: id, seq, message, at, patch, entry }: InboxPost): Write[] => [
  patchWrite(id, patch),
  put({ ...keys.inbox(id, seq), seq, message, at, ...expiresAfter(at, RETENTION_DAYS.inbox) }),
  pendingWrite(id, seq, at),
  ...(entry === null ? [] : [timelineWrite(id, String(seq).padStart(10, '0'), entry)]),
];

/** Returns the conditional update of an incident's own item. `extra`: attributes that are no part of the record. */
export function patchWrite(
  id: IncidentId,
  { set = {}, remove = [], seen = {}, notIn = [], add = {} }: IncidentPatch,
  extra: Record<string, unknown> = {},
): Write {
  const conditions = [
    ...Object.entries(seen).map(([name, value]) => (value === undefined ? missing(name) : equals(name, value))),
    ...notIn.map((status) => differs('status', status)),
  ];
  return update(
    keys.incident(id),
    { set: { ...set, ...extra }, add, remove },
    conditions.length === 0 ? undefined : allOf(...conditions),
  );
}

/** Marks the incident as having messages that the workflow has not read. `since` stays that of the oldest one. */
export const pendingWrite = (id: IncidentId, seq: number, at: Timestamp): Write =>
  update(keys.pending(id), { set: { seq }, setIfMissing: { since: at } });

export const timelineWrite = (id: IncidentId, key: string, entry: TimelineEntry): Write =>
  put({ ...keys.timeline(id, entry.at, key), ...entry });

/** Stores the callback that wakes the waiter. Returns the incident. */
export function storeCallback(
  table: Table,
  id: IncidentId,
  waiter: string,
  callback: string,
): Promise<Item | undefined> {
  const set = [{ field: ['callbacks', waiter] as const, value: callback }];
  return table.update(keys.incident(id), { setIn: set }, { condition: present });
}

import { requestedAfter } from '../../../domain/rollback/rollback-request.ts';
import type { IncidentChange } from '../../../domain/ports/incidents.ts';
import type { IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../core/retention.ts';
import type { Table, Write } from '../core/table.ts';

/** Counts that are added to the incident with the message. */
export type Counted = { signals?: number; firing?: number; asksRollback?: boolean };

/**
 * Returns the writes that put one message into an open incident's inbox: its row, the incident's sequence, and the mark
 * by which the sweeper wakes the workflow if nothing else does. They are conditional on the sequence that the caller
 * has read. If they change the status, they are also conditional on the status, because an action can change it without
 * a message.
 */
export function mailWrites(
  table: Table,
  incident: IncidentRecord,
  message: Message,
  at: Timestamp,
  change: IncidentChange = {},
  counted: Counted = {},
): Write[] {
  const seq = incident.seq + 1;
  const sets: Record<string, unknown> = {
    seq,
    by_hand: change.byHand,
    severity: change.severity,
    title: change.title,
    status: change.status,
    verification: change.verification,
    verifying: change.verifying,
    cleared: change.cleared,
    automation_paused: change.automationPaused,
    published_by: change.publishedBy,
    asked: requestedAfter(incident.asked, message, at, change.rollbackAsked),
    escalated: change.escalated,
    paged_again_at: change.pagedAgainAt,
    asks_rollback: counted.asksRollback ? true : undefined,
    signal_count: counted.signals ? incident.signal_count + counted.signals : undefined,
    firing: counted.firing ? incident.firing + counted.firing : undefined,
  };
  const names = Object.keys(sets).filter((name) => sets[name] !== undefined);
  return [
    table.update(keys.incident(incident.id), {
      UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}${change.parent === null ? ' REMOVE parent_id' : ''}`,
      ConditionExpression: `#seq = :was AND #state ${change.status === undefined ? '<> :resolved' : '= :stood'}`,
      ExpressionAttributeNames: { ...Object.fromEntries(names.map((name) => [`#${name}`, name])), '#state': 'status' },
      ExpressionAttributeValues: {
        ...Object.fromEntries(names.map((name) => [`:${name}`, sets[name]])),
        ':was': incident.seq,
        ...(change.status === undefined ? { ':resolved': 'resolved' } : { ':stood': incident.status }),
      },
    }),
    table.put({ ...keys.inbox(incident.id, seq), seq, message, at, ...expiresAfter(at, RETENTION_DAYS.inbox) }),
    pendingWrite(table, incident.id, seq, at),
    ...(change.timeline
      ? [timelineWrite(table, incident.id, String(seq).padStart(10, '0'), { ...change.timeline, at })]
      : []),
  ];
}

/** Marks the incident as having messages that the workflow has not read. `since` stays that of the oldest one. */
export const pendingWrite = (table: Table, id: IncidentId, seq: number, at: Timestamp): Write =>
  table.update(keys.pending(id), {
    UpdateExpression: 'SET seq = :seq, since = if_not_exists(since, :at)',
    ExpressionAttributeValues: { ':seq': seq, ':at': at },
  });

export const timelineWrite = (table: Table, id: IncidentId, key: string, entry: TimelineEntry): Write =>
  table.put({ ...keys.timeline(id, entry.at, key), ...entry });

/** Stores the callback by which `who` is to be woken. */
export async function storeCallback(table: Table, id: IncidentId, who: string, bell: string): Promise<void> {
  await table.touch(keys.incident(id), {
    UpdateExpression: 'SET bells.#who = :bell',
    ExpressionAttributeNames: { '#who': who },
    ExpressionAttributeValues: { ':bell': bell },
  });
}

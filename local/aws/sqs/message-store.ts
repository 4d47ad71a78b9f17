import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { isFifo } from './attributes.ts';
import type { MessageAttributes } from './message-attributes.ts';
import type { Queue } from './queue-store.ts';

/** A message in a queue. Times are milliseconds since the Unix epoch. For the states, see the schema. */
export type Message = {
  seq: number;
  messageId: string;
  groupId: string | null;
  dedupId: string | null;
  body: string;
  attributes: MessageAttributes;
  traceHeader: string | null;
  deadLetterSource: string | null;
  sentAt: number;
  visibleAt: number;
  receives: number;
  earlierReceives: number;
  firstReceivedAt: number | null;
};

type NewMessage = Pick<
  Message,
  'messageId' | 'groupId' | 'dedupId' | 'body' | 'attributes' | 'traceHeader' | 'sentAt' | 'visibleAt'
>;

type Counts = { visible: number; inFlight: number; delayed: number };

export type MessageStore = ReturnType<typeof messageStore>;

/** Stores the messages of all queues. Call every method within a transaction. */
export function messageStore(db: DatabaseSync) {
  const insert = db.prepare(`
    INSERT INTO messages (queue_id, message_id, group_id, dedup_id, body, attributes, trace_header, sent_at, visible_at)
    VALUES (:queue, :messageId, :groupId, :dedupId, :body, :attributes, :traceHeader, :sentAt, :visibleAt)`);
  const bySeq = db.prepare('SELECT * FROM messages WHERE queue_id = ? AND seq = ?');
  const receive = db.prepare(`
    UPDATE messages SET receives = receives + 1, visible_at = :visibleAt,
      first_received_at = coalesce(first_received_at, :now)
    WHERE seq = :seq RETURNING *`);
  const setVisibleAt = db.prepare('UPDATE messages SET visible_at = ? WHERE seq = ?');
  const remove = db.prepare('DELETE FROM messages WHERE seq = ?');
  const purge = db.prepare('DELETE FROM messages WHERE queue_id = ?');
  const expire = db.prepare('DELETE FROM messages WHERE queue_id = ? AND sent_at <= ?');
  const move = db.prepare(`
    INSERT INTO messages (queue_id, message_id, group_id, dedup_id, body, attributes, trace_header, dead_letter_source,
      sent_at, visible_at, earlier_receives, first_received_at)
    SELECT :target, message_id, group_id, dedup_id, body, attributes, trace_header, :source,
      iif(:resetSentAt, :now, sent_at), :now, earlier_receives + receives, first_received_at
    FROM messages WHERE seq = :seq`);
  const counts = db.prepare(`
    SELECT count(*) FILTER (WHERE visible_at <= :now) AS visible,
      count(*) FILTER (WHERE visible_at > :now AND receives > 0) AS inFlight,
      count(*) FILTER (WHERE visible_at > :now AND receives = 0) AS delayed
    FROM messages WHERE queue_id = :queue`);
  const nextVisible = db.prepare('SELECT min(visible_at) AS at FROM messages WHERE queue_id = ? AND visible_at > ?');
  const receivable = { standard: standardReceivable(db), fifo: fifoReceivable(db) };

  return {
    /** @returns the sequence number */
    add(queue: Queue, { attributes, ...message }: NewMessage): number {
      const row = { ...message, queue: queue.id, attributes: JSON.stringify(attributes) };
      return Number(insert.run(row).lastInsertRowid);
    },
    find(queue: Queue, seq: number): Message | undefined {
      const row = bySeq.get(queue.id, seq);
      return row === undefined ? undefined : toMessage(row);
    },
    /** Returns at most `max` messages that can be received now, in order of delivery. */
    receivable(queue: Queue, max: number, now: number): Message[] {
      return (isFifo(queue.attributes) ? receivable.fifo : receivable.standard)(queue, max, now);
    },
    /** Counts one receive and hides the message until `visibleAt`. */
    receive({ seq }: Message, visibleAt: number, now: number): Message {
      const row = receive.get({ seq, visibleAt, now });
      if (row === undefined) throw new Error(`message ${seq} vanished within a transaction`);
      return toMessage(row);
    },
    hideUntil({ seq }: Message, visibleAt: number): void {
      setVisibleAt.run(visibleAt, seq);
    },
    remove({ seq }: Message): void {
      remove.run(seq);
    },
    /**
     * Moves a message to the dead-letter queue. It keeps its send time, except in a FIFO queue, where its retention
     * period restarts.
     */
    moveToDeadLetters({ seq }: Message, source: Queue, target: Queue, now: number): void {
      const resetSentAt = isFifo(target.attributes) ? 1 : 0;
      move.run({ seq, target: target.id, source: source.name, resetSentAt, now });
      remove.run(seq);
    },
    purge(queue: Queue): void {
      purge.run(queue.id);
    },
    /** Deletes messages that are older than the queue's retention period, including messages in flight. */
    expire(queue: Queue, now: number): void {
      expire.run(queue.id, now - Number(queue.attributes['MessageRetentionPeriod']) * 1000);
    },
    counts(queue: Queue, now: number): Counts {
      const row = counts.get({ queue: queue.id, now }) ?? {};
      return { visible: Number(row['visible']), inFlight: Number(row['inFlight']), delayed: Number(row['delayed']) };
    },
    /** Returns the time at which the next delayed or in-flight message becomes visible; `Infinity` if there is none. */
    nextVisibleAt(queue: Queue, now: number): number {
      const at = nextVisible.get(queue.id, now)?.['at'];
      return typeof at === 'number' ? at : Infinity;
    },
  };
}

function standardReceivable(db: DatabaseSync) {
  const visible = db.prepare(
    'SELECT * FROM messages WHERE queue_id = ? AND visible_at <= ? ORDER BY visible_at, seq LIMIT ?',
  );
  return (queue: Queue, max: number, now: number): Message[] => visible.all(queue.id, now, max).map(toMessage);
}

/** Maximum messages in one receive. Their group then returns nothing until they are deleted or visible again. */
const IN_FLIGHT_OF_GROUP_MAX = 10;

/**
 * Returns the receivable messages of a FIFO queue. A group with a message in flight returns nothing, not even an older
 * message that is visible again. Any other group returns its oldest messages up to the first delayed one. The group
 * that has waited longest comes first, and returns as many messages as possible before the next group.
 */
function fifoReceivable(db: DatabaseSync) {
  // The recursion jumps from group to group in the index, so that a long backlog of few groups stays cheap.
  const groups = db.prepare(`
    WITH RECURSIVE found (group_id) AS (
      SELECT min(group_id) FROM messages WHERE queue_id = :queue
      UNION ALL
      SELECT (SELECT min(group_id) FROM messages WHERE queue_id = :queue AND group_id > found.group_id)
      FROM found WHERE found.group_id IS NOT NULL
    )
    SELECT head.group_id FROM found JOIN messages AS head
      ON head.seq = (SELECT min(seq) FROM messages WHERE queue_id = :queue AND group_id = found.group_id)
    WHERE head.visible_at <= :now AND NOT EXISTS (
      SELECT 1 FROM (
        SELECT visible_at, receives FROM messages WHERE queue_id = :queue AND group_id = found.group_id
        ORDER BY seq LIMIT ${IN_FLIGHT_OF_GROUP_MAX}
      ) WHERE visible_at > :now AND receives > 0
    )
    ORDER BY head.visible_at, head.seq LIMIT :max`);
  const oldest = db.prepare('SELECT * FROM messages WHERE queue_id = ? AND group_id = ? ORDER BY seq LIMIT ?');

  return (queue: Queue, max: number, now: number): Message[] => {
    const found: Message[] = [];
    for (const { group_id: group } of groups.all({ queue: queue.id, now, max })) {
      for (const row of oldest.all(queue.id, String(group), max - found.length)) {
        const message = toMessage(row);
        if (message.visibleAt > now) break;
        found.push(message);
      }
      if (found.length === max) break;
    }
    return found;
  };
}

function toMessage(row: Record<string, SQLOutputValue>): Message {
  const text = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  return {
    seq: Number(row['seq']),
    messageId: String(row['message_id']),
    groupId: text('group_id'),
    dedupId: text('dedup_id'),
    body: String(row['body']),
    attributes: JSON.parse(String(row['attributes'])) as MessageAttributes,
    traceHeader: text('trace_header'),
    deadLetterSource: text('dead_letter_source'),
    sentAt: Number(row['sent_at']),
    visibleAt: Number(row['visible_at']),
    receives: Number(row['receives']),
    earlierReceives: Number(row['earlier_receives']),
    firstReceivedAt: row['first_received_at'] === null ? null : Number(row['first_received_at']),
  };
}

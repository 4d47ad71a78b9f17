import { LIMITS } from '../limits.ts';
import { noteTime } from './passed-time.ts';
import type { Sql } from './sql.ts';

/**
 * Times are milliseconds since the Unix epoch. A number is never used again, because the numbers after the last one that
 * was read are the new messages.
 */
export const QUEUE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    message_group TEXT,
    sent_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    dead_at INTEGER,
    body TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS messages_dead ON messages (queue, dead_at) WHERE dead_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS message_ids (
    queue TEXT NOT NULL,
    message_group TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue, message_group, id)
  );
  CREATE INDEX IF NOT EXISTS message_ids_by_expiry ON message_ids (expires_at);
`;

/** How many IDs one transaction deletes when they expire, so that others do not wait long. */
const EXPIRED_AT_ONCE = 200;

/** A message to store. `id` and `group`: both or neither. `dueAt` 0: at once, also if the clock is set back. */
type Sent = { body: string; group: string | undefined; id: string | undefined; dueAt: number };

/** The results of a batch, by the numbers of its messages. */
type Settled = { processed: number[]; failed: { number: number; dueAt: number }[]; dead: number[]; now: number };

export const QUEUE_TRANSACTIONS = {
  'queues.send': (sql: Sql, { queue, messages, now }: { queue: string; messages: Sent[]; now: number }): void => {
    noteTime(sql, now);
    sql.run(
      'DELETE FROM message_ids WHERE rowid IN (SELECT rowid FROM message_ids WHERE expires_at <= ? LIMIT ?)',
      now,
      EXPIRED_AT_ONCE,
    );
    for (const { body, group = null, id = null, dueAt } of messages) {
      if (group !== null && id !== null && isKnown(sql, queue, group, id, now)) continue;
      sql.run(
        'INSERT INTO messages (queue, message_group, sent_at, due_at, body) VALUES (?, ?, ?, ?, ?)',
        queue,
        group,
        now,
        dueAt,
        body,
      );
    }
  },
  /** Counts a delivery of each message. */
  'queues.count': (sql: Sql, { numbers }: { numbers: number[] }): void => {
    for (const number of numbers) sql.run('UPDATE messages SET deliveries = deliveries + 1 WHERE number = ?', number);
  },
  'queues.settle': (sql: Sql, { processed, failed, dead, now }: Settled): void => {
    noteTime(sql, now);
    for (const number of processed) sql.run('DELETE FROM messages WHERE number = ?', number);
    for (const { number, dueAt } of failed) sql.run('UPDATE messages SET due_at = ? WHERE number = ?', dueAt, number);
    for (const number of dead) sql.run('UPDATE messages SET dead_at = ? WHERE number = ?', now, number);
  },
  /**
   * Sends dead messages again, as new ones: the thread that consumes them looks for new numbers only. Returns how many.
   */
  'queues.redrive': (sql: Sql, { queue, now }: { queue: string; now: number }): number => {
    sql.run(
      `INSERT INTO messages (queue, message_group, sent_at, due_at, body)
       SELECT queue, message_group, ?, 0, body FROM messages WHERE queue = ? AND dead_at IS NOT NULL ORDER BY number`,
      now,
      queue,
    );
    return sql.run('DELETE FROM messages WHERE queue = ? AND dead_at IS NOT NULL', queue);
  },
  /** Deletes messages that are dead since before a time. Returns their number. */
  'queues.expire': (sql: Sql, { before }: { before: number }): number =>
    sql.run('DELETE FROM messages WHERE dead_at < ?', before),
};

/** Remembers the ID. Returns whether it was known. */
const isKnown = (sql: Sql, queue: string, group: string, id: string, now: number): boolean =>
  sql.run(
    `INSERT INTO message_ids (queue, message_group, id, expires_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at <= ?`,
    queue,
    group,
    id,
    now + LIMITS.deduplicationMs,
    now,
  ) === 0;

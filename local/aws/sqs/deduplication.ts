import type { DatabaseSync } from 'node:sqlite';
import type { Queue } from './queue-store.ts';

/** The period in which a FIFO queue remembers a deduplication ID, from the first send: five minutes. */
const DEDUPLICATION_MS = 300_000;

export type Sent = { messageId: string; seq: number };
export type Deduplication = ReturnType<typeof deduplication>;

/** Remembers messages that were sent to FIFO queues. Call every method within a transaction. */
export function deduplication(db: DatabaseSync) {
  const expire = db.prepare('DELETE FROM deduplications WHERE expires_at <= ?');
  const find = db.prepare(
    'SELECT message_id, seq FROM deduplications WHERE queue_id = ? AND scope = ? AND dedup_id = ?',
  );
  const insert = db.prepare(`
    INSERT INTO deduplications (queue_id, scope, dedup_id, message_id, seq, expires_at) VALUES (?, ?, ?, ?, ?, ?)`);
  const forget = db.prepare('DELETE FROM deduplications WHERE queue_id = ?');

  return {
    /** Returns the message that was sent with this ID within the last five minutes, even if it has been deleted. */
    find(queue: Queue, groupId: string, dedupId: string, now: number): Sent | undefined {
      expire.run(now);
      const row = find.get(queue.id, scopeOf(queue, groupId), dedupId);
      return row === undefined ? undefined : { messageId: String(row['message_id']), seq: Number(row['seq']) };
    },
    remember(queue: Queue, groupId: string, dedupId: string, sent: Sent, now: number): void {
      insert.run(queue.id, scopeOf(queue, groupId), dedupId, sent.messageId, sent.seq, now + DEDUPLICATION_MS);
    },
    forget(queue: Queue): void {
      forget.run(queue.id);
    },
  };
}

const scopeOf = (queue: Queue, groupId: string): string =>
  queue.attributes['DeduplicationScope'] === 'messageGroup' ? groupId : '';

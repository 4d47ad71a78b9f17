import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Attributes } from './attributes.ts';

/** A queue. Times are milliseconds since the Unix epoch. */
export type Queue = { id: number; name: string; attributes: Attributes; createdAt: number; modifiedAt: number };

export type QueueStore = ReturnType<typeof queueStore>;

/** Stores the queues. Call every method within a transaction. */
export function queueStore(db: DatabaseSync) {
  const byName = db.prepare('SELECT * FROM queues WHERE name = ?');
  const list = db.prepare(
    'SELECT * FROM queues WHERE substr(name, 1, length(:prefix)) = :prefix AND name > :after ORDER BY name LIMIT :max',
  );
  const insert = db.prepare('INSERT INTO queues (name, attributes, created_at, modified_at) VALUES (?, ?, ?, ?)');
  const update = db.prepare('UPDATE queues SET attributes = ?, modified_at = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM queues WHERE id = ?');

  return {
    find(name: string): Queue | undefined {
      const row = byName.get(name);
      return row === undefined ? undefined : toQueue(row);
    },
    /** Returns queues with this prefix whose name sorts after `after`, by name. */
    list(prefix: string, after: string, max: number): Queue[] {
      return list.all({ prefix, after, max }).map(toQueue);
    },
    create(name: string, attributes: Attributes, now: number): void {
      insert.run(name, JSON.stringify(attributes), now, now);
    },
    setAttributes(queue: Queue, attributes: Attributes, now: number): void {
      update.run(JSON.stringify(attributes), now, queue.id);
    },
    /** Deletes the queue with its messages and deduplication IDs. */
    remove(queue: Queue): void {
      remove.run(queue.id);
    },
  };
}

function toQueue(row: Record<string, SQLOutputValue>): Queue {
  return {
    id: Number(row['id']),
    name: String(row['name']),
    attributes: JSON.parse(String(row['attributes'])) as Attributes,
    createdAt: Number(row['created_at']),
    modifiedAt: Number(row['modified_at']),
  };
}

import { DatabaseSync } from 'node:sqlite';
import { QUEUES_FORMAT, unreadable } from '../../state/formats.ts';

/**
 * The schema. All times are milliseconds since the Unix epoch.
 *
 * A message is *visible* when `visible_at` has passed. Otherwise, it is *delayed* if it has not been received
 * (`receives` is 0), and *in flight* if it has. `seq` increases with every send and is never reused: it is the order
 * within a FIFO group and the `SequenceNumber` for callers.
 */
const SCHEMA = `
  CREATE TABLE queues (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    attributes  TEXT NOT NULL, -- JSON object, as GetQueueAttributes answers them
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE messages (
    seq                INTEGER PRIMARY KEY AUTOINCREMENT,
    queue_id           INTEGER NOT NULL REFERENCES queues (id) ON DELETE CASCADE,
    message_id         TEXT NOT NULL,
    group_id           TEXT,
    dedup_id           TEXT,
    body               TEXT NOT NULL,
    attributes         TEXT NOT NULL, -- JSON object: the sender's message attributes as sent
    trace_header       TEXT,
    dead_letter_source TEXT,          -- the queue it was moved from, by name
    sent_at            INTEGER NOT NULL,
    visible_at         INTEGER NOT NULL,
    receives           INTEGER NOT NULL DEFAULT 0, -- in this queue
    earlier_receives   INTEGER NOT NULL DEFAULT 0, -- in the queues it was moved from
    first_received_at  INTEGER
  ) STRICT;
  CREATE INDEX messages_by_visibility ON messages (queue_id, visible_at, seq);
  CREATE INDEX messages_by_group ON messages (queue_id, group_id, seq);
  CREATE INDEX messages_by_age ON messages (queue_id, sent_at);

  CREATE TABLE deduplications (
    queue_id   INTEGER NOT NULL REFERENCES queues (id) ON DELETE CASCADE,
    scope      TEXT NOT NULL, -- the group when the queue's DeduplicationScope is messageGroup, else empty
    dedup_id   TEXT NOT NULL,
    message_id TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue_id, scope, dedup_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deduplications_by_expiry ON deduplications (expires_at);

  PRAGMA user_version = ${QUEUES_FORMAT};
`;

/**
 * Opens the database, creates the tables if it is new, and makes messages in flight visible again: their receivers died
 * with the last process, and until their timeouts they would block their FIFO groups. Keeps the receive counts.
 *
 * A commit is on disk when it returns (WAL, `synchronous=FULL`).
 *
 * @throws Error if another version wrote the file
 */
export function openDatabase(file: string, now: number): DatabaseSync {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: true });
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const version = db.prepare('PRAGMA user_version').get()?.['user_version'];
  if (version === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT;`);
  else if (version !== QUEUES_FORMAT) {
    db.close();
    throw unreadable(file, Number(version), QUEUES_FORMAT);
  }
  db.prepare('UPDATE messages SET visible_at = :now WHERE receives > 0 AND visible_at > :now').run({ now });
  return db;
}

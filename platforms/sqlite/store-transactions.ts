import { LIMITS } from '../limits.ts';
import { applied, holds } from '../model.ts';
import type { Item, Key, Update, UpdateOptions, Write, Written } from '../store.ts';
import type { Sql } from './sql.ts';

/** The columns before `item` are fields of the item, too; there, they are for the indexes. */
export const STORE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS items (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    list TEXT,
    list_key TEXT,
    expires_at INTEGER,
    item TEXT NOT NULL,
    PRIMARY KEY (pk, sk)
  );
  CREATE INDEX IF NOT EXISTS items_by_list ON items (list, list_key) WHERE list IS NOT NULL;
  CREATE INDEX IF NOT EXISTS items_by_expiry ON items (expires_at) WHERE expires_at IS NOT NULL;
`;

export const STORE_TRANSACTIONS = {
  'store.write': (sql: Sql, { writes }: { writes: readonly Write[] }): Written => {
    refuseTooMany(writes);
    const before = writes.map((write) =>
      write.condition !== undefined || write.kind === 'update' ? readItem(sql, keyOf(write)) : undefined,
    );
    const failed = writes.flatMap(({ condition }, n) => (condition && !holds(condition, before[n]) ? [n] : []));
    if (failed.length > 0) return { ok: false, failed };
    for (const [n, write] of writes.entries()) apply(sql, write, before[n]);
    return { ok: true };
  },
  'store.update': (
    sql: Sql,
    { key, update, condition, returns }: { key: Key; update: Update } & UpdateOptions,
  ): Item | undefined => {
    const before = readItem(sql, key);
    if (condition && !holds(condition, before)) return undefined;
    const text = putItem(sql, applied(update, before ?? { ...key }));
    return returns === 'before' ? before : (JSON.parse(text) as Item);
  },
  /** Deletes items whose `expires_at`, in seconds since the Unix epoch, is before `now`. Returns their number. */
  'store.expire': (sql: Sql, { now, limit }: { now: number; limit: number }): number =>
    sql.run(
      'DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expires_at < ? ORDER BY expires_at LIMIT ?)',
      now,
      limit,
    ),
};

export function readItem(sql: Sql, { pk, sk }: Key): Item | undefined {
  const row = sql.get('SELECT item FROM items WHERE pk = ? AND sk = ?', pk, sk);
  return row && (JSON.parse(String(row['item'])) as Item);
}

function apply(sql: Sql, write: Write, before: Item | undefined): void {
  switch (write.kind) {
    case 'put':
      putItem(sql, write.item);
      return;
    case 'update':
      putItem(sql, applied(write.update, before ?? { ...write.key }));
      return;
    case 'remove':
      sql.run('DELETE FROM items WHERE pk = ? AND sk = ?', write.key.pk, write.key.sk);
      return;
    case 'check':
      return;
  }
}

/** Returns what is stored. */
function putItem(sql: Sql, item: Item): string {
  const text = textOf(item);
  const { pk, sk, list = null, list_key: listKey = null, expires_at: expiresAt = null } = item as Indexed;
  sql.run(
    'INSERT OR REPLACE INTO items (pk, sk, list, list_key, expires_at, item) VALUES (?, ?, ?, ?, ?, ?)',
    pk,
    sk,
    list,
    listKey,
    expiresAt,
    text,
  );
  return text;
}

type Indexed = Key & { list?: string; list_key?: string; expires_at?: number };

const keyOf = (write: Write): Key => (write.kind === 'put' ? (write.item as Key) : write.key);

/** @throws RangeError as DynamoDB refuses the transaction */
function refuseTooMany(writes: readonly Write[]): void {
  if (writes.length === 0 || writes.length > LIMITS.writes)
    throw new RangeError(`a transaction has 1 to ${LIMITS.writes} writes, not ${writes.length}`);
  const keys = new Set(writes.map((write) => `${keyOf(write).pk} ${keyOf(write).sk}`));
  if (keys.size < writes.length) throw new RangeError('a transaction has two writes of one item');
}

/** @throws RangeError as DynamoDB refuses the item */
function textOf(item: Item): string {
  const { pk, sk } = item;
  if (typeof pk !== 'string' || pk === '' || Buffer.byteLength(pk) > LIMITS.pkBytes)
    throw new RangeError(`a partition key is a text of 1 to ${LIMITS.pkBytes} bytes`);
  if (typeof sk !== 'string' || sk === '' || Buffer.byteLength(sk) > LIMITS.skBytes)
    throw new RangeError(`a sort key is a text of 1 to ${LIMITS.skBytes} bytes`);
  const text = JSON.stringify(item, refuseOthers);
  if (Buffer.byteLength(text) > LIMITS.itemBytes)
    throw new RangeError(`item ${pk} ${sk} is larger than ${LIMITS.itemBytes} bytes`);
  return text;
}

/** JSON would silently change these values. */
function refuseOthers(this: unknown, name: string, value: unknown): unknown {
  if (value === undefined && Array.isArray(this)) throw new RangeError('a list contains undefined');
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${name} is no finite number`);
  const raw = (this as Record<string, unknown>)[name];
  if (raw instanceof Set || raw instanceof Map || ArrayBuffer.isView(raw))
    throw new RangeError(`${name} is no JSON value`);
  return value;
}

import { setImmediate } from 'node:timers/promises';
import { LIMITS } from '../limits.ts';
import type { Item, Key, Range, Rows, Store, Update, UpdateOptions, Write, Written } from '../store.ts';
import type { Database } from './database.ts';
import { readItem } from './store-transactions.ts';

/** Sorts after every text that begins with a prefix. */
const LAST = '\u{10ffff}';

/** Reads the items of keys in a JSON array, in its order. One statement takes half the time of one for each key. */
const READ_MANY = `
  SELECT items.item FROM json_each(?) AS wanted
  LEFT JOIN items ON items.pk = wanted.value ->> 0 AND items.sk = wanted.value ->> 1
  ORDER BY wanted.key`;

/** Number of keys from which they are read in one statement. */
const JOINED_FROM = 3;

/** How many items one transaction deletes when they expire, so that others do not wait long. */
const EXPIRED_AT_ONCE = 500;

/** Stores items in a table of an SQLite file. Reads are synchronous; their promise only carries the result. */
export class SqliteStore implements Store {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Deletes items whose `expires_at` is in the past.
   *
   * @param now seconds since the Unix epoch
   * @returns the number of deleted items
   */
  async deleteExpired(now: number): Promise<number> {
    let all = 0;
    for (;;) {
      const deleted = await this.#database.write('store.expire', { now, limit: EXPIRED_AT_ONCE });
      all += deleted;
      if (deleted < EXPIRED_AT_ONCE) return all;
    }
  }

  async get(key: Key): Promise<Item | undefined> {
    return readItem(this.#database.sql, key);
  }

  async getMany(keys: readonly Key[]): Promise<(Item | undefined)[]> {
    const { sql } = this.#database;
    if (keys.length < JOINED_FROM) return keys.map((key) => readItem(sql, key));
    const wanted = JSON.stringify(keys.map(({ pk, sk }) => [pk, sk]));
    return sql
      .all(READ_MANY, wanted)
      .map(({ item }) => (item === null ? undefined : (JSON.parse(String(item)) as Item)));
  }

  async range(pk: string, range: Range = {}): Promise<Rows> {
    return this.#rows({ partition: 'pk', value: pk, sort: 'sk' }, range);
  }

  async list(list: string, range: Range = {}): Promise<Rows> {
    return this.#rows({ partition: 'list', value: list, sort: 'list_key' }, range);
  }

  write(writes: readonly Write[]): Promise<Written> {
    return this.#database.write('store.write', { writes });
  }

  update(key: Key, update: Update, options: UpdateOptions = {}): Promise<Item | undefined> {
    return this.#database.write('store.update', { key, update, ...options });
  }

  async #rows(
    { partition, value, sort }: { partition: string; value: string; sort: string },
    range: Range,
  ): Promise<Rows> {
    const { prefix = '', from, until, after, before, goesOn = false, newestFirst = false, limit = Infinity } = range;
    // A read by itself lets nothing else run.
    if (goesOn) await setImmediate();
    const limits: [string, string][] = [];
    if (prefix !== '') limits.push([`${sort} >=`, prefix], [`${sort} <`, `${prefix}${LAST}`]);
    if (from !== undefined) limits.push([`${sort} >=`, from]);
    if (until !== undefined) limits.push([`${sort} <=`, until]);
    if (after !== undefined) limits.push([`${sort} >`, after]);
    if (before !== undefined) limits.push([`${sort} <`, before]);
    const condition = [`${partition} = ?`, ...limits.map(([comparison]) => `${comparison} ?`)].join(' AND ');
    const order = newestFirst ? 'DESC' : 'ASC';
    const query = `SELECT item FROM items WHERE ${condition} ORDER BY ${sort} ${order}`;
    const items: Item[] = [];
    let bytes = 0;
    for (const { item } of this.#database.sql.iterate(query, value, ...limits.map(([, limited]) => limited))) {
      if (items.length >= limit || bytes >= LIMITS.rangeBytes) return { items, more: true };
      const text = String(item);
      bytes += text.length;
      items.push(JSON.parse(text) as Item);
    }
    return { items, more: false };
  }
}

import type { Page } from '../domain/ports/common.ts';
import type { Key, ShardedList } from './keys.ts';
import { cursorAt, positionIn } from './cursors.ts';
import type { Table } from './table.ts';
import type { Item } from '../../platforms/store.ts';

type Query = { limit: number; cursor?: string | undefined };
type Keep = (item: Item) => boolean;

/** Items per round of queries: first about the page, then more if that was not enough. */
const FIRST_MIN = 10;
const READ_MAX = 500;

type Shard = {
  name: string;
  /** Newest first: read but not yet returned. */
  items: Item[];
  /** Where the next query starts; undefined: at the newest item. */
  before: string | undefined;
  /** The last query has read the oldest item. */
  isRead: boolean;
};

/**
 * Returns one page, newest first, of a sharded list. The cursor is a position in the order of the whole list, so it
 * stays valid when items are added or removed.
 *
 * @param keep filters items before they are counted
 * @param limits.read items that are looked through; then the page ends, and its cursor is where to go on
 * @param limits.from the list key at which the list ends
 * @throws BadCursor if the cursor belongs to another list
 */
export async function shardedPage(
  table: Table,
  list: ShardedList,
  { limit, cursor }: Query,
  keep: Keep = () => true,
  { read = Infinity, from = '' }: { read?: number; from?: string } = {},
): Promise<Page<Item>> {
  const before = positionIn(cursor, list.name);
  const shards = list.shards.map((name): Shard => ({ name, items: [], before, isRead: false }));
  const items: Item[] = [];
  let unread = read;
  const first = Math.max(FIRST_MIN, Math.ceil((2 * limit) / shards.length));
  for (let round = 0; ;) {
    const empty = shards.filter(({ items: left, isRead }) => left.length === 0 && !isRead);
    if (empty.length > 0) {
      const count = Math.min(first * 2 ** round, Math.ceil(READ_MAX / shards.length));
      await Promise.all(empty.map((shard) => fill(table, shard, count)));
      round += 1;
    }
    const item = takeNewest(shards);
    if (item === undefined || keyOf(item) < from) return { items, next_cursor: null };
    unread -= 1;
    if (keep(item)) items.push(item);
    if (items.length === limit || unread <= 0) return { items, next_cursor: cursorAt(keyOf(item), list.name) };
  }
}

async function fill(table: Table, shard: Shard, count: number): Promise<void> {
  const { name, before } = shard;
  const { items, more } = await table.newest({ list: name }, { before, goesOn: before !== undefined, limit: count });
  shard.items = items;
  shard.isRead = !more;
  if (items.length > 0) shard.before = keyOf(items.at(-1));
}

function takeNewest(shards: readonly Shard[]): Item | undefined {
  let newest: Shard | undefined;
  for (const shard of shards)
    if (shard.items.length > 0 && (newest === undefined || headOf(shard) > headOf(newest))) newest = shard;
  return newest?.items.shift();
}

const keyOf = (item: Item | undefined): string => String(item?.['list_key']);

const headOf = ({ items }: Shard): string => keyOf(items[0]);

/**
 * Returns one page, newest first, of the items of a list to which the rows of a partition point. Their sort keys are
 * those of the list, so cursors are compatible. Strongly consistent.
 */
export async function pointedPage(
  table: Table,
  { list, pk, to }: { list: ShardedList; pk: string; to: (row: Item) => Key },
  { limit, cursor }: Query,
  keep: Keep = () => true,
): Promise<Page<Item>> {
  let before = positionIn(cursor, list.name);
  const items: Item[] = [];
  for (let count = Math.max(FIRST_MIN, limit); ; count = Math.min(2 * count, READ_MAX)) {
    const range = { before, goesOn: before !== undefined, limit: count };
    const { items: rows, more } = await table.newest({ pk }, range);
    for (const [n, item] of (await table.getAll(rows.map(to))).entries()) {
      if (item === undefined || !keep(item)) continue;
      items.push(item);
      if (items.length === limit) return { items, next_cursor: cursorAt(String(rows[n]?.['sk']), list.name) };
    }
    if (!more) return { items, next_cursor: null };
    before = String(rows.at(-1)?.['sk']);
  }
}

/** Returns a filter of items with these values. Undefined: any. */
export const hasFields =
  (fields: Readonly<Record<string, string | undefined>>): Keep =>
  (item) =>
    Object.entries(fields).every(([name, value]) => value === undefined || item[name] === value);

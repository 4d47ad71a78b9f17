import * as z from 'zod';
import type { Page } from '../../../domain/ports/common.ts';
import type { Key, ShardedList } from './keys.ts';
import { BadCursor, type Item, listed, type Table } from './table.ts';

type Query = { limit: number; cursor?: string | undefined };
type Keep = (item: Item) => boolean;

/** Items per query of one shard: first about its share of the page, then more if that was not enough. */
const FIRST_MIN = 10;
const READ_MAX = 500;

type Shard = {
  name: string;
  /** Newest first: read but not yet returned. */
  items: Item[];
  /** Start of the next query; null before the first one, undefined after the last one. */
  last: Item | null | undefined;
};

/**
 * Returns one page, newest first, of a sharded list. The cursor is a position in the order of the whole list, so it
 * stays valid when items are added or removed.
 *
 * @param keep filters items before they are counted
 * @throws BadCursor if the cursor belongs to another list
 */
export async function shardedPage(
  table: Table,
  list: ShardedList,
  { limit, cursor }: Query,
  keep: Keep = () => true,
): Promise<Page<Item>> {
  const before = keyIn(cursor, list);
  const shards = list.shards.map((name): Shard => ({ name, items: [], last: null }));
  const items: Item[] = [];
  for (let count = Math.max(FIRST_MIN, Math.ceil((2 * limit) / shards.length)); ;) {
    const empty = shards.filter(({ items: left, last }) => left.length === 0 && last !== undefined);
    if (empty.length > 0) {
      await Promise.all(empty.map((shard) => fill(table, shard, before, count)));
      count = Math.min(2 * count, READ_MAX);
    }
    const item = takeNewest(shards);
    if (item === undefined) return { items, next_cursor: null };
    if (!keep(item)) continue;
    items.push(item);
    if (items.length === limit) return { items, next_cursor: cursorAfter(keyOf(item), list) };
  }
}

async function fill(table: Table, shard: Shard, before: string | undefined, count: number): Promise<void> {
  const { KeyConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues, ...rest } = listed(shard.name);
  const { items, last } = await table.query({
    ...rest,
    KeyConditionExpression: `${KeyConditionExpression}${before === undefined ? '' : ' AND list_key < :before'}`,
    ExpressionAttributeNames,
    ExpressionAttributeValues: { ...ExpressionAttributeValues, ...(before !== undefined && { ':before': before }) },
    Limit: Math.min(count, READ_MAX),
    ...(shard.last && { ExclusiveStartKey: shard.last }),
  });
  shard.items = items;
  shard.last = last;
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
  let before = keyIn(cursor, list);
  const items: Item[] = [];
  for (let count = Math.max(FIRST_MIN, limit); ; count = Math.min(2 * count, READ_MAX)) {
    const { items: rows, last } = await table.query({
      ConsistentRead: true,
      KeyConditionExpression: `pk = :pk${before === undefined ? '' : ' AND sk < :before'}`,
      ExpressionAttributeValues: { ':pk': pk, ...(before !== undefined && { ':before': before }) },
      Limit: count,
    });
    for (const [n, item] of (await table.getAll(rows.map(to))).entries()) {
      if (item === undefined || !keep(item)) continue;
      items.push(item);
      if (items.length === limit) return { items, next_cursor: cursorAfter(String(rows[n]?.['sk']), list) };
    }
    if (last === undefined) return { items, next_cursor: null };
    before = String(rows.at(-1)?.['sk']);
  }
}

/** Returns one page, newest first by the list's key, of items that were all read. */
export function pageOfRead(
  all: readonly Item[],
  keyOfItem: (item: Item) => string,
  list: ShardedList,
  { limit, cursor }: Query,
): Page<Item> {
  const before = keyIn(cursor, list);
  const rest = before === undefined ? all : all.filter((item) => keyOfItem(item) < before);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next_cursor: last && rest.length > limit ? cursorAfter(keyOfItem(last), list) : null };
}

const Cursor = z.strictObject({ list: z.string(), list_key: z.string() });

const cursorAfter = (list_key: string, { name }: ShardedList): string =>
  Buffer.from(JSON.stringify({ list: name, list_key })).toString('base64url');

/** @throws BadCursor if the cursor belongs to another list */
function keyIn(cursor: string | undefined, { name }: ShardedList): string | undefined {
  if (cursor === undefined) return undefined;
  try {
    const { list, list_key } = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
    if (list === name) return list_key;
  } catch {
    // Thrown below.
  }
  throw new BadCursor();
}

import * as z from 'zod';
import type { AuditLog } from '../../domain/ports/audit.ts';
import { linksIn, Sealed } from './audit-chain.ts';
import { entriesOf, entryIn, unreadable } from './audit-entries.ts';
import { keys } from '../../stores/keys.ts';
import { BadCursor } from '../../stores/cursors.ts';
import type { Table } from '../../stores/table.ts';
import type { Item } from '../../../platforms/store.ts';

type Listed = Awaited<ReturnType<AuditLog['list']>>['items'][number];

const Minute = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);

/**
 * Position at which a page ends: an entry, and the minute in which it was recorded. `late`: later minutes with entries that
 * come after it, because they were recorded late. `top`: instead, the latest of many.
 */
const Position = z.object({
  minute: Minute,
  sk: z.string().regex(/^\d{4}-\d\d-\d\dT/),
  late: z.array(Minute).default([]),
  top: Minute.optional(),
});
type Position = { minute: string; sk: string };

/** A cursor has at most 2048 characters. */
const LATE_MAX = 40;

/** An entry with the number of its seal. */
type Found = { position: Position; text: string; seal: number | undefined };

/** Number of minutes per query. */
const MINUTES_READ = 50;

/**
 * Returns a page of the log, newest first. Strongly consistent. Entries are stored by the minute in which they were recorded,
 * and can be older: what a minute has from before it is held back until the minutes between have been read.
 */
export async function listEntries(
  table: Table,
  { limit, cursor }: { limit: number; cursor?: string },
): ReturnType<AuditLog['list']> {
  const from = cursor === undefined ? undefined : positionIn(cursor);
  const end = from && orderOf(from);
  const found: Found[] = [];
  const read: { minute: string; isCut: boolean }[] = [];
  const countFrom = (minute: string): number => found.filter(({ position }) => orderOf(position) >= minute).length;
  for await (const minute of minutesFrom(table, from?.late ?? [], from?.top ?? (end && minuteIn(end)))) {
    const wanted = limit - countFrom(afterMinute(minute));
    if (wanted <= 0) break;
    const before = minute === from?.minute ? from.sk : end;
    const entries = await newestOf(table, minute, before, wanted);
    found.push(...entries);
    read.push({ minute, isCut: entries.length === wanted });
  }
  const sorted = found.toSorted((a, b) => (orderOf(a.position) < orderOf(b.position) ? 1 : -1));
  const items = sorted.slice(0, limit);
  const hashes = await hashesOf(table, items);
  const last = items.length === limit ? items.at(-1) : undefined;
  const heldBack = new Set(sorted.slice(limit).map(({ position }) => position.minute));
  const unfinished = read.filter(({ minute, isCut }) => isCut || heldBack.has(minute)).map(({ minute }) => minute);
  return {
    items: items.map(({ position, text, seal }) => entryView(position, text, seal, hashes)),
    next_cursor: last === undefined ? null : cursorOf(last.position, unfinished),
  };
}

/** Returns where an entry is in the list. An entry that is later than its minute, by another clock, is at the end of it. */
const orderOf = ({ minute, sk }: Position): string => (sk < afterMinute(minute) ? sk : `${minute}~${sk}`);

/** Follows all positions of a minute, and precedes those of the next one. */
const afterMinute = (minute: string): string => `${minute}~~`;

const minuteIn = (order: string): string => order.slice(0, 'YYYY-MM-DDThh:mm'.length);

/** Returns these later minutes, and then those that have entries, or may have them, from one on, newest first. */
async function* minutesFrom(table: Table, late: readonly string[], from: string | undefined): AsyncGenerator<string> {
  yield* late;
  yield* minutesOf(table, from);
}

/** Maximum size of the entries of one part of the stream. */
const STREAMED_MAX_BYTES = 1024 * 1024;

/**
 * Returns sealed entries, oldest first, after a position; null: from the beginning. `position`: of the last one; null: there
 * are none. Entries of a minute that is not sealed yet come later. Strongly consistent.
 */
export async function sealedEntries(
  table: Table,
  after: string | null,
  { limit, until }: { limit: number; until: string | null },
): ReturnType<AuditLog['sealedAfter']> {
  const from = after === null ? undefined : positionIn(after);
  const end = until === null ? undefined : positionIn(until);
  const found: Found[] = [];
  let bytes = 0;
  const isFull = (): boolean => found.length === limit || bytes >= STREAMED_MAX_BYTES;
  for await (const item of table.each(keys.logSealeds().pk, { from: from?.minute, until: end?.minute }, MINUTES_READ)) {
    const minute = String(item['sk']);
    const { parts } = Sealed.parse(item);
    for await (const { sk, text } of entriesOf(table, minute, minute === from?.minute ? from.sk : null)) {
      const seal = parts.find(({ to }) => sk <= to)?.number;
      if (seal === undefined || isFull() || (minute === end?.minute && sk > end.sk)) break;
      found.push({ position: { minute, sk }, text, seal });
      bytes += Buffer.byteLength(text);
    }
    if (isFull()) break;
  }
  const hashes = await hashesOf(table, found);
  const last = found.at(-1);
  return {
    items: found.map(({ position, text, seal }) => entryView(position, text, seal, hashes)),
    position: last === undefined ? null : cursorOf(last.position),
  };
}

/** @param unfinished minutes of which entries are left, newest first */
const cursorOf = (position: Position, unfinished: readonly string[] = []): string => {
  const late = unfinished.filter((minute) => minute > minuteIn(orderOf(position)));
  const rest = late.length === 0 ? {} : late.length <= LATE_MAX ? { late } : { top: late[0] };
  return Buffer.from(JSON.stringify({ ...position, ...rest })).toString('base64url');
};

/** Returns the minutes that have entries, or may have them, newest first. @param from the newest minute to return */
async function* minutesOf(table: Table, from = '~'): AsyncGenerator<string> {
  let until = from;
  for (let isExclusive = false; ; isExclusive = true) {
    const pages = await Promise.all(
      [keys.logOpens().pk, keys.logSealeds().pk].map((pk) => newestBelow(table, pk, until, isExclusive)),
    );
    // The merged list is complete only down to the higher of both positions.
    const floors = pages.flatMap((page) => (page.length === MINUTES_READ ? [page.at(-1) ?? ''] : []));
    const floor = floors.toSorted().at(-1) ?? '';
    const minutes = [...new Set(pages.flat())].filter((minute) => minute >= floor);
    for (const minute of minutes.toSorted().toReversed()) yield minute;
    if (floors.length === 0) return;
    until = floor;
  }
}

async function newestBelow(table: Table, pk: string, until: string, isExclusive: boolean): Promise<string[]> {
  const end = isExclusive ? { before: until, goesOn: true } : { until };
  const { items } = await table.newest({ pk }, { ...end, limit: MINUTES_READ });
  return items.map(({ sk }) => String(sk));
}

async function newestOf(table: Table, minute: string, before: string | undefined, limit: number): Promise<Found[]> {
  const [{ items }, sealedItem] = await Promise.all([
    table.newest({ pk: keys.logMinute(minute).pk }, { before, goesOn: before !== undefined, limit }),
    table.get(keys.logSealed(minute)),
  ]);
  const parts = sealedItem === undefined ? [] : Sealed.parse(sealedItem).parts;
  return items.map(({ sk, entry }: Item) => ({
    position: { minute, sk: String(sk) },
    text: String(entry),
    seal: parts.find(({ to }) => String(sk) <= to)?.number,
  }));
}

/** Returns the hash of each sealed entry, by seal number and entry id. */
async function hashesOf(table: Table, found: readonly Found[]): Promise<Map<number, Map<string, string>>> {
  const numbers = [...new Set(found.flatMap(({ seal }) => (seal === undefined ? [] : [seal])))];
  const items = await table.getAll(numbers.map((number) => keys.sealLinks(number)));
  return new Map(numbers.map((number, n) => [number, new Map(linksIn(items[n]))]));
}

/** Shows unreadable entries too: `check` reports that they were altered. */
function entryView(
  { sk }: Position,
  text: string,
  seal: number | undefined,
  hashes: Map<number, Map<string, string>>,
): Listed {
  const entry = entryIn(text) ?? unreadable(sk);
  const hash = seal === undefined ? undefined : hashes.get(seal)?.get(entry.id);
  return { ...entry, sealed: seal !== undefined, hash: hash ?? null };
}

function positionIn(cursor: string): z.infer<typeof Position> {
  try {
    return Position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new BadCursor();
  }
}

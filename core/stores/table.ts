import type { Page } from '../domain/ports/common.ts';
import type { Item, Key, Range, Rows, Store, Update, UpdateOptions, Write, Written } from '../../platforms/store.ts';
import { cursorAt, positionIn } from './cursors.ts';
import { SharedReads } from './shared-reads.ts';

/** Where a page is read: a prefix of a partition, or a list across partitions. */
export type Source = { pk: string; prefix?: string } | { list: string };

/** Items that a page reads at least, because some may be filtered. */
const READ_MIN = 25;

/** Reads and writes items of a store in the units that the noun stores need. */
export class Table {
  /** Reads items that many callers read at the same time. */
  readonly shared = new SharedReads<Key, Item | undefined>(
    (wanted) => this.getAll(wanted),
    ({ pk, sk }) => `${pk} ${sk}`,
  );
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get(key: Key): Promise<Item | undefined> {
    return this.#store.get(key);
  }

  /** Reads items, each at the index of its key. Each is strongly consistent. */
  getAll(wanted: readonly Key[]): Promise<(Item | undefined)[]> {
    return this.#store.getMany(wanted);
  }

  /** Writes all or nothing. */
  transact(writes: readonly Write[]): Promise<Written> {
    return this.#store.write(writes);
  }

  /** Runs an update that is harmless to repeat. Returns the item after it. */
  update(key: Key, update: Update, options?: UpdateOptions): Promise<Item | undefined> {
    return this.#store.update(key, update, options);
  }

  /**
   * Returns all items of a partition within the range, in order. Strongly consistent.
   *
   * @param readAtOnce items that are read together, for callers that may not take them all
   */
  async *each(pk: string, range: Range = {}, readAtOnce = Infinity): AsyncGenerator<Item> {
    yield* eachOf((part) => this.#store.range(pk, part), 'sk', range, readAtOnce);
  }

  /** Returns all items of a list within the range, in order. Eventually consistent. */
  async *eachOfList(list: string, range: Range = {}): AsyncGenerator<Item> {
    yield* eachOf((part) => this.#store.list(list, part), 'list_key', range);
  }

  /** Reads items of a partition or of a list, newest first. */
  newest(source: Source, range: Omit<Range, 'newestFirst' | 'prefix'>): Promise<Rows> {
    return 'list' in source
      ? this.#store.list(source.list, { ...range, newestFirst: true })
      : this.#store.range(source.pk, {
          ...range,
          newestFirst: true,
          ...(source.prefix !== undefined && { prefix: source.prefix }),
        });
  }

  /**
   * Returns one page, newest first, of a partition or of a list; `keep` filters items before they are counted.
   *
   * @param query.maxBytes ends the page earlier, with at least one item. Large items are not read in vain
   * @throws BadCursor if the cursor belongs to another source
   */
  async page(
    source: Source,
    { limit, cursor, maxBytes = Infinity }: { limit: number; cursor?: string | undefined; maxBytes?: number },
    keep: (item: Item) => boolean = () => true,
  ): Promise<Page<Item>> {
    const [of, sort, prefix] =
      'list' in source ? [source.list, 'list_key', ''] : [source.pk, 'sk', source.prefix ?? ''];
    const items: Item[] = [];
    let bytes = 0;
    let before = positionIn(cursor, of, prefix);
    for (;;) {
      const rows = await this.newest(source, {
        before,
        goesOn: before !== undefined,
        limit: Math.max(limit - items.length, READ_MIN),
      });
      for (const item of rows.items) {
        if (!keep(item)) continue;
        const last = items.at(-1);
        if (maxBytes < Infinity) bytes += Buffer.byteLength(JSON.stringify(item));
        if (bytes > maxBytes && last) return { items, next_cursor: cursorAt(String(last[sort]), of) };
        items.push(item);
        if (items.length === limit) return { items, next_cursor: cursorAt(String(item[sort]), of) };
      }
      if (!rows.more) return { items, next_cursor: null };
      before = String(rows.items.at(-1)?.[sort]);
    }
  }
}

async function* eachOf(
  read: (range: Range) => Promise<Rows>,
  sort: 'sk' | 'list_key',
  range: Range,
  readAtOnce = Infinity,
): AsyncGenerator<Item> {
  const { limit, newestFirst = false } = range;
  let left = limit ?? Infinity;
  let rest = range;
  for (;;) {
    const most = Math.min(left, readAtOnce);
    const { items, more } = await read(most === Infinity ? rest : { ...rest, limit: most });
    yield* items;
    left -= items.length;
    if (!more || left <= 0) return;
    const last = String(items.at(-1)?.[sort]);
    rest = { ...rest, ...(newestFirst ? { before: last } : { after: last }), goesOn: true };
  }
}

export async function collect<T>(items: AsyncIterable<Item>, read: (item: Item) => T): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(read(item));
  return found;
}

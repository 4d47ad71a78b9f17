import { randomInt } from 'node:crypto';
import {
  type Count,
  COUNTER_GROUPS,
  type CounterGroup,
  COUNTERS,
  type CounterName,
} from '../../../domain/incidents/metrics.ts';
import type { Counters, Log } from '../../../domain/ports/system.ts';
import { countsOf, keys } from './keys.ts';
import type { Item, Table } from './table.ts';

/** Longest time that a caller waits for a counter write. */
const WAIT_MAX_MS = 250;

/** Any large number; the key takes it modulo the number of shards. */
const MANY = 1024;

/**
 * Stores counters as attributes of a few items, which DynamoDB increments. While a write is in progress, further counts
 * of the group wait for the next one, so that a flood needs few writes.
 */
export class CounterTable implements Counters {
  readonly #table: Table;
  readonly #log: Log;
  readonly #waiting = new Map<CounterGroup, Map<string, number>>();
  readonly #writing = new Map<CounterGroup, Promise<void>>();

  constructor(table: Table, log: Log) {
    this.#table = table;
    this.#log = log;
  }

  async add(counts: readonly Count[]): Promise<void> {
    const groups = new Set<CounterGroup>();
    for (const count of counts) {
      if (count.by === 0) continue;
      const { group } = COUNTERS[count.name];
      const sums = this.#waiting.get(group) ?? new Map<string, number>();
      sums.set(attributeOf(count), (sums.get(attributeOf(count)) ?? 0) + count.by);
      this.#waiting.set(group, sums);
      groups.add(group);
    }
    if (groups.size > 0) await inTime(Promise.all([...groups].map((group) => this.#store(group))));
  }

  /** Resolves when the pending counts were written or have failed. */
  async #store(group: CounterGroup): Promise<void> {
    await this.#writing.get(group);
    const again = this.#writing.get(group); // another waiting caller has already written all counts
    if (again !== undefined) return again;
    const writing = this.#write(group).finally(() => this.#writing.delete(group));
    this.#writing.set(group, writing);
    return writing;
  }

  async #write(group: CounterGroup): Promise<void> {
    const sums = [...(this.#waiting.get(group) ?? [])];
    this.#waiting.delete(group);
    if (sums.length === 0) return;
    try {
      await this.#table.touch(keys.counts(group, randomInt(MANY)), {
        UpdateExpression: `ADD ${sums.map((_, n) => `#${n} :${n}`).join(', ')}`,
        ExpressionAttributeNames: Object.fromEntries(sums.map(([name], n) => [`#${n}`, name])),
        ExpressionAttributeValues: Object.fromEntries(sums.map(([, by], n) => [`:${n}`, by])),
      });
    } catch (error) {
      this.#log.warn('cannot write metric counters', { group, error: String(error) });
    }
  }

  async read(): Promise<Count[]> {
    const items = await this.#table.getAll(COUNTER_GROUPS.flatMap(countsOf));
    const sums = new Map<string, number>();
    for (const [attribute, by] of items.flatMap((item: Item | undefined) => Object.entries(item ?? {})))
      if (typeof by === 'number') sums.set(attribute, (sums.get(attribute) ?? 0) + by);
    return [...sums].flatMap(([attribute, by]) => {
      const [name = '', ...labels] = attribute.split(' ').map(decodeURIComponent);
      return name in COUNTERS ? [{ name: name as CounterName, labels, by }] : [];
    });
  }
}

/** Encoded values contain no space, so a space can separate them. */
const attributeOf = ({ name, labels }: Count): string => [name, ...labels.map(encodeURIComponent)].join(' ');

async function inTime(work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, WAIT_MAX_MS);
  await Promise.race([work, promise]);
  clearTimeout(timer);
}

import { randomInt } from 'node:crypto';
import {
  type Count,
  COUNTER_GROUPS,
  type CounterGroup,
  COUNTERS,
  type CounterName,
  type CounterPeriod,
  RECENT_COUNTS,
} from '../domain/incidents/metrics.ts';
import type { Clock, Counters, Log } from '../domain/ports/system.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { inTime } from './in-time.ts';
import { countsOf, keys } from './keys.ts';
import type { Table } from './table.ts';
import type { Item, Key } from '../../platforms/store.ts';

/** Longest time that a caller in a function waits for a counter write: a function may never run on after its answer. */
const WAIT_MAX_MS = 250;

/** Recent counts are stored in slots of this length, and kept for another hour. `slots`: those of a period. */
const SLOTS: Readonly<Record<CounterPeriod, { seconds: number; slots: number }>> = {
  last_hour: { seconds: 600, slots: 6 },
  last_day: { seconds: 3600, slots: 24 },
};
const KEPT_SECONDS = 3600;

/** Any large number; the key takes it modulo the number of shards. */
const MANY = 1024;

/**
 * Stores counters as attributes of a few items, which DynamoDB increments. While a write is in progress, further counts
 * of the group wait for the next one, so that a flood needs few writes.
 */
export class CounterTable implements Counters {
  readonly #table: Table;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #runsOn: boolean;
  readonly #waiting = new Map<CounterGroup, Map<string, Waiting>>();
  readonly #writing = new Map<CounterGroup, Promise<void>>();

  /** @param runsOn whether the process runs on after an answer, so that no caller has to wait */
  constructor(table: Table, log: Log, clock: Clock, { runsOn = false }: { runsOn?: boolean | undefined } = {}) {
    this.#table = table;
    this.#log = log;
    this.#clock = clock;
    this.#runsOn = runsOn;
  }

  async add(counts: readonly Count[]): Promise<void> {
    const groups = new Set<CounterGroup>();
    for (const count of counts) {
      if (count.by === 0) continue;
      const { group } = COUNTERS[count.name];
      const sums = this.#waiting.get(group) ?? new Map<string, Waiting>();
      const before = sums.get(attributeOf(count));
      const example = count.example ?? before?.example;
      sums.set(attributeOf(count), { by: (before?.by ?? 0) + count.by, ...(example !== undefined && { example }) });
      this.#waiting.set(group, sums);
      groups.add(group);
    }
    const stored = Promise.all([...groups].map((group) => this.#store(group)));
    if (groups.size > 0 && !this.#runsOn) await inTime(WAIT_MAX_MS, stored);
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
      const add = Object.fromEntries(sums.map(([attribute, { by }]) => [attribute, by]));
      await this.#table.update(keys.counts(group, randomInt(MANY)), { add });
      const period = RECENT_COUNTS[group];
      if (period === undefined) return;
      const { seconds, slots } = SLOTS[period];
      const slot = this.#slot(period);
      const expires = (slot + 1 + slots) * seconds + KEPT_SECONDS;
      const examples = sums.flatMap(([attribute, { example }]): [string, string][] =>
        example === undefined ? [] : [[`${EXAMPLE}${attribute}`, example]],
      );
      const set = { ...Object.fromEntries(examples), expires_at: expires };
      await this.#table.update(keys.recentCounts(group, slot), { add, set });
    } catch (error) {
      this.#log.warn('cannot write metric counters', { group, error: String(error) });
    }
  }

  #slot = (period: CounterPeriod): number => Math.floor(millisOf(this.#clock.now()) / 1000 / SLOTS[period].seconds);

  async read(period?: CounterPeriod): Promise<Count[]> {
    await Promise.all(COUNTER_GROUPS.map((group) => this.#store(group)));
    const items = await this.#table.getAll(
      period === undefined ? COUNTER_GROUPS.flatMap(countsOf) : this.#recentKeys(period),
    );
    const sums = new Map<string, number>();
    const examples = new Map<string, string>();
    // The newest slot is the first, so its examples count.
    for (const [attribute, value] of items.flatMap((item: Item | undefined) => Object.entries(item ?? {})))
      if (typeof value === 'number') sums.set(attribute, (sums.get(attribute) ?? 0) + value);
      else if (typeof value === 'string' && !examples.has(attribute)) examples.set(attribute, value);
    return [...sums].flatMap(([attribute, by]) => {
      const [name = '', ...labels] = attribute.split(' ').map(decodeURIComponent);
      const example = examples.get(`${EXAMPLE}${attribute}`);
      return name in COUNTERS ? [{ name: name as CounterName, labels, by, ...(example && { example }) }] : [];
    });
  }

  /** Returns the keys of all slots that are at least partly in the period. */
  #recentKeys(period: CounterPeriod): Key[] {
    const slots = Array.from({ length: SLOTS[period].slots + 1 }, (_, n) => this.#slot(period) - n);
    const groups = COUNTER_GROUPS.filter((group) => RECENT_COUNTS[group] === period);
    return groups.flatMap((group) => slots.map((slot) => keys.recentCounts(group, slot)));
  }
}

/** A sum that is not written yet. */
type Waiting = Pick<Count, 'by' | 'example'>;

/** What precedes the name of a counter in the attribute with an example of what it counts. */
const EXAMPLE = 'example ';

/** Encoded values contain no space, so a space can separate them. */
const attributeOf = ({ name, labels }: Count): string => [name, ...labels.map(encodeURIComponent)].join(' ');

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
  readonly #waiting = new Map<CounterGroup, Map<string, number>>();
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
      const sums = this.#waiting.get(group) ?? new Map<string, number>();
      sums.set(attributeOf(count), (sums.get(attributeOf(count)) ?? 0) + count.by);
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
      const add = Object.fromEntries(sums);
      await this.#table.update(keys.counts(group, randomInt(MANY)), { add });
      const period = RECENT_COUNTS[group];
      if (period === undefined) return;
      const { seconds, slots } = SLOTS[period];
      const slot = this.#slot(period);
      const expires = (slot + 1 + slots) * seconds + KEPT_SECONDS;
      await this.#table.update(keys.recentCounts(group, slot), { add, set: { expires_at: expires } });
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
    for (const [attribute, by] of items.flatMap((item: Item | undefined) => Object.entries(item ?? {})))
      if (typeof by === 'number') sums.set(attribute, (sums.get(attribute) ?? 0) + by);
    return [...sums].flatMap(([attribute, by]) => {
      const [name = '', ...labels] = attribute.split(' ').map(decodeURIComponent);
      return name in COUNTERS ? [{ name: name as CounterName, labels, by }] : [];
    });
  }

  /** Returns the keys of all slots that are at least partly in the period. */
  #recentKeys(period: CounterPeriod): Key[] {
    const slots = Array.from({ length: SLOTS[period].slots + 1 }, (_, n) => this.#slot(period) - n);
    const groups = COUNTER_GROUPS.filter((group) => RECENT_COUNTS[group] === period);
    return groups.flatMap((group) => slots.map((slot) => keys.recentCounts(group, slot)));
  }
}

/** Encoded values contain no space, so a space can separate them. */
const attributeOf = ({ name, labels }: Count): string => [name, ...labels.map(encodeURIComponent)].join(' ');

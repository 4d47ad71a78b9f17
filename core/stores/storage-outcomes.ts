import type { Blobs } from '../../platforms/blobs.ts';
import type { Queues } from '../../platforms/queues.ts';
import type { Store } from '../../platforms/store.ts';
import type { Clock } from '../domain/ports/system.ts';
import { isDamage } from './storage-errors.ts';
import { millisOf } from '../../schemas/time/time.ts';

/** Where Firebreak stores. The queues are part of the table: on one machine, both are in one file. */
export type StoragePart = 'table' | 'blobs';

/**
 * Milliseconds for which storage counts as damaged after the last read or write that found damage. A damaged page fails
 * only the calls that need it, so other calls that succeed meanwhile say nothing. Longer than the pause between two
 * attempts of a sender.
 */
const DAMAGED_MS = 5 * 60_000;

/** Milliseconds since the Unix epoch of the last success and of the last failure. */
type Outcomes = { succeededAt?: number; failedAt?: number; error?: string; isFailing: boolean };

/** What this process knows of its storage from the reads and writes that it has made. */
export class StorageOutcomes {
  readonly #clock: Clock;
  readonly #parts: Record<StoragePart, Outcomes> = { table: { isFailing: false }, blobs: { isFailing: false } };
  #damage: { at: number; error: string } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs a write, and remembers its outcome. An argument that no platform accepts is none. */
  async write<T>(part: StoragePart, work: () => Promise<T>): Promise<T> {
    const outcomes = this.#parts[part];
    try {
      const result = await work();
      outcomes.succeededAt = this.#now();
      outcomes.isFailing = false;
      return result;
    } catch (error) {
      if (!(error instanceof RangeError)) {
        Object.assign(outcomes, { failedAt: this.#now(), error: String(error), isFailing: true });
        this.noteDamage(error);
      }
      throw error;
    }
  }

  /** Runs a read, and remembers if it finds damage. */
  async read<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.noteDamage(error);
      throw error;
    }
  }

  /** Remembers an error if it is damage, here or in another thread. */
  noteDamage(error: unknown): void {
    if (isDamage(error)) this.#damage = { at: this.#now(), error: String(error) };
  }

  /** Returns the error of the last write, or recent damage. Null: neither. */
  problem(part: StoragePart): string | null {
    if (part === 'table' && this.#damage !== undefined && this.#isWithin(DAMAGED_MS, this.#damage.at))
      return this.#damage.error;
    const { isFailing, error } = this.#parts[part];
    return isFailing ? (error ?? null) : null;
  }

  /**
   * Returns whether a write has succeeded within this many milliseconds. A success from before the other part has failed
   * does not count: often, both are on one disk.
   */
  succeededWithin(part: StoragePart, millis: number): boolean {
    const { succeededAt } = this.#parts[part];
    const other = this.#parts[part === 'table' ? 'blobs' : 'table'];
    const isOutdated = other.isFailing && (succeededAt ?? 0) <= (other.failedAt ?? 0);
    return !isOutdated && this.#isWithin(millis, succeededAt);
  }

  /** Returns whether the last write has failed within this many milliseconds. */
  failedWithin(part: StoragePart, millis: number): boolean {
    return this.#parts[part].isFailing && this.#isWithin(millis, this.#parts[part].failedAt);
  }

  /** A clock that was set back makes a time old, too. */
  #isWithin(millis: number, at: number | undefined): boolean {
    return at !== undefined && Math.abs(this.#now() - at) < millis;
  }

  #now = (): number => millisOf(this.#clock.now());
}

type Storage = { store: Store; queues: Queues; blobs: Blobs };

/** Returns the same storage, and remembers the outcomes of its calls. */
export const observed = ({ store, queues, blobs }: Storage, outcomes: StorageOutcomes): Storage => ({
  store: {
    get: (...args) => outcomes.read(() => store.get(...args)),
    getMany: (...args) => outcomes.read(() => store.getMany(...args)),
    range: (...args) => outcomes.read(() => store.range(...args)),
    list: (...args) => outcomes.read(() => store.list(...args)),
    write: (...args) => outcomes.write('table', () => store.write(...args)),
    update: (...args) => outcomes.write('table', () => store.update(...args)),
  },
  queues: {
    send: (...args) => outcomes.write('table', () => queues.send(...args)),
    redrive: (...args) => outcomes.write('table', () => queues.redrive(...args)),
    counts: (...args) => outcomes.read(() => queues.counts(...args)),
    dead: (...args) => outcomes.read(() => queues.dead(...args)),
  },
  blobs: {
    put: (...args) => outcomes.write('blobs', () => blobs.put(...args)),
    putNew: (...args) => outcomes.write('blobs', () => blobs.putNew(...args)),
    get: (...args) => outcomes.read(() => blobs.get(...args)),
  },
});

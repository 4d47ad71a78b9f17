import { historySeconds } from '../../domain/slo/account.ts';
import { BUCKETS_PER_DAY, dayOf, encodeDay } from '../../domain/slo/day.ts';
import { bucketAt, endOf, hadGood, type History, indexOf, setBucket } from '../../domain/slo/history.ts';
import type { SloDays } from '../../domain/slo/ports.ts';
import { bucketOf, type Reading } from '../../domain/slo/reading.ts';
import type { Slo } from '../../schemas/slo.ts';
import { dayName, keptHistory, storedAs } from './kept.ts';

const HOUR_MS = 3_600_000;

/** Buckets of one range query. Prometheus gives at most 11,000 points, and samples of a minute are five in a bucket. */
const CHUNK_MAX = 2016;
const CHUNK_MIN = 12;

/** A bucket that has just closed is asked for again: rules and remote storage are up to so much behind. */
const SETTLING_MS = 45_000;

/** Buckets that are looked at again each hour, if nothing is known of them: some samples come hours late. */
const LATE_BUCKETS = BUCKETS_PER_DAY;

/** Buckets, from the first on. */
export type Wanted = { first: number; count: number };

/** What has been counted for one objective: kept here between evaluations, and by days in the table. */
export class Counted {
  readonly slo: Slo;
  readonly history: History;
  /** Buckets in between were asked for. What is not known of them is not there, or comes late. */
  #askedFrom: number;
  #askedUntil: number;
  /** When all closed buckets were asked for, those that have not settled included. */
  #upToDateAt = NaN;
  /** Of one query for what lies further back. Shorter when a longer one was not answered. */
  #chunk = CHUNK_MAX;
  #lookAgainAt: number;
  readonly #unsaved = new Set<number>();

  private constructor(slo: Slo, history: History, now: number) {
    this.slo = slo;
    this.history = history;
    // The newest one that was kept may not have settled.
    this.#askedFrom = this.#askedUntil = Math.min(newestKnown(history) ?? Infinity, indexOf(now - SETTLING_MS));
    this.#lookAgainAt = now + HOUR_MS;
  }

  /**
   * @param now milliseconds
   * @throws RangeError when what is kept cannot be read
   */
  static async load(days: SloDays, slo: Slo, now: number): Promise<Counted> {
    return new Counted(slo, await keptHistory(days, slo, historySeconds(slo), now), now);
  }

  /** Closed buckets that came since they were last asked for. Null: none. */
  newer(now: number): Wanted | null {
    if (this.#upToDateAt === now) return null;
    const count = Math.min(indexOf(now) - this.#askedUntil, CHUNK_MAX);
    return count > 0 ? { first: this.#askedUntil, count } : null;
  }

  /** The newest of those that were never asked for. Null: there are none, or all of them are known. */
  older(): Wanted | null {
    while (this.#askedFrom > this.history.oldest) {
      const first = Math.max(this.history.oldest, this.#askedFrom - this.#chunk);
      const unknown = this.#unknownIn({ first, count: this.#askedFrom - first });
      this.#askedFrom = unknown === null ? first : unknown.first + unknown.count;
      if (unknown !== null) return unknown;
    }
    return null;
  }

  /** Once an hour: what was asked for in the last day, and was not there. Null: nothing, or not yet. */
  late(now: number): Wanted | null {
    if (now < this.#lookAgainAt) return null;
    this.#lookAgainAt = now + HOUR_MS;
    const first = Math.max(this.#askedFrom, this.#askedUntil - LATE_BUCKETS);
    return this.#unknownIn({ first, count: this.#askedUntil - first });
  }

  /** From the first unknown one to the last. */
  #unknownIn({ first, count }: Wanted): Wanted | null {
    let [from, until] = [first + count, first];
    for (let index = first; index < first + count; index++) {
      if (bucketAt(this.history, index) !== null) continue;
      from = Math.min(from, index);
      until = index + 1;
    }
    return from < until ? { first: from, count: until - from } : null;
  }

  /**
   * Keeps what is known of buckets from `first` on. What has settled stays as it is.
   *
   * @returns whether all of them are known
   */
  keep(first: number, readings: readonly Reading[]): boolean {
    let all = true;
    for (const [offset, reading] of readings.entries()) {
      const index = first + offset;
      const [bucket, before] = [bucketOf(reading), bucketAt(this.history, index)];
      all &&= bucket !== null || before !== null;
      const isSettled = before !== null && index < this.#askedUntil;
      const isSame = before?.events === bucket?.events && before?.errors === bucket?.errors;
      if (bucket === null || isSettled || isSame) continue;
      setBucket(this.history, index, bucket);
      this.#unsaved.add(dayOf(index));
    }
    return all;
  }

  /** There was an answer for these, whatever is known now. @param now milliseconds */
  asked({ first, count }: Wanted, now: number): void {
    const end = first + count;
    if (end === this.#askedFrom) this.#askedFrom = first;
    if (first !== this.#askedUntil) return;
    this.#askedUntil = Math.max(first, Math.min(end, indexOf(now - SETTLING_MS)));
    if (end >= indexOf(now)) this.#upToDateAt = now;
  }

  /** There was no answer: less is asked for at once. */
  notAnswered(): void {
    this.#chunk = Math.max(CHUNK_MIN, Math.floor(this.#chunk / 2));
  }

  /** Whether there was a good event before this bucket, so that a missing series of them means that there are none. */
  hadGoodBefore(first: number): boolean {
    return hadGood(this.history, first);
  }

  /** Makes room for what comes, even while nothing is known of it. @param now milliseconds */
  advance(now: number): void {
    const current = indexOf(now);
    if (current >= endOf(this.history)) setBucket(this.history, current, null);
    this.#askedFrom = Math.max(this.#askedFrom, this.history.oldest);
    this.#askedUntil = Math.max(this.#askedUntil, this.history.oldest);
  }

  /** Keeps what is new. What could not be kept is kept the next time. */
  async save(days: SloDays): Promise<void> {
    for (const day of [...this.#unsaved].toSorted((a, b) => b - a)) {
      await days.save(storedAs(this.slo), dayName(day), encodeDay(this.history, day));
      this.#unsaved.delete(day);
    }
  }
}

function newestKnown(history: History): number | undefined {
  for (let index = endOf(history) - 1; index >= history.oldest; index--)
    if (bucketAt(history, index) !== null) return index;
  return undefined;
}

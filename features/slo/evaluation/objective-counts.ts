import { historySeconds } from '../decisions/budget/account.ts';
import { BUCKETS_PER_DAY, dayOf, encodeDay } from '../decisions/day.ts';
import { bucketAt, endOf, hadGood, type History, indexOf, setBucket } from '../decisions/history.ts';
import type { SloDays } from '../types.ts';
import { bucketOf, type Reading } from '../decisions/measurement/reading.ts';
import type { Slo } from '../../../schemas/slo/slo.ts';
import { dayName, storedHistory, historyKey } from '../actions/history.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * When missing data is queried again, in minutes after loading, and then each hour. A Prometheus that has just started,
 * or its remote storage, may not return older data yet.
 */
const RECHECK_MINUTES = [1, 2, 5, 10, 20, 40] as const;

/** Buckets per range query. Prometheus returns at most 11,000 points, and a bucket has five samples, one per minute. */
const CHUNK_MAX = 2016;
const CHUNK_MIN = 12;

/** How late rules and remote storage can be. A bucket that closed within this time is queried again. */
const SETTLING_MS = 45_000;

/** How far behind the counts may be to be up to date: one hour, in buckets. */
const BEHIND_MAX = 12;

/** How many of the newest buckets are queried again if they have no data: some samples arrive hours late. */
const LATE_BUCKETS = BUCKETS_PER_DAY;

/** A range of buckets. */
export type BucketRange = { first: number; count: number };

/** The counts of one objective, in memory between evaluations and stored by day in the table. */
export class ObjectiveCounts {
  readonly slo: Slo;
  readonly history: History;
  /** The range of buckets that were queried. Unknown buckets in it have no data, or their data arrives late. */
  #queriedFrom: number;
  #queriedUntil: number;
  /** When all closed buckets were queried, including those that have not settled. */
  #upToDateAt = NaN;
  /** Buckets per query for older data. Reduced for an hour after a longer query failed. */
  #chunk = CHUNK_MAX;
  #failedChunk = { count: Infinity, at: -Infinity };
  /** Whether all older data was read once. */
  #isPastRead = false;
  /** Whether older data is queried again, until a response brings nothing new. */
  #isRechecking = false;
  /** Why the last queries for newer and for older data failed. */
  readonly #unread: { newer: string | null; older: string | null } = { newer: null, older: null };
  readonly #loadedAt: number;
  #checkedAt: number;
  readonly #unsaved = new Set<number>();

  private constructor(slo: Slo, history: History, now: number) {
    this.slo = slo;
    this.history = history;
    // The newest stored bucket may not have settled.
    this.#queriedFrom = this.#queriedUntil = Math.min(newestKnown(history) ?? Infinity, indexOf(now - SETTLING_MS));
    this.#loadedAt = this.#checkedAt = now;
  }

  /**
   * Loads the stored counts.
   *
   * @param now Unix milliseconds
   * @throws RangeError if the stored counts are corrupt
   */
  static async load(days: SloDays, slo: Slo, now: number): Promise<ObjectiveCounts> {
    return new ObjectiveCounts(slo, await storedHistory(days, slo, historySeconds(slo), now), now);
  }

  /** Returns the buckets that closed since the last query, or null. */
  newer(now: number): BucketRange | null {
    if (this.#upToDateAt === now) return null;
    const count = Math.min(indexOf(now) - this.#queriedUntil, CHUNK_MAX);
    return count > 0 ? { first: this.#queriedUntil, count } : null;
  }

  /** Returns the newest older buckets that were never queried and have no data, or null. */
  older(): BucketRange | null {
    while (this.#queriedFrom > this.history.oldest) {
      const first = Math.max(this.history.oldest, this.#queriedFrom - this.#chunk);
      const unknown = this.#unknownIn({ first, count: this.#queriedFrom - first });
      this.#queriedFrom = unknown === null ? first : unknown.first + unknown.count;
      if (unknown !== null) return unknown;
    }
    this.#isPastRead = true;
    this.#isRechecking = false;
    return null;
  }

  /**
   * Returns whether missing data should be queried again.
   *
   * @param now Unix milliseconds
   */
  isDue(now: number): boolean {
    const recheckTimes = [0, ...RECHECK_MINUTES].map((minutes) => this.#loadedAt + minutes * MINUTE_MS);
    const next = recheckTimes.find((at) => at > this.#checkedAt);
    return now >= Math.min(next ?? Infinity, this.#checkedAt + HOUR_MS);
  }

  /**
   * Returns the buckets of the last day that were queried but have no data, or null. In the first 24 hours after
   * loading, all older buckets are queried again too, until a response brings nothing new, for example because the
   * service is young.
   *
   * @param now Unix milliseconds
   */
  recheck(now: number): BucketRange | null {
    this.#checkedAt = now;
    const first = Math.max(this.#queriedFrom, this.#queriedUntil - LATE_BUCKETS);
    const request = this.#unknownIn({ first, count: this.#queriedUntil - first });
    if (this.#isPastRead && now < this.#loadedAt + DAY_MS) {
      this.#queriedFrom = first;
      this.#isRechecking = true;
    }
    return request;
  }

  /** Returns the range from the first to the last bucket without data, or null. */
  #unknownIn({ first, count }: BucketRange): BucketRange | null {
    let [from, until] = [first + count, first];
    for (let index = first; index < first + count; index++) {
      if (bucketAt(this.history, index) !== null) continue;
      from = Math.min(from, index);
      until = index + 1;
    }
    return from < until ? { first: from, count: until - from } : null;
  }

  /**
   * Stores readings for the buckets from `first` on. Settled buckets stay unchanged.
   *
   * @returns `all`: all of these buckets now have data. `news`: some of them had no data before
   */
  addReadings(first: number, readings: readonly Reading[]): { all: boolean; news: boolean } {
    let [all, news] = [true, false];
    for (const [offset, reading] of readings.entries()) {
      const index = first + offset;
      const [bucket, before] = [bucketOf(reading), bucketAt(this.history, index)];
      all &&= bucket !== null || before !== null;
      const isSettled = before !== null && index < this.#queriedUntil;
      const isSame = before?.events === bucket?.events && before?.errors === bucket?.errors;
      if (bucket === null || isSettled || isSame) continue;
      news ||= before === null;
      setBucket(this.history, index, bucket);
      this.#unsaved.add(dayOf(index));
    }
    return { all, news };
  }

  /**
   * Records a successful query, with or without data.
   *
   * @param now Unix milliseconds
   * @param news whether the response brought new data
   */
  recordRead({ first, count }: BucketRange, now: number, news: boolean): void {
    const end = first + count;
    if (end === this.#queriedFrom) {
      this.#queriedFrom = this.#isRechecking && !news ? this.history.oldest : first;
      this.#unread.older = null;
      this.#doubleChunk(now);
    }
    if (first !== this.#queriedUntil) return;
    this.#unread.newer = null;
    this.#queriedUntil = Math.max(first, Math.min(end, indexOf(now - SETTLING_MS)));
    if (end >= indexOf(now)) this.#upToDateAt = now;
  }

  /** Records a failed query and its reason. */
  recordFailure({ first }: BucketRange, why: string): void {
    if (first === this.#queriedUntil) this.#unread.newer = why;
    else if (first < this.#queriedFrom) this.#unread.older = why;
  }

  /**
   * Halves the number of buckets per query for older data.
   *
   * @param now Unix milliseconds
   */
  halveChunk(now: number): void {
    this.#failedChunk = { count: this.#chunk, at: now };
    this.#chunk = Math.max(CHUNK_MIN, Math.floor(this.#chunk / 2));
  }

  /**
   * Doubles the number of buckets per query for older data, unless a query of that size failed within the last hour.
   */
  #doubleChunk(now: number): void {
    const more = Math.min(CHUNK_MAX, this.#chunk * 2);
    if (more < this.#failedChunk.count || now >= this.#failedChunk.at + HOUR_MS) this.#chunk = more;
  }

  /** Why existing data may be missing, or null if all queries succeeded. */
  get unread(): string | null {
    return this.#unread.newer ?? (this.#isPastRead ? null : this.#unread.older);
  }

  /** Whether all older data was read once. */
  get isPastRead(): boolean {
    return this.#isPastRead || this.older() === null;
  }

  /**
   * Returns whether all closed buckets were queried, except for the last hour at most, so that an occasionally slow
   * Prometheus does not count as a gap. After weeks without evaluations, several evaluations are needed to catch up.
   *
   * @param now Unix milliseconds
   */
  isUpToDate(now: number): boolean {
    return indexOf(now) - this.#queriedUntil <= BEHIND_MAX;
  }

  /** Returns whether there was a good event before this bucket. If so, a missing series of good events means zero. */
  hadGoodBefore(first: number): boolean {
    return hadGood(this.history, first);
  }

  /**
   * Moves the history's window forward to the current bucket, even without data.
   *
   * @param now Unix milliseconds
   */
  advance(now: number): void {
    const current = indexOf(now);
    if (current >= endOf(this.history)) setBucket(this.history, current, null);
    this.#queriedFrom = Math.max(this.#queriedFrom, this.history.oldest);
    this.#queriedUntil = Math.max(this.#queriedUntil, this.history.oldest);
  }

  /** Stores changed days, newest first. Days that fail are stored with the next call. */
  async save(days: SloDays): Promise<void> {
    for (const day of [...this.#unsaved].toSorted((a, b) => b - a)) {
      await days.save(historyKey(this.slo), dayName(day), encodeDay(this.history, day));
      this.#unsaved.delete(day);
    }
  }
}

function newestKnown(history: History): number | undefined {
  for (let index = endOf(history) - 1; index >= history.oldest; index--)
    if (bucketAt(history, index) !== null) return index;
  return undefined;
}

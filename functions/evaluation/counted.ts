import { historySeconds } from '../../domain/slo/account.ts';
import { BUCKETS_PER_DAY, dayOf, encodeDay } from '../../domain/slo/day.ts';
import { bucketAt, endOf, hadGood, type History, indexOf, setBucket } from '../../domain/slo/history.ts';
import type { SloDays } from '../../domain/slo/ports.ts';
import { bucketOf, type Reading } from '../../domain/slo/reading.ts';
import type { Slo } from '../../schemas/slo.ts';
import { dayName, keptHistory, storedAs } from './kept.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * After so many minutes what was not there is looked for again, then each hour: a Prometheus that has just started, or a
 * storage behind it, may have nothing to say of the past yet.
 */
const LOOK_AGAIN_MINUTES = [1, 2, 5, 10, 20, 40] as const;

/** Buckets of one range query. Prometheus gives at most 11,000 points, and samples of a minute are five in a bucket. */
const CHUNK_MAX = 2016;
const CHUNK_MIN = 12;

/** A bucket that has just closed is asked for again: rules and remote storage are up to so much behind. */
const SETTLING_MS = 45_000;

/** Buckets, an hour of them. */
const BEHIND_MAX = 12;

/** Buckets that are always looked at again, if nothing is known of them: some samples come hours late. */
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
  /** Of one query for what lies further back. Shorter when a longer one was not answered, for an hour. */
  #chunk = CHUNK_MAX;
  #tooMuch = { count: Infinity, at: -Infinity };
  /** Whether all that lies further back was asked for, and answered, once. */
  #isPastRead = false;
  /** It is asked for again, until an answer brings nothing new. */
  #isLookingAgain = false;
  /** Why there was no answer, to what came since and to what lies further back. */
  readonly #unread: { newer: string | null; older: string | null } = { newer: null, older: null };
  readonly #loadedAt: number;
  #lookedAt: number;
  readonly #unsaved = new Set<number>();

  private constructor(slo: Slo, history: History, now: number) {
    this.slo = slo;
    this.history = history;
    // The newest one that was kept may not have settled.
    this.#askedFrom = this.#askedUntil = Math.min(newestKnown(history) ?? Infinity, indexOf(now - SETTLING_MS));
    this.#loadedAt = this.#lookedAt = now;
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
    this.#isPastRead = true;
    this.#isLookingAgain = false;
    return null;
  }

  /** Whether it is time to look again for what was asked for and was not there. @param now milliseconds */
  isDue(now: number): boolean {
    const pauses = [0, ...LOOK_AGAIN_MINUTES].map((minutes) => this.#loadedAt + minutes * MINUTE_MS);
    const next = pauses.find((at) => at > this.#lookedAt);
    return now >= Math.min(next ?? Infinity, this.#lookedAt + HOUR_MS);
  }

  /**
   * What was asked for in the last day, and was not there. In the first day all that lies further back is older again,
   * too: there it ends with the first answer that brings nothing new, as of a service that is young.
   *
   * @param now milliseconds @returns null: nothing
   */
  lookAgain(now: number): Wanted | null {
    this.#lookedAt = now;
    const first = Math.max(this.#askedFrom, this.#askedUntil - LATE_BUCKETS);
    const wanted = this.#unknownIn({ first, count: this.#askedUntil - first });
    if (this.#isPastRead && now < this.#loadedAt + DAY_MS) {
      this.#askedFrom = first;
      this.#isLookingAgain = true;
    }
    return wanted;
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
   * @returns whether all of them are known now, and whether some were not before
   */
  keep(first: number, readings: readonly Reading[]): { all: boolean; news: boolean } {
    let [all, news] = [true, false];
    for (const [offset, reading] of readings.entries()) {
      const index = first + offset;
      const [bucket, before] = [bucketOf(reading), bucketAt(this.history, index)];
      all &&= bucket !== null || before !== null;
      const isSettled = before !== null && index < this.#askedUntil;
      const isSame = before?.events === bucket?.events && before?.errors === bucket?.errors;
      if (bucket === null || isSettled || isSame) continue;
      news ||= before === null;
      setBucket(this.history, index, bucket);
      this.#unsaved.add(dayOf(index));
    }
    return { all, news };
  }

  /** There was an answer for these, whatever is known now. @param now milliseconds @param news it brought some */
  asked({ first, count }: Wanted, now: number, news: boolean): void {
    const end = first + count;
    if (end === this.#askedFrom) {
      this.#askedFrom = this.#isLookingAgain && !news ? this.history.oldest : first;
      this.#unread.older = null;
      this.#askMore(now);
    }
    if (first !== this.#askedUntil) return;
    this.#unread.newer = null;
    this.#askedUntil = Math.max(first, Math.min(end, indexOf(now - SETTLING_MS)));
    if (end >= indexOf(now)) this.#upToDateAt = now;
  }

  /** There was no answer for these, and why. */
  notAnswered({ first }: Wanted, why: string): void {
    if (first === this.#askedUntil) this.#unread.newer = why;
    else if (first < this.#askedFrom) this.#unread.older = why;
  }

  /** What lies further back is too much for one answer: less is asked for at once. @param now milliseconds */
  askLess(now: number): void {
    this.#tooMuch = { count: this.#chunk, at: now };
    this.#chunk = Math.max(CHUNK_MIN, Math.floor(this.#chunk / 2));
  }

  /** There was an answer: more is asked for at once, unless that was too much lately. */
  #askMore(now: number): void {
    const more = Math.min(CHUNK_MAX, this.#chunk * 2);
    if (more < this.#tooMuch.count || now >= this.#tooMuch.at + HOUR_MS) this.#chunk = more;
  }

  /** Why something of the past is not known that may well be there. Null: Prometheus has said all that it has. */
  get unread(): string | null {
    return this.#unread.newer ?? (this.#isPastRead ? null : this.#unread.older);
  }

  /** Whether the past was read once, as far as there is any. */
  get isPastRead(): boolean {
    return this.#isPastRead || this.older() === null;
  }

  /**
   * Whether what has closed was asked for, but for an hour at the most: a Prometheus that is slow now and then makes no
   * past unread. After weeks without evaluations it takes some of them to catch up. @param now milliseconds
   */
  isUpToDate(now: number): boolean {
    return indexOf(now) - this.#askedUntil <= BEHIND_MAX;
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

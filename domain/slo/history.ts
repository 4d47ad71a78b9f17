/** Buckets are aligned to the epoch; a bucket's index is its beginning in epoch seconds / 300. */
export const BUCKET_SECONDS = 300;
export const BUCKET_MS = BUCKET_SECONDS * 1000;
const MS_PER_SECOND = 1000;

/**
 * How often values are looked at of which every second counts alike; a sample counts for the time since the last one.
 */
export const SAMPLE_SECONDS = 60;

/** What happened in one bucket; seconds where every second counts alike. */
export type Bucket = { events: number; errors: number };

/**
 * The buckets of one objective, in a ring: `index % length`. NaN: unknown. There is room for `length` of them, from
 * `oldest` on; what is older has been forgotten.
 */
export type History = { oldest: number; readonly events: Float64Array; readonly errors: Float64Array };

/** @param at milliseconds since the Unix epoch @returns the index of the bucket that it lies in */
export const indexOf = (at: number): number => Math.floor(at / BUCKET_MS);

/** With room for the last so many seconds before `now` (milliseconds), of which nothing is known yet. */
export function emptyHistory(seconds: number, now: number): History {
  const oldest = indexOf(now - seconds * MS_PER_SECOND);
  const length = indexOf(now) - oldest + 1;
  return { oldest, events: new Float64Array(length).fill(NaN), errors: new Float64Array(length).fill(NaN) };
}

/** The index after the newest for which there is room. */
export const endOf = (history: History): number => history.oldest + history.events.length;

/**
 * Null: unknown. A newer bucket than there is room for pushes the oldest out; one that is older is not taken.
 *
 * @throws RangeError when it cannot be: a negative number, or more errors than events
 */
export function setBucket(history: History, index: number, bucket: Bucket | null): void {
  const { events, errors } = bucket ?? UNKNOWN;
  if (bucket !== null && !(errors >= 0 && errors <= events && events < Infinity)) {
    throw new RangeError(`bucket ${index}: ${errors} errors of ${events} events cannot be; count them again`);
  }
  if (index < history.oldest) return;
  forgetBefore(history, index - history.events.length + 1);
  const slot = index % history.events.length;
  history.events[slot] = events;
  history.errors[slot] = errors;
}

const UNKNOWN: Bucket = { events: NaN, errors: NaN };

/** Null: unknown, not there yet, or forgotten. */
export function bucketAt(history: History, index: number): Bucket | null {
  if (index < history.oldest || index >= endOf(history)) return null;
  const slot = index % history.events.length;
  const events = history.events[slot] ?? NaN;
  return Number.isNaN(events) ? null : { events, errors: history.errors[slot] ?? NaN };
}

/** Makes room for newer ones by the room of those before `index`. */
export function forgetBefore(history: History, index: number): void {
  const { events, errors, oldest } = history;
  if (index <= oldest) return;
  for (let old = oldest; old < Math.min(index, oldest + events.length); old++) {
    events[old % events.length] = NaN;
    errors[old % events.length] = NaN;
  }
  history.oldest = index;
}

/** One stretch of time without a change in it. `events` is NaN where it is unknown. */
export type Visit = (ms: number, events: number, errors: number) => void;

/**
 * Each bucket from `from` up to `to` (milliseconds), oldest first; of one that lies across an end, its share by time.
 */
export function visitBuckets(history: History, from: number, to: number, visit: Visit): void {
  const { events, errors, oldest } = history;
  const end = endOf(history);
  for (let index = indexOf(from), start = index * BUCKET_MS; start < to; index++, start += BUCKET_MS) {
    const ms = Math.min(start + BUCKET_MS, to) - Math.max(start, from);
    const share = ms / BUCKET_MS;
    if (index < oldest || index >= end) visit(ms, NaN, NaN);
    else visit(ms, (events[index % events.length] ?? NaN) * share, (errors[index % events.length] ?? NaN) * share);
  }
}

/** What is known of a stretch of time. */
export type Sum = Bucket & {
  /** How long it is. */
  ms: number;
  /** The part of it that is known. */
  knownMs: number;
};

/** Adds up whatever `each` shows to what it is given. */
export function sumOf(each: (visit: Visit) => void): Sum {
  const sum: Sum = { events: 0, errors: 0, ms: 0, knownMs: 0 };
  each((ms, events, errors) => {
    sum.ms += ms;
    if (Number.isNaN(events)) return;
    sum.knownMs += ms;
    sum.events += events;
    sum.errors += errors;
  });
  return sum;
}

/** @param from milliseconds, within it @param to milliseconds, the first that is not in it */
export const sumBetween = (history: History, from: number, to: number): Sum =>
  sumOf((visit) => visitBuckets(history, from, to, visit));

/**
 * Whether a good event was ever seen, as far as is remembered: only then does a missing series of them mean none.
 *
 * @param before index of a bucket; only those before it are looked at
 */
export function hadGood(history: History, before: number = endOf(history)): boolean {
  const { events, errors, oldest } = history;
  for (let index = Math.min(before, endOf(history)) - 1; index >= oldest; index--) {
    const slot = index % events.length;
    if ((events[slot] ?? NaN) > (errors[slot] ?? NaN)) return true;
  }
  return false;
}

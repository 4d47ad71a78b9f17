/** Length of a bucket. Buckets are aligned to the epoch; the index of a bucket is its start in epoch seconds / 300. */
export const BUCKET_SECONDS = 300;
export const BUCKET_MS = BUCKET_SECONDS * 1000;
const MS_PER_SECOND = 1000;

/**
 * Interval of samples for values for which every second counts equally. A sample represents the time since the previous
 * one.
 */
export const SAMPLE_SECONDS = 60;

/** Counts of one bucket: events, or seconds if every second counts equally. */
export type Bucket = { events: number; errors: number };

/**
 * Buckets of one objective in a ring buffer: slot `index % length`. NaN: unknown. The ring holds `length` buckets from
 * `oldest` on; older buckets have been dropped.
 */
export type History = { oldest: number; readonly events: Float64Array; readonly errors: Float64Array };

/**
 * @param at milliseconds since the Unix epoch
 * @returns the index of the bucket that contains `at`
 */
export const indexOf = (at: number): number => Math.floor(at / BUCKET_MS);

/** Creates a history for the last `seconds` before `now` (milliseconds), with all buckets unknown. */
export function emptyHistory(seconds: number, now: number): History {
  const oldest = indexOf(now - seconds * MS_PER_SECOND);
  const length = indexOf(now) - oldest + 1;
  return { oldest, events: new Float64Array(length).fill(NaN), errors: new Float64Array(length).fill(NaN) };
}

/** Returns the index after the newest bucket in the ring. */
export const endOf = (history: History): number => history.oldest + history.events.length;

/**
 * Sets a bucket; null: unknown. A bucket beyond the end drops the oldest ones; a bucket older than the ring is ignored.
 *
 * @throws RangeError if the counts are impossible: negative, or more errors than events
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

/** Returns a bucket. Null: unknown, not reached yet, or dropped. */
export function bucketAt(history: History, index: number): Bucket | null {
  if (index < history.oldest || index >= endOf(history)) return null;
  const slot = index % history.events.length;
  const events = history.events[slot] ?? NaN;
  return Number.isNaN(events) ? null : { events, errors: history.errors[slot] ?? NaN };
}

/** Drops the buckets before `index` to make room for newer ones. */
export function forgetBefore(history: History, index: number): void {
  const { events, errors, oldest } = history;
  if (index <= oldest) return;
  for (let old = oldest; old < Math.min(index, oldest + events.length); old++) {
    events[old % events.length] = NaN;
    errors[old % events.length] = NaN;
  }
  history.oldest = index;
}

/** Receives one stretch of time with a constant rate. `events` is NaN if unknown. */
export type Visit = (ms: number, events: number, errors: number) => void;

/**
 * Visits each bucket from `from` to `to` (milliseconds), oldest first; a bucket that crosses a boundary counts in
 * proportion to its time within the range.
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

/** Known counts of a stretch of time. */
export type Sum = Bucket & {
  /** Length in milliseconds. */
  ms: number;
  /** Known part of it in milliseconds. */
  knownMs: number;
};

/** Sums the stretches that `each` visits. */
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

/**
 * @param from milliseconds, inclusive
 * @param to milliseconds, exclusive
 */
export const sumBetween = (history: History, from: number, to: number): Sum =>
  sumOf((visit) => visitBuckets(history, from, to, visit));

/**
 * Returns whether the history contains a good event: only then does a missing series of good events mean zero.
 *
 * @param before index of a bucket; only earlier buckets are considered
 */
export function hadGood(history: History, before: number = endOf(history)): boolean {
  const { events, errors, oldest } = history;
  for (let index = Math.min(before, endOf(history)) - 1; index >= oldest; index--) {
    const slot = index % events.length;
    if ((events[slot] ?? NaN) > (errors[slot] ?? NaN)) return true;
  }
  return false;
}

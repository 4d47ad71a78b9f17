import {
  BUCKET_MS,
  type Bucket,
  bucketAt,
  type History,
  indexOf,
  type Sum,
  sumOf,
  type Visit,
  visitBuckets,
} from '../history.ts';

/** Counts of an objective at one moment. */
export type Observed = {
  history: History;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /**
   * The last 300 seconds up to `now`, which no closed bucket covers yet. Null: unknown; closed buckets are used
   * instead, as far as they reach.
   */
  recent: Bucket | null;
  /** Sums from a moment (milliseconds) to `now`, if they are known without visiting the buckets. Only without `recent`. */
  sumFrom?: (from: number) => Sum;
};

/**
 * Visits each stretch from `from` (milliseconds) to now, oldest first. On a bucket boundary, the last 300 seconds equal
 * the last closed bucket. Between boundaries, they replace the end of the history, and the bucket in which they begin
 * counts only with the part before them.
 */
export function visitSince({ history, now, recent }: Observed, from: number, visit: Visit): void {
  const recentFrom = now - BUCKET_MS;
  visitBuckets(history, from, recent === null ? now : recentFrom, visit);
  const ms = now - Math.max(from, recentFrom);
  if (recent === null || ms <= 0) return;
  visit(ms, (recent.events * ms) / BUCKET_MS, (recent.errors * ms) / BUCKET_MS);
}

/** @param from milliseconds */
export const sumSince = (observed: Observed, from: number): Sum =>
  observed.sumFrom?.(from) ?? sumOf((visit) => visitSince(observed, from, visit));

/**
 * Sums from `from` to now without assuming where in the last closed bucket its errors occurred: that bucket counts in
 * full, plus at least the errors by which the last 300 seconds exceed it, or exceed its events within them. Otherwise,
 * a burst at the end of the bucket would count twice, or one at its start not at all, until the next boundary, and
 * decisions based on the sum last longer than that. The result is exact if all events fail.
 */
export function certainSince(observed: Observed, from: number): Sum {
  const { history, now, recent } = observed;
  const boundary = indexOf(now) * BUCKET_MS;
  const last = bucketAt(history, indexOf(now) - 1);
  if (recent === null || last === null || now === boundary || from >= boundary) return sumSince(observed, from);
  const closed = sumOf((visit) => visitBuckets(history, from, boundary, visit));
  const ms = now - boundary;
  const events = (recent.events * ms) / BUCKET_MS;
  const counted = Math.min(last.errors, (last.events * (BUCKET_MS - ms)) / BUCKET_MS);
  return {
    events: closed.events + events,
    errors: closed.errors + Math.min(events, Math.max(0, recent.errors - counted)),
    ms: closed.ms + ms,
    knownMs: closed.knownMs + ms,
  };
}

/** Returns the newest moment with known counts, in milliseconds. Null: none. */
export function knownUntil({ history, now, recent }: Observed): number | null {
  if (recent !== null) return now;
  let [at, known] = [history.oldest * BUCKET_MS, -Infinity];
  visitBuckets(history, at, now, (ms, events) => {
    at += ms;
    if (!Number.isNaN(events)) known = at;
  });
  return Number.isFinite(known) ? known : null;
}

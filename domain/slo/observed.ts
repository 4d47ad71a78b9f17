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
} from './history.ts';

/** What is known of an objective at one moment. */
export type Observed = {
  history: History;
  /** Milliseconds since the Unix epoch. */
  now: number;
  /**
   * The last 300 seconds up to `now`, which no closed bucket has yet. Null: unknown; then closed buckets stand in, as
   * far as they reach.
   */
  recent: Bucket | null;
};

/**
 * Each stretch from `from` (milliseconds) to now, oldest first. On the boundary of a bucket the last 300 seconds are
 * the last closed one; between boundaries they replace the end of history, and the bucket that they begin in counts
 * with the part before them.
 */
export function visitSince({ history, now, recent }: Observed, from: number, visit: Visit): void {
  const recentFrom = now - BUCKET_MS;
  visitBuckets(history, from, recent === null ? now : recentFrom, visit);
  const ms = now - Math.max(from, recentFrom);
  if (recent === null || ms <= 0) return;
  visit(ms, (recent.events * ms) / BUCKET_MS, (recent.errors * ms) / BUCKET_MS);
}

/** @param from milliseconds */
export const sumSince = (observed: Observed, from: number): Sum => sumOf((visit) => visitSince(observed, from, visit));

/**
 * The same, without a guess at which part of the last closed bucket its errors were in: that bucket counts whole, and
 * since then there were at least as many errors as the last 300 seconds have more than it, or than its events in them. A
 * burst at its end would count twice otherwise, or one at its beginning not at all, until the next boundary; and what is
 * judged by that lasts longer. Where all events fail it is exact.
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

/** The newest moment, in milliseconds, of which something is known. Null: nothing ever was. */
export function knownUntil({ history, now, recent }: Observed): number | null {
  if (recent !== null) return now;
  let [at, known] = [history.oldest * BUCKET_MS, -Infinity];
  visitBuckets(history, at, now, (ms, events) => {
    at += ms;
    if (!Number.isNaN(events)) known = at;
  });
  return Number.isFinite(known) ? known : null;
}

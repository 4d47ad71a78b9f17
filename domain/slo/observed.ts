import { BUCKET_MS, type Bucket, type History, type Sum, sumOf, type Visit, visitBuckets } from './history.ts';

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

import { type Account, accountOf, historySeconds } from '../../decisions/budget/account.ts';
import { type Bucket, bucketAt, emptyHistory, endOf, type History, indexOf } from '../../decisions/history.ts';
import { setBucket } from '../../decisions/history.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';

/** On a bucket boundary. */
export const NOON = Date.parse('2026-11-20T12:00:00Z');

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const THRESHOLD = { kind: 'threshold', query: 'latency', op: 'lte', value: 0.3 } as const;

/** Counts of the 300 seconds from `at` (milliseconds); null: unknown. */
export type Story = (at: number) => Bucket | null;

/** Builds a story with `perBucket` events at all times, all of them errors in `[from, until)`. */
export const outage =
  (from: number, until: number, perBucket = 1000): Story =>
  (at) => {
    const ms = Math.min(until, at + 300_000) - Math.max(from, at);
    return { events: perBucket, errors: (perBucket * Math.max(0, ms)) / 300_000 };
  };

export const steady =
  (events: number, errors: number): Story =>
  () => ({ events, errors });

/** Builds the closed buckets of a story for the objective's history. */
export function pastOf(slo: Slo, story: Story, now = NOON): History {
  const history = emptyHistory(historySeconds(slo), now);
  const end = indexOf(now);
  for (let index = history.oldest; index < end; index++) setBucket(history, index, story(index * 300_000));
  return history;
}

/** Builds an account with known last 300 seconds, prorated from the story's buckets. */
export function accountAt(slo: Slo, story: Story, now = NOON): Account {
  return accountOf(slo, pastOf(slo, story, now), recentOf(story, now), now);
}

export function recentOf(story: Story, now: number): Bucket | null {
  const [first, second] = [story(indexOf(now - 300_000) * 300_000), story(indexOf(now) * 300_000)];
  const part = (now % 300_000) / 300_000;
  if (part === 0) return first;
  if (first === null || second === null) return null;
  return {
    events: first.events * (1 - part) + second.events * part,
    errors: first.errors * (1 - part) + second.errors * part,
  };
}

/** Returns all buckets, oldest first. */
export const bucketsOf = (history: History): (Bucket | null)[] =>
  Array.from({ length: endOf(history) - history.oldest }, (_, n) => bucketAt(history, history.oldest + n));

import type { SloCorrection } from '../schemas/slo-correction.ts';
import { localStart } from '../schemas/slo-correction.ts';
import { millisOf, secondsBetween, timestamp } from '../../../schemas/time/time.ts';
import type { TimeSpan } from '../../../schemas/time/time-span.ts';
import { nextSpan, spansBetween } from '../../../core/domain/time/time-spans.ts';
import type { Span } from './budget/period.ts';
import { BUCKET_MS, type Bucket, endOf, type History, indexOf, setBucket } from './history.ts';

/** A correction, with the periods in which it applies: none of them counts. */
export type AppliedCorrection = { correction: SloCorrection; spans: readonly Span[] };

type CorrectionTimes = Pick<SloCorrection, 'starts_at' | 'ends_at' | 'rrule' | 'time_zone' | 'ended_at'>;

/** Returns the periods of a correction that overlap a stretch of time, up to its end by a person. */
export function spansOf(correction: CorrectionTimes, { from, until }: Span): Span[] {
  const endedAtMs = correction.ended_at === null ? Infinity : millisOf(correction.ended_at);
  return spansBetween(timeSpanOf(correction), timestamp(from), timestamp(until))
    .map((span) => ({ from: millisOf(span.from), until: Math.min(millisOf(span.until), endedAtMs) }))
    .filter((span) => span.from < span.until && from < span.until);
}

/** Returns the first periods that start after this time. @param after Unix milliseconds */
export function nextSpans(correction: CorrectionTimes, after: number, max: number): Span[] {
  const span = timeSpanOf(correction);
  const found: Span[] = [];
  let reached = timestamp(after);
  while (found.length < max) {
    const next = nextSpan(span, reached);
    if (next === undefined || (correction.ended_at !== null && next.from >= correction.ended_at)) break;
    found.push({ from: millisOf(next.from), until: millisOf(next.until) });
    reached = next.from;
  }
  return found;
}

/** Returns whether no period can start any more, so that only its past has an effect. @param now Unix milliseconds */
export const isPast = (correction: CorrectionTimes, now: number): boolean =>
  spansOf(correction, { from: now, until: now + 1 }).length === 0 && nextSpans(correction, now, 1).length === 0;

function timeSpanOf({ starts_at, ends_at, rrule, time_zone }: CorrectionTimes): TimeSpan {
  if (rrule === null) return { from: starts_at, until: ends_at };
  const timeZone = time_zone ?? 'UTC';
  const seconds = Math.max(1, Math.ceil(secondsBetween(starts_at, ends_at)));
  return { rrule, start: localStart(starts_at, timeZone).toString(), timeZone, duration: `PT${seconds}S` };
}

/** Returns the corrections that overlap a stretch of time, with their periods in it. */
export const appliedIn = (corrections: readonly AppliedCorrection[], { from, until }: Span): AppliedCorrection[] =>
  corrections.flatMap(({ correction, spans }) => {
    const within = spans.filter((span) => span.from < until && from < span.until);
    return within.length === 0 ? [] : [{ correction, spans: within }];
  });

/** Returns all periods of the corrections. */
export const excludedBy = (corrections: readonly AppliedCorrection[]): Span[] =>
  corrections.flatMap(({ spans }) => spans);

const NO_EVENTS: Bucket = { events: 0, errors: 0 };

/**
 * Returns a copy of a history in which the buckets that a period touches count neither events nor errors. A bucket is
 * excluded as a whole, because its events cannot be told apart.
 */
export function withoutSpans(history: History, spans: readonly Span[]): History {
  if (spans.length === 0) return history;
  const copy: History = { oldest: history.oldest, events: history.events.slice(), errors: history.errors.slice() };
  for (const span of spans) {
    const { first, end } = bucketsOf(span, history);
    for (let index = first; index < end; index++) setBucket(copy, index, NO_EVENTS);
  }
  return copy;
}

/** Returns the last 300 seconds up to `now` as counted: nothing if a period touches them. */
export const recentWithout = (recent: Bucket | null, now: number, spans: readonly Span[]): Bucket | null =>
  spans.some(({ from, until }) => from < now && now - BUCKET_MS < until) ? NO_EVENTS : recent;

/** Returns how much of a stretch of time is excluded, in milliseconds: whole buckets, each once. */
export function excludedMs(spans: readonly Span[], within: Span): number {
  const parts = spans
    .map(({ from, until }) => ({
      from: Math.max(within.from, indexOf(from) * BUCKET_MS),
      until: Math.min(within.until, Math.ceil(until / BUCKET_MS) * BUCKET_MS),
    }))
    .filter(({ from, until }) => from < until)
    .toSorted((a, b) => a.from - b.from);
  let [sum, reached] = [0, -Infinity];
  for (const { from, until } of parts) {
    sum += Math.max(0, until - Math.max(from, reached));
    reached = Math.max(reached, until);
  }
  return sum;
}

/** Returns the buckets of a history that a period touches, from `first` to before `end`. */
const bucketsOf = ({ from, until }: Span, history: History): { first: number; end: number } => ({
  first: Math.max(history.oldest, indexOf(from)),
  end: Math.min(endOf(history), Math.ceil(until / BUCKET_MS)),
});

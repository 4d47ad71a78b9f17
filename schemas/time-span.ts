import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { recurrenceProblem } from './recurrence.ts';
import { oneOf } from './synonyms.ts';
import { TimeZone } from './time-zone.ts';
import { plusSeconds, type Timestamp } from './time.ts';
import { WrittenDuration, writtenInstant, writtenLocal, WrittenTime } from './written-time.ts';

/** From the first instant in it to the first one after. */
export type SingleSpan = { from: Timestamp; until: Timestamp };

export type RecurringSpan = {
  /** RFC 5545, in capitals and without `RRULE:`. */
  rrule: string;
  /** By the clocks of `timeZone`: `2026-01-03T02:00:00`. */
  start: string;
  timeZone: string;
  /** Of each occurrence, in time that passes: `PT2H30M`. */
  duration: string;
};

/** Once, or again and again. */
export type TimeSpan = SingleSpan | RecurringSpan;

/** The keys of a time span as people write it: each thing under any one of its names. */
export const SPAN_KEYS = {
  from: WrittenTime.optional(),
  start: WrittenTime.optional(),
  starts_at: WrittenTime.optional(),
  until: WrittenTime.optional(),
  end: WrittenTime.optional(),
  ends_at: WrittenTime.optional(),
  duration: WrittenDuration.optional(),
  rrule: z.string().optional(),
  timeZone: TimeZone.optional(),
  timezone: TimeZone.optional(),
  time_zone: TimeZone.optional(),
  tz: TimeZone.optional(),
  location: TimeZone.optional(),
};

type WrittenSpan = z.infer<z.ZodObject<typeof SPAN_KEYS>>;

/** A span as it was written, each thing under one name. */
type Read = {
  begins: WrittenTime;
  ends: WrittenTime | undefined;
  duration: string | undefined;
  place: string;
};

/** Undefined: it is none, and what is wrong with it has been said. */
export function readSpan(written: WrittenSpan, context: z.RefinementCtx): TimeSpan | undefined {
  const read = oneNameEach(written, context);
  if (read === undefined) return undefined;
  return written.rrule === undefined ? single(read, context) : recurring(read, written.rrule, context);
}

function oneNameEach(written: WrittenSpan, context: z.RefinementCtx): Read | undefined {
  const { from, start, starts_at, until, end, ends_at, duration, timeZone, timezone, location, time_zone, tz } =
    written;
  const begins = oneOf({ from, start, starts_at }, context);
  const ends = oneOf({ until, end, ends_at }, context);
  // The end may come without an offset where the beginning has one.
  const needsPlace = ends !== undefined && ends.offset === undefined;
  const place =
    oneOf({ timeZone, timezone, time_zone, tz, location }, context) ?? (needsPlace ? undefined : begins?.offset);
  if (begins === undefined) return wrong(context, '"from" is missing');
  if (place === undefined) return wrong(context, '"timeZone" is missing, or an offset with the times');
  return { begins, ends, duration, place };
}

/** Says what is wrong with the whole of something. */
export function wrong(context: z.RefinementCtx, message: string): undefined {
  context.addIssue({ code: 'custom', message });
}

/** Where the clocks show its end twice, it is the second one. */
function single({ begins, ends, duration, place }: Read, context: z.RefinementCtx): SingleSpan | undefined {
  if (ends !== undefined && duration !== undefined) return wrong(context, 'one of "until" and "duration" is enough');
  const from = writtenInstant(begins, place, 'first');
  if (duration !== undefined) return { from, until: plusSeconds(from, secondsOf(duration)) };
  if (ends === undefined) return wrong(context, '"until" is missing');
  const until = writtenInstant(ends, place, 'second');
  return from < until ? { from, until } : wrong(context, `it ends (${until}) before it begins (${from})`);
}

/** @param duration ISO 8601 */
export const secondsOf = (duration: string): number => Temporal.Duration.from(duration).total('seconds');

function recurring(read: Read, written: string, context: z.RefinementCtx): RecurringSpan | undefined {
  const { begins, ends, duration, place } = read;
  if (ends !== undefined) return wrong(context, 'with "rrule" goes a "duration"; the last one is UNTIL in the rule');
  if (duration === undefined) return wrong(context, '"duration" is missing');
  const rrule = written
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .replace(/;$/, '');
  const start = writtenLocal(begins, place);
  const problem = recurrenceProblem(rrule, start, place);
  if (problem !== undefined) context.addIssue({ code: 'custom', path: ['rrule'], message: problem });
  return { rrule, start: start.toString(), timeZone: place, duration };
}

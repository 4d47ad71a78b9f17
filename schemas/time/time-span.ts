import { Temporal } from 'temporal-polyfill';
import * as z from 'zod';
import { crowdProblem, recurrenceProblem, RULE_MAX_CHARS } from './recurrence.ts';
import { valueOfAliases } from '../parsing/aliases.ts';
import { TimeZone } from './time-zone.ts';
import { plusSeconds, type Timestamp } from './time.ts';
import { WrittenDuration, writtenInstant, writtenLocal, WrittenTime } from './timestamp-text.ts';

/** From the first instant in the span to the first instant after it. */
export type SingleSpan = { from: Timestamp; until: Timestamp };

export type RecurringSpan = {
  /** RFC 5545, in capitals and without `RRULE:`. */
  rrule: string;
  /** Local time in `timeZone`: `2026-01-03T02:00:00`. */
  start: string;
  timeZone: string;
  /** Elapsed time of each occurrence: `PT2H30M`. */
  duration: string;
};

/** Once or recurring. */
export type TimeSpan = SingleSpan | RecurringSpan;

/** Keys of a time span as people write it; each has several aliases. */
export const SPAN_KEYS = {
  from: WrittenTime.optional(),
  start: WrittenTime.optional(),
  starts_at: WrittenTime.optional(),
  until: WrittenTime.optional(),
  end: WrittenTime.optional(),
  ends_at: WrittenTime.optional(),
  duration: WrittenDuration.optional(),
  rrule: z
    .string()
    .max(RULE_MAX_CHARS + 'RRULE:;'.length)
    .optional(),
  timeZone: TimeZone.optional(),
  timezone: TimeZone.optional(),
  time_zone: TimeZone.optional(),
  tz: TimeZone.optional(),
  location: TimeZone.optional(),
};

type WrittenSpan = z.infer<z.ZodObject<typeof SPAN_KEYS>>;

/** A span as written, with aliases merged. */
type MergedSpan = {
  begins: WrittenTime;
  ends: WrittenTime | undefined;
  duration: string | undefined;
  timeZone: string;
};

/** Returns undefined if the span is invalid; the problems are added to `context`. */
export function readSpan(input: WrittenSpan, context: z.RefinementCtx): TimeSpan | undefined {
  const merged = mergeAliases(input, context);
  if (merged === undefined) return undefined;
  return input.rrule === undefined ? singleSpan(merged, context) : recurringSpan(merged, input.rrule, context);
}

function mergeAliases(input: WrittenSpan, context: z.RefinementCtx): MergedSpan | undefined {
  const { from, start, starts_at, until, end, ends_at, duration, timeZone, timezone, location, time_zone, tz } = input;
  const begins = valueOfAliases({ from, start, starts_at }, context);
  const ends = valueOfAliases({ until, end, ends_at }, context);
  // The end can omit the offset if the start has one.
  const needsZone = ends !== undefined && ends.offset === undefined;
  const zone =
    valueOfAliases({ timeZone, timezone, time_zone, tz, location }, context) ??
    (needsZone ? undefined : begins?.offset);
  if (begins === undefined) return addProblem(context, '"from" is missing');
  if (zone === undefined) return addProblem(context, '"timeZone" is missing; set it, or add an offset to the times');
  return { begins, ends, duration, timeZone: zone };
}

/** Adds a problem of the whole value. */
export function addProblem(context: z.RefinementCtx, message: string): undefined {
  context.addIssue({ code: 'custom', message });
}

/** If the clocks show the end twice, it is the second time. */
function singleSpan(
  { begins, ends, duration, timeZone }: MergedSpan,
  context: z.RefinementCtx,
): SingleSpan | undefined {
  if (ends !== undefined && duration !== undefined)
    return addProblem(context, 'set either "until" or "duration", not both');
  const from = writtenInstant(begins, timeZone, 'first');
  if (duration !== undefined) return { from, until: plusSeconds(from, secondsOf(duration)) };
  if (ends === undefined) return addProblem(context, '"until" is missing');
  const until = writtenInstant(ends, timeZone, 'second');
  return from < until ? { from, until } : addProblem(context, `the end (${until}) is not after the start (${from})`);
}

/** @param duration ISO 8601 */
export const secondsOf = (duration: string): number => Temporal.Duration.from(duration).total('seconds');

function recurringSpan(merged: MergedSpan, text: string, context: z.RefinementCtx): RecurringSpan | undefined {
  const { begins, ends, duration, timeZone } = merged;
  if (ends !== undefined)
    return addProblem(
      context,
      'with "rrule", set "duration" instead of an end; UNTIL in the rule limits the repetition',
    );
  if (duration === undefined) return addProblem(context, '"duration" is missing');
  const rrule = text
    .trim()
    .toUpperCase()
    .replace(/^RRULE:/, '')
    .replace(/;$/, '');
  const start = writtenLocal(begins, timeZone);
  const problem = recurrenceProblem(rrule, start, timeZone) ?? crowdProblem(rrule, secondsOf(duration));
  if (problem !== undefined) context.addIssue({ code: 'custom', path: ['rrule'], message: problem });
  return { rrule, start: start.toString(), timeZone, duration };
}

import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { Matchers } from './match.ts';
import { recurrenceProblem } from './recurrence.ts';
import { oneOf } from './synonyms.ts';
import { TimeZone } from './time-zone.ts';
import { plusSeconds, type Timestamp } from './time.ts';
import { WrittenDuration, writtenInstant, writtenLocal, WrittenTime } from './written-time.ts';

type What = { name: string; matchers: Matchers; reason?: string; by?: string };

/** From the first instant in it to the first one after. */
export type SingleWindow = What & { from: Timestamp; until: Timestamp };

export type RecurringWindow = What & {
  /** RFC 5545, in capitals and without `RRULE:`. */
  rrule: string;
  /** By the clocks of `timeZone`: `2026-01-03T02:00:00`. */
  start: string;
  timeZone: string;
  /** Of each occurrence, in time that passes: `PT2H30M`. */
  duration: string;
};

const WindowMap = z.strictObject({
  name: z.string().min(1).default('maintenance'),
  match: Matchers.optional(),
  matchers: Matchers.optional(),
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
  reason: z.string().optional(),
  by: z.string().optional(),
});

/** A window as it was written, each thing under one name. */
type Read = {
  what: What;
  begins: WrittenTime;
  ends: WrittenTime | undefined;
  duration: string | undefined;
  place: string;
};

/** A window of `maintenance`: once, or again and again. */
export const MaintenanceWindow = WindowMap.transform((window, context): MaintenanceWindow => {
  const read = oneNameEach(window, context);
  if (read === undefined) return z.NEVER;
  return (window.rrule === undefined ? single(read, context) : recurring(read, window.rrule, context)) ?? z.NEVER;
});
export type MaintenanceWindow = SingleWindow | RecurringWindow;

function oneNameEach(window: z.infer<typeof WindowMap>, context: z.RefinementCtx): Read | undefined {
  const { name, from, start, starts_at, until, end, ends_at, duration, timeZone, timezone, location, time_zone, tz } =
    window;
  const matchers = oneOf({ match: window.match, matchers: window.matchers }, context);
  const begins = oneOf({ from, start, starts_at }, context);
  const ends = oneOf({ until, end, ends_at }, context);
  // The end may come without an offset where the beginning has one.
  const needsPlace = ends !== undefined && ends.offset === undefined;
  const place =
    oneOf({ timeZone, timezone, time_zone, tz, location }, context) ?? (needsPlace ? undefined : begins?.offset);
  if (matchers === undefined) wrong(context, '"match" is missing; "match: {}" is every alert');
  if (begins === undefined) wrong(context, '"from" is missing');
  if (begins !== undefined && place === undefined) wrong(context, '"timeZone" is missing, or an offset with the times');
  if (matchers === undefined || begins === undefined || place === undefined) return undefined;
  const what: What = { name, matchers };
  if (window.reason !== undefined) what.reason = window.reason;
  if (window.by !== undefined) what.by = window.by;
  return { what, begins, ends, duration, place };
}

function wrong(context: z.RefinementCtx, message: string): undefined {
  context.addIssue({ code: 'custom', message });
}

/** Where the clocks show its end twice, it is the second one. */
function single({ what, begins, ends, duration, place }: Read, context: z.RefinementCtx): SingleWindow | undefined {
  if (ends !== undefined && duration !== undefined) return wrong(context, 'one of "until" and "duration" is enough');
  const from = writtenInstant(begins, place, 'first');
  if (duration !== undefined) return { ...what, from, until: plusSeconds(from, secondsOf(duration)) };
  if (ends === undefined) return wrong(context, '"until" is missing');
  const until = writtenInstant(ends, place, 'second');
  return from < until ? { ...what, from, until } : wrong(context, `it ends (${until}) before it begins (${from})`);
}

/** @param duration ISO 8601 */
export const secondsOf = (duration: string): number => Temporal.Duration.from(duration).total('seconds');

function recurring(read: Read, written: string, context: z.RefinementCtx): RecurringWindow | undefined {
  const { what, begins, ends, duration, place } = read;
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
  return { ...what, rrule, start: start.toString(), timeZone: place, duration };
}

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

const SHARED = {
  name: z.string().min(1),
  match: Matchers.optional(),
  matchers: Matchers.optional(),
  from: WrittenTime.optional(),
  start: WrittenTime.optional(),
  starts_at: WrittenTime.optional(),
  duration: WrittenDuration.optional(),
  timeZone: TimeZone.optional(),
  timezone: TimeZone.optional(),
  location: TimeZone.optional(),
  reason: z.string().optional(),
  by: z.string().optional(),
};
const Shared = z.strictObject(SHARED);

/** What both kinds of windows have, under one name each. To forget `match` would silence everything. */
function shared(window: z.infer<typeof Shared>, context: z.RefinementCtx) {
  const { name, reason, by } = window;
  const matchers = oneOf({ match: window.match, matchers: window.matchers }, context);
  const begins = oneOf({ from: window.from, start: window.start, starts_at: window.starts_at }, context);
  const { timeZone, timezone, location } = window;
  const place = oneOf({ timeZone, timezone, location }, context) ?? begins?.offset;
  if (matchers === undefined) missing(context, 'match', '; "match: {}" is every alert');
  if (begins === undefined) missing(context, 'from');
  if (begins !== undefined && place === undefined) missing(context, 'timeZone', ', or an offset with the times');
  if (matchers === undefined || begins === undefined || place === undefined) return undefined;
  const words = { ...(reason !== undefined && { reason }), ...(by !== undefined && { by }) };
  const what: What = { name, matchers, ...words };
  return { what, begins, place };
}

const missing = (context: z.RefinementCtx, key: string, more = ''): void =>
  context.addIssue({ code: 'custom', message: `"${key}" is missing${more}` });

const ENDS = { until: WrittenTime.optional(), end: WrittenTime.optional(), ends_at: WrittenTime.optional() };

/** Where clocks are set back within it, it has the hour twice. */
const SingleWindow = z
  .strictObject({ ...SHARED, ...ENDS })
  .transform(({ until, end, ends_at, ...window }, context): SingleWindow => {
    const read = shared(window, context);
    const ends = oneOf<WrittenTime | string>({ until, end, ends_at, duration: window.duration }, context);
    if (ends === undefined) missing(context, 'until');
    if (read === undefined || ends === undefined) return z.NEVER;
    const { what, begins, place } = read;
    const from = writtenInstant(begins, place, 'first');
    const to = typeof ends === 'string' ? plusSeconds(from, secondsOf(ends)) : writtenInstant(ends, place, 'second');
    if (to <= from) context.addIssue({ code: 'custom', message: `it ends (${to}) before it begins (${from})` });
    return { ...what, from, until: to };
  });

/** @param duration ISO 8601 */
export const secondsOf = (duration: string): number => Temporal.Duration.from(duration).total('seconds');

const RecurringWindow = z
  .strictObject({ ...SHARED, rrule: z.string() })
  .transform(({ rrule, ...window }, context): RecurringWindow => {
    const read = shared(window, context);
    const { duration } = window;
    if (duration === undefined) missing(context, 'duration');
    if (read === undefined || duration === undefined) return z.NEVER;
    const { what, begins, place } = read;
    const rule = rrule
      .trim()
      .toUpperCase()
      .replace(/^RRULE:/, '')
      .replace(/;$/, '');
    const start = writtenLocal(begins, place);
    const problem = recurrenceProblem(rule, start, place);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['rrule'], message: problem });
    return { ...what, rrule: rule, start: start.toString(), timeZone: place, duration };
  });

/** A window of `maintenance`: once, or again and again. */
export const MaintenanceWindow = z.union([SingleWindow, RecurringWindow]);
export type MaintenanceWindow = z.infer<typeof MaintenanceWindow>;

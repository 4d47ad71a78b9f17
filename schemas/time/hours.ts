import * as z from 'zod';
import { valueOfAliases } from '../parsing/aliases.ts';
import { isTimeZone, TimeZone } from './time-zone.ts';

/** In ISO 8601 order: Monday is the first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/**
 * Hours of a week in local time. `from` is the first minute, `to` the first minute after. If `to` is not later than
 * `from`, it is on the next day: a night belongs to the day on which it begins.
 */
export type Hours = {
  days: Weekday[];
  /** `HH:MM` */
  from: string;
  /** `HH:MM`, up to `24:00` */
  to: string;
  timeZone: string;
};

const EXAMPLE = 'write hours such as Mon-Fri 09:00-17:00 Europe/Berlin, or a list of them';

const GROUPS = new Map<string, readonly Weekday[]>([
  ['daily', WEEKDAYS],
  ['everyday', WEEKDAYS],
  ['weekdays', WEEKDAYS.slice(0, 5)],
  ['weekend', WEEKDAYS.slice(5)],
  ['weekends', WEEKDAYS.slice(5)],
]);

const LONG_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

/** Returns 0 for Monday, or -1. A name can be shortened to two letters or more. */
const dayNumber = (word: string): number =>
  word.length < 2 ? -1 : LONG_NAMES.findIndex((name) => name.startsWith(word));

/** Parses `mon-fri`, `fri-mon`, `sat`, `weekend`. Returns undefined if it is not a range of days. */
function rangeOfDays(text: string): readonly Weekday[] | undefined {
  const word = text.trim().toLowerCase();
  const ends = word.split(/[-–:]/).map((part) => dayNumber(part.trim()));
  const [from = -1, to = from] = ends;
  if (GROUPS.has(word) || ends.length > 2 || ends.includes(-1)) return GROUPS.get(word);
  return WEEKDAYS.filter((_, day) => (from <= to ? day >= from && day <= to : day >= from || day <= to));
}

/** Parses `mon-wed, sat`. Returns undefined if a part is not a day. */
function daysOf(text: string): Weekday[] | undefined {
  const named = text.split(',').map(rangeOfDays);
  return named.includes(undefined) ? undefined : WEEKDAYS.filter((day) => named.flat().includes(day));
}

const Days = z.union([z.string(), z.array(z.string())]).transform((given, context): Weekday[] => {
  const text = String(given);
  const days = daysOf(text);
  if (days !== undefined) return days;
  context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is not a day of the week; ${EXAMPLE}` });
  return z.NEVER;
});

/** Accepts `9`, `9:00`, `09:00`, at most `24:00`; returns `HH:MM`. */
export const TimeOfDay = z.union([z.string(), z.number()]).transform((given, context): string => {
  const [, hours, minutes = '00'] = /^(\d{1,2})(?::([0-5]\d))?$/.exec(String(given)) ?? [];
  if (hours !== undefined && Number(hours) * 60 + Number(minutes) <= 24 * 60)
    return `${hours.padStart(2, '0')}:${minutes}`;
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(given)} is not a time of day; write one such as 09:00`,
  });
  return z.NEVER;
});

const HoursMap = z
  .strictObject({
    days: Days.default([...WEEKDAYS]),
    from: TimeOfDay.optional(),
    start: TimeOfDay.optional(),
    to: TimeOfDay.optional(),
    end: TimeOfDay.optional(),
    timeZone: TimeZone.optional(),
    timezone: TimeZone.optional(),
    time_zone: TimeZone.optional(),
    tz: TimeZone.optional(),
    location: TimeZone.optional(),
  })
  .transform(({ days, timeZone, timezone, time_zone, tz, location, ...times }, context): Hours => {
    const from = valueOfAliases({ from: times.from, start: times.start }, context) ?? '00:00';
    const to = valueOfAliases({ to: times.to, end: times.end }, context) ?? '24:00';
    if (from === to || from === '24:00') {
      context.addIssue({ code: 'custom', message: `${from}-${to} is empty; write a whole day as 00:00-24:00` });
    }
    return {
      days,
      from,
      to,
      timeZone: valueOfAliases({ timeZone, timezone, time_zone, tz, location }, context) ?? 'UTC',
    };
  });

const TIMES = /^(\D*)(\d[\d:]*)\s*(?:-|–|to)\s*(\d[\d:]*)(?:\s+(\S.*))?$/i;

/** Splits the text. Days without times are whole days; times without days apply to every day. */
function partsOf(text: string): { days?: string; from?: string; to?: string; timeZone?: string } {
  const [, days = '', from = '', to = '', timeZone] = TIMES.exec(text) ?? [];
  if (from !== '') return { from, to, ...(days.trim() && { days: days.trim() }), ...(timeZone && { timeZone }) };
  const [, before = '', last = ''] = /^(.*\S)\s+(\S+)$/.exec(text) ?? [];
  return daysOf(last) === undefined && isTimeZone(last) ? { days: before, timeZone: last } : { days: text };
}

/** `Mon-Fri 09:00-17:00 Europe/Berlin`; the default time zone is UTC. */
const HoursText = z
  .string()
  .transform((text): z.input<typeof HoursMap> => partsOf(text.trim()))
  .pipe(HoursMap);

const HoursEntry = z.union([HoursText, HoursMap]);

/** As people write them: a text, a map, or a list of these. Empty: always. */
export const HoursList = z.union([HoursEntry.transform((hours) => [hours]), z.array(HoursEntry)]);

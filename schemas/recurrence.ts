import { RRuleTemporal } from 'rrule-temporal';
import type { Temporal } from 'temporal-polyfill';
import type { Timestamp } from './time.ts';
import { localTime } from './time-zone.ts';

/**
 * When a window recurs, as what the clocks of its place show, written as UTC: a time that the clocks skip in spring is
 * an occurrence like the others. What it means becomes clear where it is made an instant.
 *
 * @param rule of RFC 5545, e.g. `FREQ=WEEKLY;BYDAY=SA`; one that `recurrenceProblem` finds nothing wrong with
 * @param timeZone of an `UNTIL` that is given in UTC
 */
export function occurrences(rule: string, start: Temporal.PlainDateTime, timeZone: string): RRuleTemporal {
  const rruleString = rule.replace(/\bUNTIL=(\d{8}T\d{6})(Z?)/, (_, until: string, utc: string) =>
    utc === '' ? `UNTIL=${until}Z` : `UNTIL=${basic(localTime(extended(until), timeZone))}Z`,
  );
  return new RRuleTemporal({ rruleString, dtstart: start.toZonedDateTime('UTC') });
}

/** Of `20260103T020000`. */
const extended = (text: string): Timestamp =>
  text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z') as Timestamp;

const basic = (local: Temporal.PlainDateTime): string =>
  local.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '');

const whole = (min: number, max: number) => (text: string) =>
  /^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max;
const fromEitherEnd = (max: number) => (text: string) => whole(1, max)(text.replace(/^[+-]/, ''));
const oneOfThese = (pattern: RegExp) => (text: string) => pattern.test(text);

/**
 * The parts of a rule, and what each of their values may be. The library leaves out what it does not know, without a
 * word. Not here: seconds, other calendars, and frequencies that would make windows which never end.
 */
const PARTS: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['FREQ', oneOfThese(/^(DAILY|WEEKLY|MONTHLY|YEARLY)$/)],
  ['INTERVAL', whole(1, 1000)],
  ['COUNT', whole(1, 1000)],
  ['UNTIL', oneOfThese(/^\d{8}(T\d{6}Z?)?$/)],
  ['BYMONTH', whole(1, 12)],
  ['BYWEEKNO', fromEitherEnd(53)],
  ['BYYEARDAY', fromEitherEnd(366)],
  ['BYMONTHDAY', fromEitherEnd(31)],
  ['BYDAY', oneOfThese(/^([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)$/)],
  ['BYHOUR', whole(0, 23)],
  ['BYMINUTE', whole(0, 59)],
  ['BYSETPOS', fromEitherEnd(366)],
  ['WKST', oneOfThese(/^(MO|TU|WE|TH|FR|SA|SU)$/)],
]);

/** What is wrong with a rule, as a sentence. Undefined: nothing. */
export function recurrenceProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  const parts = rule.split(';').map((part) => part.split('='));
  for (const [name = '', values = ''] of parts) {
    const fits = PARTS.get(name);
    if (fits === undefined) return `unknown part ${JSON.stringify(name)}; a rule looks like FREQ=WEEKLY;BYDAY=SA`;
    if (!values.split(',').every(fits)) return `${name} cannot be ${JSON.stringify(values)}`;
  }
  const names = parts.map(([name]) => name);
  if (!names.includes('FREQ')) return 'FREQ is missing; a rule looks like FREQ=WEEKLY;BYDAY=SA';
  if (new Set(names).size < names.length) return 'a part of it is there twice';
  if (names.includes('COUNT') && names.includes('UNTIL')) return 'COUNT and UNTIL exclude each other';
  return neverComes(rule, start, timeZone);
}

function neverComes(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  try {
    // Those that are counted are counted out, so that none is found later to take too long.
    const first = occurrences(rule, start, timeZone).all((_, index) => index === 0 || rule.includes('COUNT='));
    return first.length > 0 ? undefined : `it never comes after ${start.toString()}`;
  } catch (error) {
    return error instanceof Error ? `it cannot be followed: ${error.message}` : String(error);
  }
}

import { RRuleTemporal } from 'rrule-temporal';
import type { Temporal } from 'temporal-polyfill';
import type { Timestamp } from './time.ts';
import { localTime } from './time-zone.ts';

/**
 * Returns the occurrences of a window in local time, written as UTC: a time that the clocks skip in spring is an
 * occurrence like others. Its meaning is decided when it is converted to an instant.
 *
 * @param rule of RFC 5545, e.g. `FREQ=WEEKLY;BYDAY=SA`, for which `recurrenceProblem` finds no problem
 * @param timeZone of an `UNTIL` that is given in UTC
 */
export function occurrences(rule: string, start: Temporal.PlainDateTime, timeZone: string): RRuleTemporal {
  const rruleString = rule.replace(/\bUNTIL=(\d{8}T\d{6})(Z?)/, (_, until: string, utc: string) =>
    utc === '' ? `UNTIL=${until}Z` : `UNTIL=${toBasicFormat(localTime(fromBasicFormat(until), timeZone))}Z`,
  );
  return new RRuleTemporal({ rruleString, dtstart: start.toZonedDateTime('UTC') });
}

/** Converts `20260103T020000`. */
const fromBasicFormat = (text: string): Timestamp =>
  text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z') as Timestamp;

const toBasicFormat = (local: Temporal.PlainDateTime): string =>
  local.toString({ smallestUnit: 'second' }).replaceAll(/[-:]/g, '');

const integerBetween = (min: number, max: number) => (text: string) =>
  /^\d{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max;
const fromEitherEnd = (max: number) => (text: string) => integerBetween(1, max)(text.replace(/^[+-]/, ''));
const matching = (pattern: RegExp) => (text: string) => pattern.test(text);

/**
 * The parts of a rule and their valid values, since the library silently ignores unknown ones. Excluded are seconds,
 * other calendars, and frequencies whose windows would never end.
 */
const RULE_PARTS: ReadonlyMap<string, (value: string) => boolean> = new Map([
  ['FREQ', matching(/^(DAILY|WEEKLY|MONTHLY|YEARLY)$/)],
  ['INTERVAL', integerBetween(1, 1000)],
  ['COUNT', integerBetween(1, 1000)],
  ['UNTIL', matching(/^\d{8}(T\d{6}Z?)?$/)],
  ['BYMONTH', integerBetween(1, 12)],
  ['BYWEEKNO', fromEitherEnd(53)],
  ['BYYEARDAY', fromEitherEnd(366)],
  ['BYMONTHDAY', fromEitherEnd(31)],
  ['BYDAY', matching(/^([+-]?[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)$/)],
  ['BYHOUR', integerBetween(0, 23)],
  ['BYMINUTE', integerBetween(0, 59)],
  ['BYSETPOS', fromEitherEnd(366)],
  ['WKST', matching(/^(MO|TU|WE|TH|FR|SA|SU)$/)],
]);

/** Returns what is wrong with a rule, as a sentence, or undefined. */
export function recurrenceProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  const parts = rule.split(';').map((part) => part.split('='));
  for (const [name = '', values = ''] of parts) {
    const fits = RULE_PARTS.get(name);
    if (fits === undefined) return `unknown part ${JSON.stringify(name)}; write a rule such as FREQ=WEEKLY;BYDAY=SA`;
    if (!values.split(',').every(fits)) return `invalid value ${JSON.stringify(values)} of ${name}`;
  }
  const names = parts.map(([name]) => name);
  if (!names.includes('FREQ')) return 'FREQ is missing; write a rule such as FREQ=WEEKLY;BYDAY=SA';
  if (new Set(names).size < names.length) return 'a part is repeated';
  if (names.includes('COUNT') && names.includes('UNTIL')) return 'COUNT and UNTIL cannot be combined';
  return occurrenceProblem(rule, start, timeZone);
}

function occurrenceProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  try {
    // Rules with COUNT are evaluated completely, so that a slow one is found here and not later.
    const first = occurrences(rule, start, timeZone).all((_, index) => index === 0 || rule.includes('COUNT='));
    return first.length > 0 ? undefined : `the rule has no occurrence after ${start.toString()}`;
  } catch (error) {
    return error instanceof Error ? `the rule cannot be evaluated: ${error.message}` : String(error);
  }
}

/** Time in which occurrences are compared: more than a year, after which most rules repeat. */
const COMPARED_DAYS = 400;

/**
 * Returns what is wrong with the duration of the occurrences of a valid rule, as a sentence, or undefined: they overlap, or
 * follow each other without a gap and without an end.
 *
 * @param rule with at most one occurrence a day
 */
export function overlapProblem(
  rule: string,
  { start, timeZone, seconds }: { start: Temporal.PlainDateTime; timeZone: string; seconds: number },
): string | undefined {
  if (seconds < 86_400) return undefined;
  const end = start.toZonedDateTime('UTC').epochMilliseconds + COMPARED_DAYS * 86_400_000;
  const all = occurrences(rule, start, timeZone).all((at) => at.epochMilliseconds < end);
  let hasGap = /(^|;)(COUNT|UNTIL)=/.test(rule);
  for (const [index, next] of all.entries()) {
    const before = all[index - 1];
    if (before === undefined) continue;
    const intervalSeconds = (next.epochMilliseconds - before.epochMilliseconds) / 1000;
    if (intervalSeconds < seconds)
      return `occurrences overlap: each lasts ${hoursText(seconds)}, but the one of ${dayOf(next)} starts ${hoursText(intervalSeconds)} after the one of ${dayOf(before)}; shorten the period, or let it recur less often`;
    hasGap ||= intervalSeconds > seconds;
  }
  return hasGap || all.length < 2
    ? undefined
    : `occurrences of ${hoursText(seconds)} leave no time in between, without an end; shorten the period, or add UNTIL or COUNT`;
}

const hoursText = (seconds: number): string => `${Math.round(seconds / 36) / 100} h`;
const dayOf = (at: Temporal.ZonedDateTime): string => at.toPlainDate().toString();

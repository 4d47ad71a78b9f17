import { RRuleTemporal } from 'rrule-temporal';
import type { Temporal } from 'temporal-polyfill';
import type { Timestamp } from './time.ts';
import { instantOf, localTime } from './time-zone.ts';

/** What is asked about the occurrences of a rule. */
export type Occurrences = Pick<RRuleTemporal, 'all'> & {
  between(from: Temporal.ZonedDateTime, until: Temporal.ZonedDateTime, inclusive: true): Temporal.ZonedDateTime[];
  next(after: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null;
};

/** Hours by which clocks change at most, and one more: a time zone that crosses the date line can repeat a whole day. */
const CLOCK_CHANGE_MAX_HOURS = 25;

/**
 * Returns the occurrences of a window in local time, written as UTC: a time that the clocks skip in spring is an
 * occurrence like others. Its meaning is decided when it is converted to an instant.
 *
 * @param rule of RFC 5545, e.g. `FREQ=WEEKLY;BYDAY=SA`, for which `recurrenceProblem` finds no problem
 * @param timeZone of an `UNTIL` that is given in UTC. It is an instant, and compared as one: the clocks can show a later
 *   time at an earlier instant
 * @param maxIterations periods to examine; the library throws if it needs more
 */
export function occurrences(
  rule: string,
  start: Temporal.PlainDateTime,
  timeZone: string,
  maxIterations?: number,
): Occurrences {
  let last: Timestamp | undefined;
  const rruleString = rule.replace(/\bUNTIL=(\d{8}T\d{6})(Z?)/, (_, until: string, utc: string) => {
    if (utc === '') return `UNTIL=${until}Z`;
    last = fromBasicFormat(until);
    return `UNTIL=${toBasicFormat(localTime(last, timeZone).add({ hours: CLOCK_CHANGE_MAX_HOURS }))}Z`;
  });
  const byLibrary = new RRuleTemporal({
    rruleString,
    dtstart: start.toZonedDateTime('UTC'),
    ...(maxIterations !== undefined && { maxIterations }),
  });
  const all = searching(byLibrary);
  const whole = rule.includes('BYWEEKNO=') ? withWeeksOfYearBefore(all) : all;
  return last === undefined ? whole : upTo(whole, last, timeZone);
}

/** Returns all occurrences. There is no next one if the library gives up the search: it throws after many periods without any. */
const searching = (all: RRuleTemporal): Occurrences => ({
  all: (goOn) => all.all(goOn),
  between: (...range) => all.between(...range),
  next(after) {
    try {
      return all.next(after);
    } catch {
      return null;
    }
  },
});

/** Returns all occurrences. In the first days of a year, the library overlooks those of a week that began in the year before. */
function withWeeksOfYearBefore(all: Occurrences): Occurrences {
  const between: Occurrences['between'] = (from, ...to) =>
    all.between(from.subtract({ days: 7 }), ...to).filter((at) => from.epochMilliseconds <= at.epochMilliseconds);
  return {
    ...all,
    between,
    next: (after) =>
      between(after, after.add({ days: 7 }), true).find((at) => after.epochMilliseconds < at.epochMilliseconds) ??
      all.next(after),
  };
}

/** Returns the occurrences that start at this instant or before. Few others are among `all`. */
function upTo(all: Occurrences, last: Timestamp, timeZone: string): Occurrences {
  const isIncluded = (local: Temporal.ZonedDateTime): boolean =>
    instantOf(local.toPlainDateTime(), timeZone, 'first') <= last;
  return {
    all: (goOn = () => true) => {
      let index = 0;
      return all.all((local) => !isIncluded(local) || goOn(local, index++)).filter(isIncluded);
    },
    between: (...range) => all.between(...range).filter(isIncluded),
    next: (from) => {
      let local = all.next(from);
      // A time that the clocks skip starts later than some that follow it.
      while (local !== null && !isIncluded(local)) local = all.next(local);
      return local;
    },
  };
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
  ['COUNT', integerBetween(1, 500)],
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

/** Maximum length of a rule. */
export const RULE_MAX_CHARS = 500;

/** Maximum number of starts on one day, and in one period: a day, week, month, or year, as FREQ says. */
const STARTS_PER_DAY_MAX = 24;
const STARTS_PER_PERIOD_MAX = 400;

/** Starts that the check of a rule examines: as many periods as fit, within these numbers of periods. */
const EXAMINED_STARTS = 3000;
const EXAMINED_PERIODS = { min: 40, max: 500 };

/** Maximum number of occurrences that are expanded to find those of one instant. */
const NEAR_OCCURRENCES_MAX = 100;

/** Days around an occurrence in which others are looked up, besides its duration: clock changes. */
const MARGIN_DAYS = 3;

/** Returns what is wrong with a rule, as a sentence, or undefined. */
export function recurrenceProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  if (rule.length > RULE_MAX_CHARS)
    return `a rule has at most ${RULE_MAX_CHARS} characters; this one has ${rule.length}`;
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
  if (start.year < 1970) return `the start ${start.toString()} is before 1970`;
  return startsProblem(rule) ?? occurrenceProblem(rule, start, timeZone);
}

/**
 * Returns which parts of a valid rule are not evaluated as RFC 5545 defines them, as a sentence with what to write instead, or undefined.
 * Rules that were written before stay valid.
 */
export function recurrenceDoubt(rule: string): string | undefined {
  const [[frequency], days] = [valuesOf(rule, 'FREQ'), valuesOf(rule, 'BYDAY')];
  const [months, monthDays, yearDays, weeks] = ['BYMONTH', 'BYMONTHDAY', 'BYYEARDAY', 'BYWEEKNO'].map(
    (name) => countOf(rule, name) > 0,
  );
  const numbered = days.find((day) => /\d/.test(day));
  const rare = days.find((day) => /53/.test(day));
  if (numbered !== undefined && (frequency === 'DAILY' || frequency === 'WEEKLY'))
    return `the number in BYDAY=${numbered} is ignored with FREQ=${frequency}; write FREQ=${Math.abs(parseInt(numbered, 10)) > 5 ? 'YEARLY' : 'MONTHLY'};BYDAY=${numbered}`;
  if (frequency === 'YEARLY' && !months && numbered !== undefined && days.some((day) => !/\d/.test(day)))
    return `BYDAY with and without numbers is evaluated only with FREQ=MONTHLY or BYMONTH; write two rules`;
  if (frequency === 'YEARLY' && !months && rare !== undefined)
    return `BYDAY=${rare} is also found in years without it; write BYDAY=${rare.startsWith('-') ? '1' : '-1'}${rare.slice(-2)} for one in each year`;
  if (weeks && (frequency !== 'YEARLY' || days.length === 0 || numbered !== undefined || monthDays || yearDays))
    return 'BYWEEKNO needs FREQ=YEARLY and BYDAY without numbers, and cannot be combined with BYMONTHDAY or BYYEARDAY; write a rule such as FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO';
  const isPart = frequency === 'WEEKLY' || (frequency === 'MONTHLY' && countOf(rule, 'BYSETPOS') > 0);
  if (yearDays && (monthDays || days.length > 0 || isPart))
    return 'BYYEARDAY cannot be combined with BYDAY, BYMONTHDAY, FREQ=WEEKLY, or BYSETPOS of a month; write a rule such as FREQ=YEARLY;BYYEARDAY=100';
  if (monthDays && ((frequency === 'WEEKLY' && days.length === 0) || (frequency === 'YEARLY' && numbered && !months)))
    return `BYMONTHDAY is not evaluated so with FREQ=${frequency}; write FREQ=MONTHLY, or add BYMONTH to a yearly rule`;
  return undefined;
}

/** Refuses rules with too many starts, since all of a period are computed to find one of them. */
function startsProblem(rule: string): string | undefined {
  const perDay = startsPerDay(rule);
  if (perDay > STARTS_PER_DAY_MAX)
    return `it starts ${perDay} times a day; at most ${STARTS_PER_DAY_MAX} are possible, so shorten BYHOUR or BYMINUTE`;
  const perPeriod = startsPerPeriod(rule);
  if (perPeriod > STARTS_PER_PERIOD_MAX)
    return `it can start ${perPeriod} times in a period; at most ${STARTS_PER_PERIOD_MAX} are possible, so use a shorter FREQ`;
  const unreachable = valuesOf(rule, 'BYSETPOS').find((position) => Math.abs(Number(position)) > perPeriod);
  return unreachable === undefined
    ? undefined
    : `BYSETPOS=${unreachable} never occurs: a period has at most ${perPeriod} starts`;
}

const valuesOf = (rule: string, name: string): readonly string[] => {
  const part = rule.split(';').find((one) => one.startsWith(`${name}=`));
  return part === undefined ? [] : [...new Set(part.slice(name.length + 1).split(','))];
};

const countOf = (rule: string, name: string): number => valuesOf(rule, name).length;

const startsPerDay = (rule: string): number =>
  Math.max(1, countOf(rule, 'BYHOUR')) * Math.max(1, countOf(rule, 'BYMINUTE'));

/** Returns an upper bound of the starts in a day, week, month, or year. */
const startsPerPeriod = (rule: string): number => startsPerDay(rule) * daysPerPeriod(rule);

function daysPerPeriod(rule: string): number {
  const [frequency] = valuesOf(rule, 'FREQ');
  if (frequency === 'DAILY') return 1;
  if (frequency === 'WEEKLY') return Math.max(1, countOf(rule, 'BYDAY'));
  const hasDays = ['BYDAY', 'BYWEEKNO', 'BYYEARDAY'].some((name) => countOf(rule, name) > 0);
  const daysOfMonth = countOf(rule, 'BYMONTHDAY') || (hasDays ? 31 : 1);
  if (frequency === 'MONTHLY') return daysOfMonth;
  const months = countOf(rule, 'BYMONTH');
  if (months > 0) return months * daysOfMonth;
  return countOf(rule, 'BYYEARDAY') || (hasDays ? 366 : countOf(rule, 'BYMONTHDAY') * 12 || 1);
}

function occurrenceProblem(rule: string, start: Temporal.PlainDateTime, timeZone: string): string | undefined {
  const periods = examinedPeriods(rule);
  try {
    // Rules with COUNT are evaluated completely, so that a slow one is found here and not later.
    const first = occurrences(rule, start, timeZone, periods).all((_, index) => index === 0 || rule.includes('COUNT='));
    return first.length > 0 ? undefined : `the rule has no occurrence after ${start.toString()}`;
  } catch (error) {
    if (!(error instanceof Error)) return String(error);
    if (!error.message.startsWith('Maximum ')) return `the rule cannot be evaluated: ${error.message}`;
    const which = rule.includes('COUNT=') ? 'as many occurrences as COUNT' : 'an occurrence';
    return `the rule does not have ${which} in the first ${periods} periods after ${start.toString()}; use a longer FREQ, or a smaller COUNT`;
  }
}

/** Returns how many periods the check of a rule examines. */
const examinedPeriods = (rule: string): number =>
  Math.min(EXAMINED_PERIODS.max, Math.max(EXAMINED_PERIODS.min, Math.floor(EXAMINED_STARTS / startsPerPeriod(rule))));

/** Returns what is wrong with the duration of a valid rule, as a sentence, or undefined: too many occurrences at once. */
export function crowdProblem(rule: string, seconds: number): string | undefined {
  const near = Math.ceil(startsPerDay(rule) * (seconds / 86_400 + MARGIN_DAYS));
  return near > NEAR_OCCURRENCES_MAX
    ? `up to ${near} occurrences are near one instant; at most ${NEAR_OCCURRENCES_MAX} are possible, so start less often, or shorten the duration`
    : undefined;
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

import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { nextSpan, spansAt, spansBetween } from '../../../core/domain/time/time-spans.ts';
import { crowdProblem, occurrences, recurrenceDoubt, recurrenceProblem } from '../../../schemas/time/recurrence.ts';
import { type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { runs } from '../../support/runs.ts';

const list = (name: string, min: number, max: number) =>
  fc
    .uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 40 })
    .map((values) => values.filter((value) => value !== 0 || min === 0))
    .map((values) => (values.length === 0 ? '' : `${name}=${values.join(',')}`));
const maybe = (part: fc.Arbitrary<string>) => fc.option(part, { nil: '', freq: 1 });

const anyRule = fc
  .tuple(
    fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY', 'FREQ=MONTHLY', 'FREQ=YEARLY'),
    maybe(fc.constantFrom('INTERVAL=2', 'INTERVAL=1000', 'COUNT=1', 'COUNT=500')),
    maybe(fc.constantFrom('BYDAY=MO', 'BYDAY=MO,TU,WE,TH,FR,SA,SU', 'BYDAY=-1FR', 'BYDAY=53SU')),
    maybe(list('BYMONTH', 1, 12)),
    maybe(list('BYMONTHDAY', -31, 31)),
    maybe(list('BYYEARDAY', -366, 366)),
    maybe(list('BYWEEKNO', -53, 53)),
    maybe(list('BYHOUR', 0, 23)),
    maybe(list('BYMINUTE', 0, 59)),
    maybe(list('BYSETPOS', -366, 366)),
  )
  .map((parts) => parts.filter((part) => part !== '').join(';'));
const anyStart = fc.constantFrom('1970-01-01T00:00:00', '2000-02-29T02:30:00', '2026-01-03T02:00:00');

test('an accepted rule has a start within 500 periods, and few occurrences near one instant', () => {
  fc.assert(
    fc.property(anyRule, anyStart, fc.constantFrom('PT1H', 'P1D', 'P30D'), (rule, from, duration) => {
      const start = Temporal.PlainDateTime.from(from);
      const seconds = Temporal.Duration.from(duration).total('seconds');
      if (recurrenceProblem(rule, start, 'UTC') !== undefined || crowdProblem(rule, seconds) !== undefined) return;
      const [first] = occurrences(rule, start, 'UTC', 500).all((_, index) => index === 0);
      const at = timestamp(first?.epochMilliseconds ?? NaN);
      const near = spansAt({ rrule: rule, start: from, timeZone: 'UTC', duration }, at);
      expect(near.length).toBeGreaterThan(0);
      expect(near.length).toBeLessThanOrEqual(100);
    }),
    { numRuns: runs(60) },
  );
});

const BERLIN = 'Europe/Berlin';
const NEW_YORK = 'America/New_York';

test.each([
  // The clocks show 02:30 twice. The first time is before UNTIL, although UNTIL is 02:00.
  ['2027-10-30T02:30:00', BERLIN, '20271031T010000Z', ['2027-10-30T00:30', '2027-10-31T00:30']],
  ['2027-10-30T02:30:00', BERLIN, '20271031T003000Z', ['2027-10-30T00:30', '2027-10-31T00:30']],
  ['2027-10-30T02:30:00', BERLIN, '20271031T002959Z', ['2027-10-30T00:30']],
  ['2027-11-06T01:30:00', NEW_YORK, '20271107T060000Z', ['2027-11-06T05:30', '2027-11-07T05:30']],
  // The clocks skip 02:30, so this occurrence starts at 03:30. UNTIL is 03:15, then 03:30.
  ['2027-03-27T02:30:00', BERLIN, '20270328T011500Z', ['2027-03-27T01:30']],
  ['2027-03-27T02:30:00', BERLIN, '20270328T013000Z', ['2027-03-27T01:30', '2027-03-28T01:30']],
  ['2027-03-13T02:30:00', NEW_YORK, '20270314T071500Z', ['2027-03-13T07:30']],
  // Without Z, UNTIL is a local time.
  ['2027-10-30T02:30:00', BERLIN, '20271031T020000', ['2027-10-30T00:30']],
])('UNTIL is compared as an instant: %s %s %s', (start, timeZone, until, starts) => {
  const span = { rrule: `FREQ=DAILY;UNTIL=${until}`, start, timeZone, duration: 'PT10M' };
  const at = (text: string) => `${text}:00.000Z` as Timestamp;
  const [from, end] = [at(`${start.slice(0, 8)}01T00:00`), at('2028-01-01T00:00')];
  expect(spansBetween(span, from, end).map((one) => one.from)).toEqual(starts.map(at));
  expect(nextSpan(span, at(starts.at(-1) ?? ''))).toBeUndefined();
  expect(spansAt(span, at(starts.at(-1) ?? ''))).toHaveLength(1);
});

test('a skipped time after UNTIL does not hide a later clock time before UNTIL', () => {
  const rrule = 'FREQ=DAILY;BYHOUR=2,3;BYMINUTE=5,50;UNTIL=20270328T011000Z';
  const span = { rrule, start: '2027-03-28T01:00:00', timeZone: BERLIN, duration: 'PT1M' };
  // 02:05 becomes 03:05, 02:50 becomes 03:50, which is after UNTIL at 03:10; 03:05 is 03:05.
  const starts = spansBetween(span, '2027-03-28T00:00:00.000Z' as Timestamp, '2027-03-29T00:00:00.000Z' as Timestamp);
  expect(new Set(starts.map(({ from }) => from))).toEqual(new Set(['2027-03-28T01:05:00.000Z']));
  expect(nextSpan(span, '2027-03-26T00:00:00.000Z' as Timestamp)?.from).toBe('2027-03-28T01:05:00.000Z');
});

test('days of a week that began in the year before are found', () => {
  const start = Temporal.PlainDateTime.from('2020-01-01T10:00:00');
  const all = occurrences('FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU', start, 'UTC');
  const from = Temporal.ZonedDateTime.from('2027-01-01T00:00[UTC]');
  const until = from.add({ months: 1 });
  expect(all.between(from, until, true).map(String)).toEqual(['2027-01-03T10:00:00+00:00[UTC]']);
  expect(String(all.next(from))).toBe('2027-01-03T10:00:00+00:00[UTC]');
});

test('a rule whose next start the library does not find has none', () => {
  // No January has a 15th in week 53.
  const rrule = 'FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYMONTHDAY=15;BYHOUR=1;BYWEEKNO=53';
  const span = { rrule, start: '2026-01-03T02:00', timeZone: 'UTC', duration: 'PT1H' };
  const at = '2028-02-01T12:00:00.000Z' as Timestamp;
  expect(nextSpan(span, at)).toBeUndefined();
  expect(spansAt(span, at)).toEqual([]);
});

const DAY_MS = 86_400_000;
const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];

/** Returns the day with this number since 1970. */
const dateOf = (day: number) => new Temporal.PlainDate(1970, 1, 1).add({ days: day });
const dayNumber = (year: number, month: number, day: number): number => Date.UTC(year, month - 1, day) / DAY_MS;

/** Returns the starts of a rule from `after` until `before` (milliseconds) as RFC 5545 defines them: by looking at each day. */
function definedStarts(rule: string, start: Temporal.PlainDateTime, after: number, before: number): number[] {
  const parts = new Map(rule.split(';').map((part) => part.split('=') as [string, string]));
  const numbers = (name: string) => parts.get(name)?.split(',').map(Number);
  const frequency = parts.get('FREQ');
  const [months, yearDays, weeks, positions] = ['BYMONTH', 'BYYEARDAY', 'BYWEEKNO', 'BYSETPOS'].map(numbers);
  let monthDays = numbers('BYMONTHDAY');
  let weekdays = parts.get('BYDAY')?.split(',');
  const isPlain = !monthDays && !weekdays && !yearDays && !weeks;
  if (frequency === 'WEEKLY') weekdays ??= [WEEKDAYS[start.dayOfWeek - 1] ?? ''];
  if (isPlain && (frequency === 'MONTHLY' || frequency === 'YEARLY')) monthDays = [start.day];
  const usedMonths = months ?? (isPlain && frequency === 'YEARLY' ? [start.month] : undefined);
  const times = (numbers('BYHOUR') ?? [start.hour]).flatMap((hour) =>
    (numbers('BYMINUTE') ?? [start.minute]).map((minute) => (hour * 60 + minute) * 60_000),
  );
  const includes = (set: readonly number[] | undefined, index: number, count: number) =>
    set === undefined || set.includes(index) || set.includes(index - count - 1);
  const isMatched = (day: number, year: number): boolean => {
    const date = dateOf(day);
    const [first, count] =
      frequency === 'MONTHLY' || months ? [date.day, date.daysInMonth] : [date.dayOfYear, date.daysInYear];
    const [nth, nthLast] = [Math.ceil(first / 7), -Math.ceil((count - first + 1) / 7)];
    const name = WEEKDAYS[date.dayOfWeek - 1];
    return (
      includes(usedMonths, date.month, 12) &&
      includes(yearDays, date.dayOfYear, date.daysInYear) &&
      includes(monthDays, date.day, date.daysInMonth) &&
      (weeks === undefined || isInWeek(date, year, weeks, parts.get('WKST') ?? 'MO')) &&
      (weekdays?.some((one) => [name, `${nth}${name}`, `+${nth}${name}`, `${nthLast}${name}`].includes(one)) ?? true)
    );
  };
  const firstDay = dayNumber(start.year, start.month, start.day);
  const weekStart = firstDay - ((start.dayOfWeek - 1 - WEEKDAYS.indexOf(parts.get('WKST') ?? 'MO') + 7) % 7);
  const periodStart = (index: number): number => {
    if (frequency === 'DAILY') return firstDay + index;
    if (frequency === 'WEEKLY') return weekStart + 7 * index;
    return frequency === 'MONTHLY'
      ? dayNumber(start.year, start.month + index, 1)
      : dayNumber(start.year + index, 1, 1);
  };
  const found = new Set<number>();
  // The first and the last week of a year have days of its neighbours.
  const more = weeks === undefined ? 0 : 6;
  for (let index = 0; (periodStart(index) - more) * DAY_MS < before; index += Number(parts.get('INTERVAL') ?? 1)) {
    const [first, next] = [periodStart(index) - more, periodStart(index + 1) + more];
    if (next * DAY_MS <= after) continue;
    const all: number[] = [];
    for (let day = first; day < next; day += 1)
      if (isMatched(day, start.year + index))
        all.push(...times.map((time) => day * DAY_MS + time).toSorted((a, b) => a - b));
    const chosen = positions?.flatMap((position) => all.at(position > 0 ? position - 1 : position) ?? []) ?? all;
    for (const at of chosen) if (at >= after && at < before) found.add(at);
  }
  return [...found].filter((at) => at >= Date.parse(`${start.toString()}Z`)).toSorted((a, b) => a - b);
}

/** Returns whether a day is in one of these weeks of a year. The first week has at least four days in the year. */
function isInWeek(date: Temporal.PlainDate, year: number, weeks: readonly number[], wkst: string): boolean {
  const startOfWeek = (day: number) => day - ((dateOf(day).dayOfWeek - 1 - WEEKDAYS.indexOf(wkst) + 7) % 7);
  const [from, until] = [year, year + 1].map((of) => startOfWeek(dayNumber(of, 1, 4))) as [number, number];
  const week = Math.floor((dayNumber(date.year, date.month, date.day) - from) / 7) + 1;
  const count = (until - from) / 7;
  return week >= 1 && week <= count && (weeks.includes(week) || weeks.includes(week - count - 1));
}

const fewOf = (name: string, values: fc.Arbitrary<string | number>) =>
  fc.uniqueArray(values, { minLength: 1, maxLength: 3 }).map((some) => `${name}=${some.join(',')}`);
const weekday = fc.constantFrom(...WEEKDAYS);
const numberedDay = fc
  .tuple(fc.constantFrom('', 1, 2, 4, 5, -1, -5, 20, 52, 53, -53), weekday)
  .map((both) => both.join(''));
const fromEnds = (max: number) =>
  fc.oneof(fc.integer({ min: 1, max }), fc.integer({ min: -max, max: -1 }), fc.constantFrom(1, -1, max, -max));

/** The last one is in week 53 of the year before. */
const anyStartOfYear = fc.oneof(anyStart, fc.constant('2027-01-01T10:00:00'));

/** Rules with few parts, which mostly have occurrences. */
const plainRule = fc
  .tuple(
    fc.constantFrom('FREQ=DAILY', 'FREQ=WEEKLY', 'FREQ=MONTHLY', 'FREQ=YEARLY'),
    fc
      .subarray(
        [
          fc.constantFrom('INTERVAL=2', 'INTERVAL=3'),
          fewOf('BYDAY', weekday),
          fewOf('BYDAY', numberedDay),
          fewOf('BYMONTH', fc.integer({ min: 1, max: 12 })),
          fewOf('BYMONTHDAY', fromEnds(31)),
          fewOf('BYYEARDAY', fromEnds(366)),
          fewOf('BYWEEKNO', fromEnds(53)),
          fewOf('BYHOUR', fc.integer({ min: 0, max: 23 })),
          fewOf('BYSETPOS', fc.constantFrom(1, 2, -1, -2)),
          fc.constantFrom('WKST=SU', 'WKST=WE'),
        ],
        { maxLength: 4 },
      )
      .chain((parts) => fc.tuple(...parts)),
  )
  .map(([frequency, parts]) => [frequency, ...parts].join(';'));

test.each([
  ['FREQ=WEEKLY;BYDAY=2MO', 'write FREQ=MONTHLY;BYDAY=2MO'],
  ['FREQ=DAILY;BYDAY=-1FR', 'write FREQ=MONTHLY;BYDAY=-1FR'],
  ['FREQ=YEARLY;BYDAY=53MO', 'write BYDAY=-1MO'],
  ['FREQ=YEARLY;BYDAY=-53TU', 'write BYDAY=1TU'],
  ['FREQ=YEARLY;BYDAY=MO,-1TU', 'write two rules'],
  ['FREQ=WEEKLY;BYDAY=20MO', 'write FREQ=YEARLY;BYDAY=20MO'],
  ['FREQ=YEARLY;BYWEEKNO=20', 'BYWEEKNO needs FREQ=YEARLY and BYDAY'],
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;BYMONTHDAY=15', 'BYWEEKNO needs'],
  ['FREQ=MONTHLY;BYWEEKNO=20;BYDAY=MO', 'BYWEEKNO needs'],
  ['FREQ=YEARLY;BYYEARDAY=100;BYDAY=MO', 'BYYEARDAY cannot be combined'],
  ['FREQ=WEEKLY;BYMONTHDAY=13', 'write FREQ=MONTHLY'],
  ['FREQ=YEARLY;BYDAY=2MO;BYMONTHDAY=13', 'write FREQ=MONTHLY'],
  ['FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO', undefined],
  ['FREQ=YEARLY;BYYEARDAY=100,200;BYSETPOS=1', undefined],
  ['FREQ=MONTHLY;BYDAY=MO,-1TU', undefined],
  ['FREQ=MONTHLY;BYDAY=1SA', undefined],
  ['FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR', undefined],
  ['FREQ=YEARLY;BYMONTH=11;BYDAY=4TH', undefined],
])('what is doubtful about %s: %s', (rule, doubt) => {
  expect(recurrenceDoubt(rule)).toEqual(doubt && expect.stringContaining(doubt));
});

test('a rule without a doubt has the starts that RFC 5545 defines', () => {
  fc.assert(
    fc.property(plainRule, anyStartOfYear, fc.constantFrom(0, 1, 2, 30, 60), (rule, from, years) => {
      const start = Temporal.PlainDateTime.from(from);
      if (recurrenceProblem(rule, start, 'UTC') !== undefined || recurrenceDoubt(rule) !== undefined) return;
      const after = start.add({ years }).toZonedDateTime('UTC');
      const before = after.add({ years: 2 });
      const defined = definedStarts(rule, start, after.epochMilliseconds, before.epochMilliseconds);
      const all = occurrences(rule, start, 'UTC');
      const starts = all.between(after, before.subtract({ seconds: 1 }), true);
      expect(starts.map((at) => at.epochMilliseconds)).toEqual(defined);
      const next = defined.find((at) => at > after.epochMilliseconds);
      const end = before.epochMilliseconds;
      expect(Math.min(all.next(after)?.epochMilliseconds ?? end, end)).toBe(next ?? end);
    }),
    { numRuns: runs(60) },
  );
});

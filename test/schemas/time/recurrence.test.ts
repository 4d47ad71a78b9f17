import * as fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { expect, test } from 'vitest';
import { nextSpan, spansAt, spansBetween } from '../../../core/domain/time/time-spans.ts';
import { crowdProblem, occurrences, recurrenceProblem } from '../../../schemas/time/recurrence.ts';
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

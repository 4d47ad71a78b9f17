import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountOf } from '../../decisions/budget/account.ts';
import { budgetOf } from '../../decisions/budget/budget.ts';
import { longestSeconds, spanOf } from '../../decisions/budget/period.ts';
import type { SloWindow } from '../../../../schemas/slo/slo.ts';
import { accountAt, DAY, HOUR, MINUTE, outage, pastOf, type Story, THRESHOLD } from './pasts.ts';
import { spentShare } from '../../../freeze/decisions/budget/spending.ts';
import { objective } from '../../../../test/support/objective.ts';

type Calendar = SloWindow & { kind: 'calendar' };

const calendar = (unit: Calendar['unit'], more: Partial<Calendar> = {}): Calendar => ({
  kind: 'calendar',
  unit,
  count: 1,
  timeZone: 'Europe/Berlin',
  start: '2026-01-01T00:00:00',
  ...more,
});
const at = (text: string): number => Date.parse(text);

describe('a period of the calendar', () => {
  test.each([
    ['a month in winter', calendar('month'), '2026-11-20T12:00Z', '2026-10-31T23:00Z', '2026-11-30T23:00Z'],
    [
      'a month with a change of clocks',
      calendar('month'),
      '2026-03-20T12:00Z',
      '2026-02-28T23:00Z',
      '2026-03-31T22:00Z',
    ],
    ['its first instant', calendar('month'), '2026-10-31T23:00Z', '2026-10-31T23:00Z', '2026-11-30T23:00Z'],
    ['the last one before', calendar('month'), '2026-10-31T22:59:59.999Z', '2026-09-30T22:00Z', '2026-10-31T23:00Z'],
    ['a day of 23 hours', calendar('day'), '2026-03-29T12:00Z', '2026-03-28T23:00Z', '2026-03-29T22:00Z'],
    ['a day of 25 hours', calendar('day'), '2026-10-25T12:00Z', '2026-10-24T22:00Z', '2026-10-25T23:00Z'],
    [
      'a week from Monday on',
      calendar('week', { start: '2026-01-05T00:00:00' }),
      '2026-11-20T12:00Z',
      '2026-11-15T23:00Z',
      '2026-11-22T23:00Z',
    ],
    [
      'two weeks',
      calendar('week', { start: '2026-01-05T00:00:00', count: 2 }),
      '2026-11-20T12:00Z',
      '2026-11-08T23:00Z',
      '2026-11-22T23:00Z',
    ],
    ['a quarter', calendar('quarter'), '2026-11-20T12:00Z', '2026-09-30T22:00Z', '2026-12-31T23:00Z'],
    ['a year', calendar('year', { timeZone: 'UTC' }), '2026-11-20T12:00Z', '2026-01-01T00:00Z', '2027-01-01T00:00Z'],
    ['one before the first', calendar('month'), '2025-11-20T12:00Z', '2025-10-31T23:00Z', '2025-11-30T23:00Z'],
    [
      'months from the 31st on, in a short one',
      calendar('month', { start: '2026-01-31T00:00:00', timeZone: 'UTC' }),
      '2026-03-01T00:00Z',
      '2026-02-28T00:00Z',
      '2026-03-31T00:00Z',
    ],
    [
      'days that begin when clocks skip it',
      calendar('day', { start: '2026-01-01T02:30:00' }),
      '2026-03-29T12:00Z',
      '2026-03-29T01:30Z',
      '2026-03-30T00:30Z',
    ],
    [
      'a month elsewhere',
      calendar('month', { timeZone: 'Asia/Tokyo' }),
      '2026-11-30T16:00Z',
      '2026-11-30T15:00Z',
      '2026-12-31T15:00Z',
    ],
  ])('%s', (_, window, now, from, until) => {
    expect(spanOf(window, at(now))).toEqual({ from: at(from), until: at(until) });
  });

  const anyWindow = fc.record({
    kind: fc.constant('calendar' as const),
    unit: fc.constantFrom('day', 'week', 'month', 'quarter', 'year'),
    count: fc.integer({ min: 1, max: 5 }),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu'),
    start: fc.constantFrom('2026-01-01T00:00:00', '2026-01-31T09:30:00', '2024-02-29T00:00:00'),
  }) satisfies fc.Arbitrary<SloWindow>;

  test('contains the current time, follows the previous one, and is within the maximum length', () => {
    fc.assert(
      fc.property(anyWindow, fc.integer({ min: at('2011-01-01'), max: at('2035-01-01') }), (window, now) => {
        const { from, until } = spanOf(window, now);
        expect(from <= now && now < until).toBe(true);
        expect(until - from).toBeLessThanOrEqual(longestSeconds(window) * 1000);
        expect(spanOf(window, from)).toEqual({ from, until });
        expect(spanOf(window, until - 1)).toEqual({ from, until });
        expect(spanOf(window, until).from).toBe(until);
      }),
    );
  });

  test('starts at local midnight', () => {
    const midnight = fc.record({
      unit: fc.constantFrom('day', 'month', 'quarter'),
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'),
      now: fc.integer({ min: at('2020-01-01'), max: at('2035-01-01') }),
    });
    fc.assert(
      fc.property(midnight, ({ unit, zone, now }) => {
        const { from } = spanOf(calendar(unit, { timeZone: zone }), now);
        const shown = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' }).format(new Date(from));
        expect(shown).toBe('00:00:00');
      }),
    );
  });
});

describe('the budget of a month with thirty days', () => {
  const month = calendar('month', { timeZone: 'UTC' });
  const ratio = objective({ window: month });
  const seconds = objective({ window: month, indicator: THRESHOLD });
  const BEGIN = at('2026-11-01T00:00Z');
  const budgetAt = (slo: typeof ratio, story: Story, now: number) => budgetOf(accountAt(slo, story, now));

  test("is the whole month's 43.2 minutes from the first day on", () => {
    const bad = 43.2 * MINUTE;
    for (const now of [BEGIN + 2 * HOUR, BEGIN + DAY, BEGIN + 15 * DAY, BEGIN + 30 * DAY - 1]) {
      const story = outage(BEGIN + HOUR, BEGIN + HOUR + bad);
      expect(budgetAt(ratio, story, now)).toMatchObject({ remaining: 0, spent_at_least: 1, coverage: 1 });
      expect(budgetAt(seconds, outage(BEGIN + HOUR, BEGIN + HOUR + bad, 300), now).remaining).toBe(0);
    }
    // Five minutes in the first ten of the month spend 5 / 43.2, not five hundred times the elapsed allowance.
    const early = budgetAt(ratio, outage(BEGIN, BEGIN + 5 * MINUTE), BEGIN + 10 * MINUTE);
    expect(spentShare(early)).toBeCloseTo(5 / 43.2, 8);
  });

  test('excludes the previous month', () => {
    const story = outage(BEGIN - 2 * HOUR, BEGIN);
    expect(spentShare(budgetAt(ratio, story, BEGIN - 1))).toBeGreaterThan(2);
    expect(budgetAt(ratio, story, BEGIN)).toMatchObject({ remaining: 1, events: 0, errors: 0, coverage: 1 });
    expect(budgetAt(ratio, story, BEGIN + HOUR)).toMatchObject({ remaining: 1, events: 12_000, errors: 0 });
  });

  test('uses past events plus the usual rate for the rest: the mean of the last week', () => {
    // 1,000 per bucket until the 16th, 3,000 since: on the 23rd the mean is 3,000. 15 days of 288,000 are 4,320,000, 7
    // of 864,000 are 6,048,000, and the remaining 8 of 864,000 are 6,912,000.
    const story: Story = (time) => ({
      events: time < BEGIN + 15 * DAY ? 1000 : 3000,
      errors: time === BEGIN ? 864 : 0,
    });
    const { remaining } = budgetAt(ratio, story, BEGIN + 22 * DAY);
    expect(remaining).toBeCloseTo(1 - 864 / (0.001 * (4_320_000 + 6_048_000 + 6_912_000)), 8);
  });

  test('requires only the elapsed part to be known', () => {
    const story: Story = (time) => (time < BEGIN ? null : { events: 100, errors: 0 });
    expect(budgetAt(ratio, story, BEGIN + DAY)).toMatchObject({ remaining: 1, coverage: 1 });
    const late: Story = (time) => (time < BEGIN + 2 * HOUR ? null : { events: 100, errors: 0 });
    expect(budgetAt(ratio, late, BEGIN + DAY)).toMatchObject({ remaining: null, coverage: 0.916666667 });
    expect(budgetAt(ratio, late, BEGIN + 2 * DAY)).toMatchObject({ remaining: 1, coverage: 0.958333333 });
  });

  test('uses only the part of the last 300 seconds within the month', () => {
    const now = BEGIN + 60_000;
    const history = pastOf(ratio, () => ({ events: 100, errors: 0 }), now);
    expect(budgetOf(accountOf(ratio, history, { events: 100, errors: 50 }, now))).toMatchObject({
      events: 20,
      errors: 10,
    });
  });
});

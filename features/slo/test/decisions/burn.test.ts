import { describe, expect, test } from 'vitest';
import { BURN_PAIRS, BURN_SECONDS, burnAlertsOf } from '../../../../core/domain/monitoring/burn-pairs.ts';
import { burningOf, burnRatesOf } from '../../decisions/budget/burn.ts';
import { isUntouched } from '../../decisions/budget/untouched.ts';
import type { BurnAlert, BurnRates } from '../../../../schemas/slo/slo-status.ts';
import { accountAt, DAY, HOUR, MINUTE, NOON, outage, steady } from './pasts.ts';
import { type Story, THRESHOLD } from './pasts.ts';
import { objective as ofFourWeeks, rolling } from '../../../../test/support/objective.ts';

/** The SRE workbook's factors apply to thirty days. */
const objective = (more: object = {}) => ofFourWeeks({ window: rolling(30), ...more });

const ratesAt = (slo: ReturnType<typeof objective>, story: Story, now = NOON): BurnRates =>
  burnRatesOf(accountAt(slo, story, now));

/** Formats alerts as `page 1h/5m`. */
function burning(slo: ReturnType<typeof objective>, story: Story, now = NOON): string[] {
  const account = accountAt(slo, story, now);
  return burningOf(account, burnRatesOf(account)).map(nameOf);
}
const nameOf = ({ severity, long, short }: BurnAlert): string => `${severity} ${long}/${short}`;

const ALL = ['page 1h/5m', 'page 6h/30m', 'ticket 1d/2h', 'ticket 3d/6h'];

test('the pairs are those of the SRE workbook: 2 % of a budget in an hour, 5 % in six, 10 % in a day and in three', () => {
  expect(BURN_PAIRS.map(({ share }) => share)).toEqual([0.02, 0.05, 0.1, 0.1]);
  // Each short window is a twelfth of its long window.
  expect(BURN_PAIRS.map(({ long, short }) => BURN_SECONDS[long] / BURN_SECONDS[short])).toEqual([12, 12, 12, 12]);
  expect(burnAlertsOf(objective()).map(nameOf)).toEqual(ALL);
});

describe('factors scale with the budget window', () => {
  const calendar = { kind: 'calendar', unit: 'month', count: 1, timeZone: 'UTC', start: '2026-01-01T00:00:00' };
  test.each([
    ['of 30 days', rolling(30), 0.999, [14.4, 6, 3, 1]],
    ['of a calendar month, whichever it is', calendar, 0.999, [14.4, 6, 3, 1]],
    // The three-day factor would be 0.933, at which a budget never ends.
    ['of 28 days', rolling(28), 0.999, [13.44, 5.6, 2.8, 1]],
    ['of 90 days', rolling(90), 0.999, [43.2, 18, 9, 3]],
    ['of a week', rolling(7), 0.999, [3.36, 1.4, 1, 1]],
    // 43.2 times 5 % would exceed all events.
    ['up to what an outage reaches', rolling(90), 0.95, [10.5, 10.5, 9, 3]],
  ])('%s', (_, window, target, factors) => {
    expect(burnAlertsOf(objective({ window, target })).map(({ factor }) => factor)).toEqual(factors);
  });

  test('for 28 days, an outage pages from 13.44 times on', () => {
    expect(burning(ofFourWeeks(), steady(100_000, 1344))).toEqual(ALL);
    expect(burning(ofFourWeeks(), steady(100_000, 1343.9))).toEqual(ALL.slice(1));
  });
});

describe('a burn rate', () => {
  test('is the ratio of errors to allowed errors in each window', () => {
    // 1.44 % for an hour, none before.
    const story: Story = (at) => ({ events: 10_000, errors: at >= NOON - HOUR ? 144 : 0 });
    expect(ratesAt(objective(), story)).toEqual({
      '5m': 14.4,
      '30m': 14.4,
      '1h': 14.4,
      '2h': 7.2,
      '6h': 2.4,
      '1d': 0.6,
      '3d': 0.2,
    });
  });

  test('covers the last minutes to the second, between boundaries too', () => {
    const story = outage(NOON - 60 * MINUTE, NOON + HOUR);
    const rates = ratesAt(objective(), story, NOON + 90_000);
    expect(rates['5m']).toBe(1000);
    expect(rates['2h']).toBeCloseTo((1000 * 61.5) / 120, 6);
  });

  test('uses only known data, and is null without any', () => {
    const story: Story = (at) => (at >= NOON - 30 * MINUTE ? null : { events: 100, errors: 1 });
    expect(ratesAt(objective(), story)).toMatchObject({ '5m': null, '30m': null, '1h': 10, '3d': 10 });
    expect(ratesAt(objective(), steady(0, 0))).toMatchObject({ '5m': null, '3d': null });
  });

  test('does not depend on the budget window', () => {
    for (const days of [7, 28, 90]) {
      expect(ratesAt(objective({ window: rolling(days) }), steady(1000, 6))['6h']).toBe(6);
    }
  });
});

describe('burning alerts include', () => {
  test.each([
    ['nothing within the objective', steady(10_000, 9.9), []],
    ['a ticket from exactly once on', steady(10_000, 10), ['ticket 3d/6h']],
    ['two from three times on', steady(10_000, 30), ['ticket 1d/2h', 'ticket 3d/6h']],
    ['a page from six times on', steady(10_000, 60), ALL.slice(1)],
    ['just below', steady(10_000, 59.999), ALL.slice(2)],
    ['two from 14.4 on', steady(10_000, 144), ALL],
    ['just below that', steady(10_000, 143.99), ALL.slice(1)],
    [
      'an outage that has just begun, which is 1.44 % of an hour after 52 seconds',
      outage(NOON - 52_000, NOON),
      ['page 1h/5m'],
    ],
    ['one that is not long enough', outage(NOON - 51_000, NOON), []],
    ['no page when it is over since five minutes', outage(NOON - 15 * MINUTE, NOON - 5 * MINUTE), ALL.slice(1)],
    [
      'and nothing but tickets half an hour later',
      outage(NOON - 45 * MINUTE, NOON - 30 * MINUTE),
      ['ticket 1d/2h', 'ticket 3d/6h'],
    ],
  ] as [string, Story, string[]][])('%s', (_, story, expected) => {
    expect(burning(objective(), story)).toEqual(expected);
  });

  /** 30 requests in an hour, of which the last ones failed. */
  const night =
    (failed: number): Story =>
    (at) => {
      const n = (NOON - at) / 300_000;
      return { events: 2.5, errors: n <= failed ? 1 : 0 };
    };

  test('none for one failed request at night, although it is 400 times too many', () => {
    expect(ratesAt(objective(), night(1))).toMatchObject({ '5m': 400, '1h': 33.333333333 });
    expect(burning(objective(), night(1))).toEqual([]);
  });

  test('one for three of thirty', () => {
    expect(burning(objective(), night(3))).toEqual(ALL.slice(0, 3));
  });

  test('none for fewer than twenty requests', () => {
    // 1.5 per bucket are 18 in an hour and 108 in six hours.
    const few: Story = (at) => ({ events: 1.5, errors: at >= NOON - 20 * MINUTE ? 1.5 : 0 });
    expect(burning(objective(), few)).not.toContain('page 1h/5m');
    expect(burning(objective(), few)).toContain('page 6h/30m');
  });

  test('none for a bad minute or two of time, which can be one bad sample', () => {
    const slo = objective({ indicator: THRESHOLD });
    const bad = (minutes: number): Story => outage(NOON - minutes * MINUTE, NOON, 300);
    expect([burning(slo, bad(2)), burning(slo, bad(3))]).toEqual([[], ['page 1h/5m', 'page 6h/30m']]);
  });
});

describe('a budget is untouched', () => {
  const untouched = (story: Story, more: object = {}): boolean => isUntouched(accountAt(ofFourWeeks(more), story));
  const spentInThreeWeeks =
    (errors: number, days = 21): Story =>
    (at) =>
      at === NOON - days * DAY ? { events: 1000, errors } : { events: 1000, errors: 0 };

  test('if less than a tenth was spent in three weeks: 806.4 of 8,064 in 28 days', () => {
    expect(untouched(spentInThreeWeeks(806))).toBe(true);
    expect(untouched(spentInThreeWeeks(806.4))).toBe(false);
    expect(untouched(spentInThreeWeeks(1000, 22))).toBe(true);
  });

  test('for a weekly budget, relative to the allowance of a week: 201.6', () => {
    expect(untouched(spentInThreeWeeks(201), { window: rolling(7) })).toBe(true);
    expect(untouched(spentInThreeWeeks(202), { window: rolling(7) })).toBe(false);
  });

  test('but not while it is being spent, however little so far', () => {
    const sinceNoon = (minutes: number, errors: number): Story => {
      const from = NOON - minutes * MINUTE;
      return (at) => ({ events: 1000, errors: at >= from ? errors : 0 });
    };
    expect(untouched(sinceNoon(30, 12))).toBe(false); // 72 of 8,064: six times too fast over an hour
    expect(untouched(sinceNoon(360, 2))).toBe(false); // twice too fast over six hours
    expect(untouched(sinceNoon(360, 1))).toBe(true); // as fast as allowed
    expect(untouched(sinceNoon(5, 2), { target: 0.99 })).toBe(true); // two errors are noise
    expect(untouched((at) => ({ events: 1000, errors: at < NOON - 4 * DAY && at >= NOON - 5 * DAY ? 2 : 0 }))).toBe(
      true,
    );
  });

  test('only if the three weeks are fully known and had enough events', () => {
    expect(untouched((at) => (at === NOON - DAY ? null : { events: 1000, errors: 0 }))).toBe(false);
    expect(untouched((at) => (at < NOON - 21 * DAY ? null : { events: 1000, errors: 0 }))).toBe(true);
    // 6,048 buckets of 0.8 events would allow 4.8 errors.
    expect([untouched(steady(0.8, 0)), untouched(steady(0.83, 0)), untouched(steady(0, 0))]).toEqual([
      false,
      true,
      false,
    ]);
    expect(untouched(steady(300, 0), { indicator: THRESHOLD })).toBe(true);
  });
});

describe('the time at which a pair is below its factor again, without further errors', () => {
  const HALF_HOUR = 30 * MINUTE;

  /** Whether an alert burns at the start of the minute. */
  const burns = (story: Story, at: number): boolean =>
    burning(objective(), story, Math.floor(at / MINUTE) * MINUTE).length > 0;

  test.each<[string, Story, number]>([
    ['of a total outage of ten minutes', outage(NOON - 10 * MINUTE, NOON), NOON + 5 * MINUTE],
    [
      'of one that ended within five minutes of the clock',
      outage(NOON - 33 * MINUTE, NOON + 2 * MINUTE),
      NOON + 10 * MINUTE,
    ],
    ['of three hours', outage(NOON - 3 * HOUR, NOON), NOON + 7 * MINUTE],
    [
      'of a steady fifth',
      (at) => ({ events: 500, errors: at >= NOON - HOUR && at < NOON ? 100 : 0 }),
      NOON + 6 * MINUTE,
    ],
    ['of little traffic', (at) => ({ events: 5, errors: at >= NOON - HOUR && at < NOON ? 1 : 0 }), NOON + 6 * MINUTE],
  ])('%s, matches the evaluations, within one interval', (_, story, now) => {
    const account = accountAt(objective(), story, now);
    const clears = burningOf(account, burnRatesOf(account)).map(({ clears_at: at }) => Date.parse(at ?? ''));
    const last = Math.max(...clears);
    expect(clears.length).toBeGreaterThan(0);
    expect(Math.min(...clears)).toBeGreaterThan(now);
    for (let at = now; at < last - MINUTE; at += HALF_HOUR) expect(burns(story, at)).toBe(true);
    expect([burns(story, last - MINUTE), burns(story, last + MINUTE)]).toEqual([true, false]);
  });

  test("is determined by the short window: half an hour after an hour's outage for the page, six hours for the ticket", () => {
    const account = accountAt(objective(), outage(NOON - HOUR, NOON), NOON);
    const after = burningOf(account, burnRatesOf(account)).map(
      ({ clears_at: at }) => (Date.parse(at ?? '') - NOON) / MINUTE,
    );
    expect(after.map((minutes) => Math.round(minutes))).toEqual([5, 30, 120, 360]);
  });
});

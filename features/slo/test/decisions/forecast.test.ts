import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountOf } from '../../decisions/budget/account.ts';
import { budgetOf } from '../../decisions/budget/budget.ts';
import { forecastOf } from '../../decisions/budget/forecast.ts';
import { type Bucket, indexOf, setBucket } from '../../decisions/history.ts';
import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { Forecast } from '../../../../schemas/slo/slo-status.ts';
import { accountAt, DAY, HOUR, MINUTE, NOON, outage, pastOf, recentOf } from './pasts.ts';
import { steady, type Story, THRESHOLD } from './pasts.ts';
import { spentShare } from '../../../freeze/decisions/budget/spending.ts';
import { objective, rolling } from '../../../../test/support/objective.ts';
import { runs } from '../../../../test/support/runs.ts';

const LIFT = 0.95;
const LEVELS = { warn: 0.75, freeze: 1, liftBelow: LIFT };
const forecastAt = (slo: Slo, story: Story, now = NOON, liftBelow = LIFT): Forecast =>
  forecastOf(accountAt(slo, story, now), { ...LEVELS, liftBelow });
const iso = (at: number): string => new Date(Math.ceil(at)).toISOString();

describe('an outage of two hours against 99.9 % of 28 days', () => {
  const BEGAN = NOON - 2 * HOUR;
  const story = outage(BEGAN, NOON);

  test('leaves the window 28 days after it started, and lifts when 0.95 * 40.32 minutes remain', () => {
    const lifts = BEGAN + 28 * DAY + (120 - LIFT * 40.32) * MINUTE;
    expect(forecastAt(objective(), story)).toMatchObject({ spent_at: iso(NOON), lifts_at: iso(lifts) });
    expect(forecastAt(objective({ indicator: THRESHOLD }), outage(BEGAN, NOON, 300)).lifts_at).toBe(iso(lifts));
    // At any time, between boundaries too.
    for (const later of [60_000, 61_234, 9 * HOUR + 1, 28 * DAY - 3 * HOUR]) {
      expect(Date.parse(forecastAt(objective(), story, NOON + later).lifts_at ?? '') - lifts).toBeCloseTo(0, -1.5);
    }
  });

  test('lifts exactly then, and not a moment before', () => {
    const lifts = Date.parse(forecastAt(objective(), story).lifts_at ?? '');
    const spentAt = (now: number): number => spentShare(budgetOf(accountAt(objective(), story, now)));
    expect(spentAt(lifts - 1000)).toBeGreaterThan(LIFT);
    expect(spentAt(lifts + 1000)).toBeLessThan(LIFT);
  });

  test('lifts then for a new service, too', () => {
    const isNew: Story = (at) => (at < NOON - 10 * DAY ? null : story(at));
    expect(budgetOf(accountAt(objective(), isNew))).toMatchObject({ remaining: null, spent_at_least: 2.976190476 });
    expect(forecastAt(objective(), isNew)).toEqual(forecastAt(objective(), story));
  });

  test('never lifts while it continues', () => {
    const during = forecastAt(objective(), outage(NOON - HOUR, NOON + DAY), NOON);
    expect(during.lifts_at_present_burn).toBeNull();
    expect(during.lifts_at).toBe(iso(NOON - HOUR + 28 * DAY + (60 - LIFT * 40.32) * MINUTE));
  });
});

describe('the forecast level is reached', () => {
  test("when a burn spends the budget: with 2 % errors for half an hour, 99 % of a day's budget is spent in 11.5 hours", () => {
    // A day allows 14.4 minutes. The last hour had 2 %, which is 1.2 minutes; 13.2 more take 660 minutes.
    const story: Story = (at) => ({ events: 100, errors: at >= NOON - HOUR ? 2 : 0 });
    const slo = objective({ target: 0.99, window: rolling(1) });
    expect(forecastAt(slo, story).spent_at).toBe(iso(NOON + 660 * MINUTE));
    // 75 % of 14.4 minutes is 10.8: 9.6 more.
    expect(forecastAt(slo, story)).toMatchObject({
      warns_at: iso(NOON + 480 * MINUTE),
      freezes_at: iso(NOON + 660 * MINUTE),
    });
  });

  test('when the spent share drops below the warn level as old errors leave the window', () => {
    // 75 % of 40.32 minutes is 30.24.
    const story = outage(NOON - DAY, NOON - DAY + 40 * MINUTE);
    expect(forecastAt(objective(), story).warning_ends_at).toBe(iso(NOON + 27 * DAY + (40 - 30.24) * MINUTE));
    expect(forecastAt(objective(), steady(100, 0)).warning_ends_at).toBe(iso(NOON));
  });

  test('when a continuing burn becomes a page or a ticket', () => {
    // 12 times for two hours: 6 times over six hours after one more hour, and once over three days after four more.
    const story: Story = (at) => ({ events: 10_000, errors: at >= NOON - 2 * HOUR ? 120 : 0 });
    expect(forecastAt(objective({ window: rolling(30) }), story).burns_at).toEqual({
      page: iso(NOON + HOUR),
      ticket: iso(NOON + 4 * HOUR),
    });
    const slow: Story = (at) => ({ events: 10_000, errors: at >= NOON - 2 * HOUR ? 40 : 0 });
    expect(forecastAt(objective({ window: rolling(30) }), slow).burns_at).toEqual({
      page: null,
      ticket: iso(NOON + 16 * HOUR),
    });
    expect(forecastAt(objective({ window: rolling(30) }), steady(10_000, 9)).burns_at).toEqual({
      page: null,
      ticket: null,
    });
    expect(forecastAt(objective({ window: rolling(30) }), steady(10_000, 144)).burns_at).toEqual({
      page: iso(NOON),
      ticket: iso(NOON),
    });
    // One of 30 at night is 33 times too many, but not significant.
    const night: Story = (at) => ({ events: 2.5, errors: at === NOON - 30 * MINUTE ? 1 : 0 });
    expect(forecastAt(objective({ window: rolling(30) }), night).burns_at).toEqual({ page: null, ticket: null });
  });

  test('never, by a burn that the objective allows', () => {
    const slo = objective({ target: 0.99, window: rolling(1) });
    expect(forecastAt(slo, steady(100, 0.9))).toMatchObject({ spent_at: null, lifts_at: iso(NOON) });
    expect(forecastAt(slo, steady(100, 0))).toMatchObject({ spent_at: null, lifts_at: iso(NOON) });
  });

  test('now, if it already is', () => {
    const slo = objective({ target: 0.99, window: rolling(1) });
    expect(forecastAt(slo, steady(100, 1)).spent_at).toBe(iso(NOON));
    expect(forecastAt(slo, steady(100, 0.5), NOON + 1234)).toMatchObject({
      lifts_at: iso(NOON + 1234),
      lifts_at_present_burn: iso(NOON + 1234),
    });
  });

  test('not by a burn that stays exactly at the level', () => {
    const slo = objective({ target: 0.99, window: rolling(1) });
    expect(forecastAt(slo, steady(100, 1), NOON, 1).lifts_at_present_burn).toBeNull();
  });

  test('never by unknown data', () => {
    expect(forecastAt(objective(), () => null)).toEqual({
      spent_at: null,
      warns_at: null,
      freezes_at: null,
      burns_at: { page: null, ticket: null },
      warning_ends_at: null,
      lifts_at: null,
      lifts_at_present_burn: null,
    });
    // A known hour with five times too many errors has not spent the budget of four weeks: that takes 5.6 days.
    const anHour: Story = (at) => (at >= NOON - HOUR ? { events: 1000, errors: 5 } : null);
    expect(forecastAt(objective(), anHour).spent_at).toBe(iso(NOON + (28 * DAY) / 5 - HOUR));
    const noHour: Story = (at) => (at >= NOON - HOUR ? null : { events: 100, errors: 100 });
    expect(forecastAt(objective(), noHour)).toMatchObject({ spent_at: null, lifts_at_present_burn: null });
  });

  test('when the last errors have left, if traffic has stopped', () => {
    const story: Story = (at) => ({ events: at < NOON - 8 * DAY ? 7 / 3 : 0, errors: at < NOON - 8 * DAY ? 1 / 3 : 0 });
    expect(forecastAt(objective(), story).lifts_at).toBe(iso(NOON + 20 * DAY));
  });
});

test('errors stay in a calendar period until it ends', () => {
  const window = { kind: 'calendar', unit: 'month', count: 1, timeZone: 'UTC', start: '2026-01-01T00:00:00' };
  const slo = objective({ window });
  const [begin, end] = [Date.parse('2026-11-01T00:00Z'), Date.parse('2026-12-01T00:00Z')];
  const spent = forecastAt(slo, outage(begin, begin + HOUR), begin + 10 * DAY);
  expect(spent).toMatchObject({ spent_at: iso(begin + 10 * DAY), lifts_at: iso(end), lifts_at_present_burn: iso(end) });
  // 0.3 % for the last hour: three times too fast. 43.2 minutes are allowed; 0.18 are spent, at 0.003 per minute.
  const now = begin + 10 * DAY;
  const story: Story = (at) => ({ events: 1000, errors: at >= now - HOUR ? 3 : 0 });
  const burning = forecastAt(slo, story, now);
  expect(burning).toMatchObject({ lifts_at: iso(now), spent_at: iso(now + ((43.2 - 0.18) / 0.003) * MINUTE) });
  // A third of that is within a month's allowance, but not from the 10th on.
  expect(forecastAt(slo, (at) => ({ events: 1000, errors: at >= now - HOUR ? 1 : 0 }), now).spent_at).toBeNull();
});

/** A window of four hours, with outages, periods without traffic, and gaps. */
const FOUR_HOURS = 48;
const aBucket = fc.oneof(
  { weight: 8, arbitrary: fc.record({ events: fc.integer({ min: 50, max: 150 }), errors: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ events: fc.integer({ min: 50, max: 150 }), errors: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.constant({ events: 0, errors: 0 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);
const aPast = fc.array(aBucket, { minLength: FOUR_HOURS + 1, maxLength: FOUR_HOURS + 1 });

describe('the forecast equals the result of evaluations every five minutes', () => {
  const slo = objective({ target: 0.9, window: { kind: 'rolling', seconds: FOUR_HOURS * 300 } });

  /** Returns the first boundary at which the condition holds; undefined: not within a window's length. */
  function simulate(past: Story, future: Bucket, isSo: (spent: number) => boolean): number | undefined {
    const history = pastOf(slo, past);
    let perUnknownMs = 0; // certain counts if too little is known, otherwise likely ones
    for (let step = 0; step <= FOUR_HOURS; step++) {
      const now = NOON + step * 300_000;
      if (step > 0) setBucket(history, indexOf(now) - 1, future);
      const account = accountOf(slo, history, step > 0 ? future : recentOf(past, now), now);
      const { errors, events: known, ms, knownMs } = account.sum;
      if (step === 0 && knownMs / ms < 0.95) perUnknownMs = known / knownMs;
      const events = known + perUnknownMs * (ms - knownMs);
      if (isSo(events === 0 ? 0 : Math.round((errors / (0.1 * events)) * 1e9) / 1e9)) return now;
    }
    return undefined;
  }

  function agree(found: string | null, simulated: number | undefined): void {
    if (found === null) return expect(simulated).toBeUndefined();
    const late = (simulated ?? NOON + (FOUR_HOURS + 1) * 300_000) - Date.parse(found);
    expect(late).toBeGreaterThanOrEqual(-1);
    expect(late).toBeLessThanOrEqual(300_000);
  }

  const IS_SO = {
    lifts_at: (level: number) => (spent: number) => spent < level,
    lifts_at_present_burn: (level: number) => (spent: number) => spent < level,
    spent_at: () => (spent: number) => spent >= 1,
    warns_at: (level: number) => (spent: number) => spent >= level,
    freezes_at: (level: number) => (spent: number) => spent >= level + 0.3,
  };

  test.each([
    ['lifts_at', false],
    ['lifts_at_present_burn', true],
    ['spent_at', true],
    ['warns_at', true],
    ['freezes_at', true],
  ] as const)('%s', (key, burning) => {
    fc.assert(
      fc.property(aPast, fc.constantFrom(0.5, 0.75, 0.95), (buckets, level) => {
        const past: Story = (at) => buckets[FOUR_HOURS - (NOON - at) / 300_000 + 1] ?? null;
        const account = accountAt(slo, past);
        const lastHour = buckets.slice(-12).filter((bucket) => bucket !== null);
        const events = lastHour.reduce((sum, bucket) => sum + bucket.events, 0);
        const errors = lastHour.reduce((sum, bucket) => sum + bucket.errors, 0);
        const usual = account.usual * 300_000;
        const found = forecastOf(account, { warn: level, freeze: level + 0.3, liftBelow: level })[key] ?? null;
        if (account.sum.knownMs === 0 || (burning && events === 0)) return expect(found).toBeNull();
        const future = { events: usual, errors: burning ? (usual * errors) / events : 0 };
        agree(found, simulate(past, future, IS_SO[key](level)));
      }),
      { numRuns: runs(50) },
    );
  });
});

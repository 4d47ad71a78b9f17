import { expect, test } from 'vitest';
import { historySeconds } from '../../decisions/budget/account.ts';
import { statusOf } from '../../decisions/status.ts';
import { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { HOUR, MINUTE, NOON, outage, pastOf, recentOf, type Story } from './pasts.ts';
import { objective, rolling } from '../../../../test/support/objective.ts';

const FOUND = {
  levels: { warn: 0.75, freeze: 1, liftBelow: 0.95 },
  state: 'ok',
  problem: null,
  unread: null,
  source: 'own',
  corrections: [],
} as const;

test('the status of an objective is complete and matches the schema', () => {
  const slo = objective();
  const story = outage(NOON - 2 * HOUR, NOON);
  const status = statusOf(slo, pastOf(slo, story), recentOf(story, NOON), { ...FOUND, now: NOON });
  expect(SloStatus.parse(status)).toEqual(status);
  expect(status).toMatchObject({
    id: 'checkout-availability',
    service: 'checkout',
    environment: 'production',
    state: 'ok',
    data_at: '2026-11-20T12:00:00.000Z',
    budget: { remaining: -1.976190476, significant: true },
    burn_rates: { '5m': 1000, '2h': 1000, '6h': 333.333333333, '1d': 83.333333333 },
    forecast: { lifts_at: '2026-12-18T11:21:41.760Z', lifts_at_present_burn: null },
    untouched: false,
    source: 'own',
  });
  expect(status.burning.map(({ factor }) => factor)).toEqual([13.44, 5.6, 2.8, 1]);
});

test('data end with the newest closed bucket if the last 300 seconds are unknown', () => {
  const slo = objective();
  const now = NOON + 2 * MINUTE;
  const until =
    (end: number): Story =>
    (at) =>
      at < end ? { events: 10, errors: 0 } : null;
  const at = (end: number): string | null =>
    statusOf(slo, pastOf(slo, until(end), now), null, { ...FOUND, state: 'unreadable', problem: 'timed out', now })
      .data_at;
  expect(at(NOON)).toBe('2026-11-20T12:00:00.000Z');
  expect(at(NOON - HOUR)).toBe('2026-11-20T11:00:00.000Z');
  expect(at(0)).toBeNull();
});

test('a status includes the other results of the evaluation', () => {
  const slo = objective({ window: rolling(1) });
  const found = { ...FOUND, state: 'no_data', problem: 'no series', source: 'recorded', now: NOON } as const;
  const status = statusOf(
    slo,
    pastOf(slo, () => null),
    null,
    found,
  );
  expect(status).toMatchObject({ state: 'no_data', problem: 'no series', source: 'recorded', burning: [] });
  expect(status.budget.remaining).toBeNull();
});

test('history is kept for the longest look-back plus a day', () => {
  const days = (window: object): number => historySeconds(objective({ window })) / 86_400;
  expect([days(rolling(28)), days(rolling(1)), days(rolling(90))]).toEqual([29, 22, 91]);
  const year = { kind: 'calendar', unit: 'year', count: 1, timeZone: 'UTC', start: '2026-01-01T00:00:00' };
  expect(days(year)).toBeCloseTo(367 + 1 / 24, 6);
});

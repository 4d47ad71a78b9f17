import { describe, expect, test } from 'vitest';
import { lastDays, monthsFrom, recentMonths, startOfDay, UPTIME_DAYS, uptimeOf } from '../../decisions/uptime.ts';
import type { PublicIncident } from '../../schemas/public-incident.ts';
import { at, publicIncident } from '../support/public-incidents.ts';

const NOW = at('2026-11-22T00:00:00Z');

const uptime = (incidents: readonly PublicIncident[], more: { since?: string; timeZone?: string } = {}) =>
  uptimeOf(incidents, {
    days: lastDays(NOW, more.timeZone ?? 'UTC'),
    since: startOfDay(more.since ?? '2026-01-01', more.timeZone ?? 'UTC'),
    now: NOW,
    maintenances: [],
  });

const dayOf = ({ days }: ReturnType<typeof uptime>, date: string) => days.find((day) => day.date === date);

describe('the uptime of a component', () => {
  test('is complete without incidents, for each of the last days', () => {
    const { days, share } = uptime([]);
    expect(share).toBe(1);
    expect(days).toHaveLength(UPTIME_DAYS);
    expect(days.at(-1)?.date).toBe('2026-11-22');
    expect(new Set(days.map(({ state }) => state))).toEqual(new Set(['operational']));
  });

  test('loses the whole time of a major outage', () => {
    const result = uptime([publicIncident()]);
    expect(dayOf(result, '2026-11-20')).toEqual({
      date: '2026-11-20',
      state: 'major_outage',
      minutes: { major_outage: 60 },
    });
    expect(result.share).toBeCloseTo(1 - 60 / (89 * 24 * 60), 9);
  });

  test.each([
    ['partial_outage', 0.3],
    ['degraded_performance', 0],
  ] as const)('loses %s by %d', (state, weight) => {
    const { share } = uptime([publicIncident({ states: [{ at: at('2026-11-20T12:00:00Z'), state }] })]);
    expect(share).toBeCloseTo(1 - (weight * 60) / (89 * 24 * 60), 9);
  });

  test('counts overlapping incidents once, in the worst state', () => {
    const milder = publicIncident({
      id: 'other',
      started_at: at('2026-11-20T11:30:00Z'),
      resolved_at: at('2026-11-20T13:30:00Z'),
      states: [{ at: at('2026-11-20T11:30:00Z'), state: 'partial_outage' }],
    });
    expect(dayOf(uptime([publicIncident(), milder]), '2026-11-20')).toMatchObject({
      state: 'major_outage',
      minutes: { major_outage: 60, partial_outage: 60 },
    });
  });

  test('splits an outage at midnight in the time zone of the page', () => {
    const night = publicIncident({
      started_at: at('2026-11-19T22:30:00Z'),
      resolved_at: at('2026-11-20T00:00:00Z'),
    });
    const result = uptime([night], { timeZone: 'Europe/Berlin' });
    expect(dayOf(result, '2026-11-19')?.minutes).toEqual({ major_outage: 30 });
    expect(dayOf(result, '2026-11-20')?.minutes).toEqual({ major_outage: 60 });
  });

  test('lasts until now for an open incident', () => {
    const result = uptime([publicIncident({ started_at: at('2026-11-21T23:00:00Z'), resolved_at: null })]);
    expect(dayOf(result, '2026-11-21')?.minutes).toEqual({ major_outage: 60 });
  });

  test('has no data before the first day, and does not count these days', () => {
    const result = uptime([publicIncident()], { since: '2026-11-20' });
    expect(dayOf(result, '2026-11-19')?.state).toBeNull();
    expect(result.share).toBeCloseTo(1 - 60 / (2 * 24 * 60), 9);
    expect(uptime([], { since: '2027-01-01' }).share).toBeNull();
  });

  test('has no percentage before a full day has data, whenever in the day it began', () => {
    const watched = (since: string) =>
      uptimeOf([], { days: lastDays(NOW, 'UTC'), since: at(since), now: NOW, maintenances: [] });
    const { days, share } = watched('2026-11-21T23:58:00Z');
    expect(share).toBeNull();
    expect(days.slice(-3).map(({ state }) => state)).toEqual([null, 'operational', 'operational']);
    expect(watched('2026-11-21T00:00:00Z').share).toBe(1);
  });

  test('shows maintenance without counting it', () => {
    const maintenances = [{ from: at('2026-11-20T12:00:00Z'), until: at('2026-11-20T13:00:00Z') }];
    const result = uptimeOf([], {
      days: lastDays(NOW, 'UTC'),
      since: at('2026-01-01T00:00:00Z'),
      now: NOW,
      maintenances,
    });
    expect(result.share).toBe(1);
    expect(dayOf(result, '2026-11-20')).toMatchObject({ state: 'under_maintenance' });
    const planned = [{ from: at('2026-11-23T12:00:00Z'), until: at('2026-11-24T13:00:00Z') }];
    const ahead = uptimeOf([], {
      days: lastDays(NOW, 'UTC'),
      since: at('2026-01-01T00:00:00Z'),
      now: NOW,
      maintenances: planned,
    });
    expect(new Set(ahead.days.map(({ state }) => state))).toEqual(new Set(['operational']));
  });
});

test('the months of the last days include the one in which the oldest of them began', () => {
  expect(recentMonths(NOW)).toEqual(['2026-11', '2026-10', '2026-09', '2026-08']);
  expect(monthsFrom('2026-12', NOW)).toEqual(['2026-11']);
});

import { describe, expect, test } from 'vitest';
import {
  isReassignable,
  isReportedCount,
  pagesAgain,
  type UnmatchedScope,
  otherSlotsOf,
  sharedTitle,
} from '../../../../core/domain/alerts/unmatched.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

const place = (scope: string, seconds = 0): UnmatchedScope => ({
  scope,
  incident: `incident of ${scope}` as IncidentId,
  at: plusSeconds(NOON, seconds),
});
const [a, b, c] = [place('a', 2), place('b', 1), place('c', 3)];

/** Returns the scopes that keep their slots when `own` takes one. */
const beside = (
  taken: UnmatchedScope[],
  own: string,
  { free = [], max = 3 }: { free?: UnmatchedScope[]; max?: number } = {},
) => otherSlotsOf({ taken, free, max }, own)?.map(({ scope }) => scope);

describe('a service outside the catalogue', () => {
  test('takes an unused slot', () => {
    expect(beside([], 'x')).toEqual([]);
    expect(beside([a, b], 'x')).toEqual(['a', 'b']);
  });

  test('keeps its own', () => {
    expect(beside([a, b, c], 'b')).toEqual(['a', 'c']);
    expect(beside([a, b, c], 'b', { free: [a, b] })).toEqual(['a', 'c']);
  });

  test('gets none while all are taken', () => {
    expect(beside([a, b, c], 'x')).toBeUndefined();
    expect(beside([], 'x', { max: 0 })).toBeUndefined();
    expect(beside([a], 'x', { max: 0, free: [a] })).toBeUndefined();
  });

  test('gets the oldest free slot', () => {
    expect(beside([a, b, c], 'x', { free: [a, b] })).toEqual(['a', 'c']);
  });

  test('waits until enough are free if there are fewer slots than before', () => {
    expect(beside([a, b, c], 'x', { max: 2, free: [b] })).toBeUndefined();
    expect(beside([a, b, c], 'x', { max: 2, free: [a, b] })).toEqual(['c']);
  });
});

test.each([
  [3600, false],
  [3601, true],
])('its slot can be reassigned %i s after its incident opened: %s', (seconds, old) => {
  expect(isReassignable({ at: NOON }, plusSeconds(NOON, seconds))).toBe(old);
});

test.each([
  [3599, false],
  [3600, true],
])('the shared incident pages again %i s after its last page: %s', (seconds, again) => {
  expect(pagesAgain(NOON, plusSeconds(NOON, seconds))).toBe(again);
});

test('a flood of ten thousand alerts has a readable timeline', () => {
  let told = 0;
  for (let count = 25; count < 10_000; count += 25) told += isReportedCount(count, count + 25) ? 1 : 0;
  expect(told).toBeLessThan(12);
  expect(isReportedCount(1, 2)).toBe(true);
});

test('the first alert has an entry', () => {
  expect(sharedTitle(1)).toBe('1 alert of services outside the catalogue');
  expect(sharedTitle(2)).toBe('2 alerts of services outside the catalogue');
});

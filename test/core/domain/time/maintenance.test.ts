import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { windowsAt } from '../../../../core/domain/time/maintenance.ts';
import type { MaintenanceWindow } from '../../../../schemas/time/maintenance.ts';
import { RoutesFile } from '../../../../schemas/alerts/routes.ts';
import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { anyRecurring, anySingle } from '../../routes.ts';
import { runs } from '../../../support/runs.ts';

const windows = (...written: object[]): MaintenanceWindow[] =>
  RoutesFile.parse({ maintenance: written.map((window) => ({ name: 'upgrade', match: {}, ...window })) }).maintenance;

const at = (text: string): Timestamp => new Date(text).toISOString() as Timestamp;
const openAt = (window: object, instant: string): boolean => windowsAt(windows(window), at(instant)).length > 0;

const BERLIN = { timeZone: 'Europe/Berlin' };
const ONCE = { from: '2026-12-05T22:00', until: '2026-12-06T02:00', ...BERLIN };
const WEEKLY = { rrule: 'FREQ=WEEKLY;BYDAY=SA', start: '2026-01-03T02:00', duration: '2h', ...BERLIN };
/** Starts in the hour that is skipped on 2026-03-29 and repeated on 2026-10-25. */
const SUNDAYS = { rrule: 'FREQ=WEEKLY;BYDAY=SU', start: '2026-01-04T02:30', duration: '30m', ...BERLIN };

test.each([
  ['the beginning of a window is in it', ONCE, '2026-12-05T21:00Z', true],
  ['the instant before is not', ONCE, '2026-12-05T20:59:59.999Z', false],
  ['its last instant is in it', ONCE, '2026-12-06T00:59:59.999Z', true],
  ['its end is not', ONCE, '2026-12-06T01:00Z', false],
  ['the first of many', WEEKLY, '2026-01-03T01:00Z', true],
  ['the week before', WEEKLY, '2025-12-27T01:00Z', false],
  ['years later, in winter', WEEKLY, '2036-01-05T01:00Z', true],
  ['years later, in summer', WEEKLY, '2036-07-05T00:00Z', true],
  ['the end of one', WEEKLY, '2036-07-05T02:00Z', false],
  ['another day of the week', WEEKLY, '2036-07-06T00:00Z', false],
  ['one that begins the day before', { ...WEEKLY, duration: '3d' }, '2026-01-06T00:59Z', true],
  ['of which that is the end', { ...WEEKLY, duration: '3d' }, '2026-01-06T01:00Z', false],
  ['a beginning that clocks skip is as much later', SUNDAYS, '2026-03-29T01:30Z', true],
  ['and not earlier', SUNDAYS, '2026-03-29T01:29Z', false],
  ['and as long as always', SUNDAYS, '2026-03-29T01:59Z', true],
  ['and no longer', SUNDAYS, '2026-03-29T02:00Z', false],
  ['a beginning that clocks show twice is the first one', SUNDAYS, '2026-10-25T00:30Z', true],
  ['and not the second', SUNDAYS, '2026-10-25T01:30Z', false],
  ['the last one counted', { ...WEEKLY, rrule: 'FREQ=DAILY;COUNT=3' }, '2026-01-05T01:00Z', true],
  ['one more', { ...WEEKLY, rrule: 'FREQ=DAILY;COUNT=3' }, '2026-01-06T01:00Z', false],
  ['long after the last one', { ...WEEKLY, rrule: 'FREQ=DAILY;COUNT=3' }, '2066-01-06T01:00Z', false],
  ['an end in UTC is in it', { ...WEEKLY, rrule: 'FREQ=DAILY;UNTIL=20260105T010000Z' }, '2026-01-05T01:00Z', true],
  ['the day after it', { ...WEEKLY, rrule: 'FREQ=DAILY;UNTIL=20260105T010000Z' }, '2026-01-06T01:00Z', false],
  ['an end in UTC before it', { ...WEEKLY, rrule: 'FREQ=DAILY;UNTIL=20260105T005959Z' }, '2026-01-05T01:00Z', false],
  ['an end by the clocks there', { ...WEEKLY, rrule: 'FREQ=DAILY;UNTIL=20260105T020000' }, '2026-01-05T01:00Z', true],
  [
    'an end that is a day is that whole day',
    { ...WEEKLY, rrule: 'FREQ=DAILY;UNTIL=20260105' },
    '2026-01-05T01:00Z',
    true,
  ],
  [
    'a month without that day has no window',
    { ...WEEKLY, rrule: 'FREQ=MONTHLY;BYMONTHDAY=31' },
    '2026-02-28T01:30Z',
    false,
  ],
])('%s', (_, window, instant, expected) => {
  expect(openAt(window, instant)).toBe(expected);
});

describe('a window whose end time occurs twice', () => {
  const until = { from: '2026-10-25T00:00', until: '2026-10-25T02:30', ...BERLIN };
  test('ends at the second occurrence', () => expect(openAt(until, '2026-10-25T01:29Z')).toBe(true));
  test('and not later', () => expect(openAt(until, '2026-10-25T01:30Z')).toBe(false));
});

test('the fields of an open window', () => {
  const both = windows({ ...ONCE, reason: 'PostgreSQL 18', by: 'ada' }, { ...WEEKLY, name: 'reboot', match: 'a="b"' });
  expect(windowsAt(both, at('2026-12-06T00:00Z'))).toEqual([
    {
      name: 'upgrade',
      matchers: [],
      from: '2026-12-05T21:00:00.000Z',
      until: '2026-12-06T01:00:00.000Z',
      reason: 'PostgreSQL 18',
      by: 'ada',
    },
  ]);
  expect(windowsAt(both, at('2026-12-12T01:30Z'))).toMatchObject([
    { name: 'reboot', from: '2026-12-12T01:00:00.000Z', until: '2026-12-12T03:00:00.000Z', reason: null, by: null },
  ]);
  expect(windowsAt(both, at('2026-12-13T01:30Z'))).toEqual([]);
});

const justBefore = (instant: Timestamp): Timestamp => timestamp(millisOf(instant) - 1);

test('once: from its start until just before its end', () => {
  fc.assert(
    fc.property(anySingle, (written) => {
      const [window] = windows(written);
      if (window === undefined || 'rrule' in window) throw new Error('one that does not recur');
      const isOpen = (instant: Timestamp): boolean => windowsAt([window], instant).length > 0;
      expect([justBefore(window.from), window.from, justBefore(window.until), window.until].map(isOpen)).toEqual([
        false,
        true,
        true,
        false,
      ]);
    }),
  );
});

test('recurring: an open window starts and ends as stated', () => {
  const later = fc.integer({ min: 0, max: 3 * 366 * 24 * 60 });
  let seen = 0;
  fc.assert(
    fc.property(anyRecurring, later, (written, minutes) => {
      const [window] = windows(written);
      if (window === undefined) throw new Error('there is one');
      const start = at(`${written.start}Z`);
      for (const open of windowsAt([window], plusSeconds(start, minutes * 60))) {
        seen += 1;
        const has = (instant: Timestamp): boolean =>
          windowsAt([window], instant).some(({ from }) => from === open.from);
        expect([justBefore(open.from), open.from, justBefore(open.until), open.until].map(has)).toEqual([
          false,
          true,
          true,
          false,
        ]);
      }
    }),
    { numRuns: runs(80) },
  );
  expect(seen).toBeGreaterThan(0);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarAt, calendarFreezes } from '../../decisions/calendar.ts';
import { stateAt } from '../../decisions/state.ts';
import { nextSpan, spansAt } from '../../../../core/domain/time/time-spans.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import { millisOf, plusSeconds, type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { anyRecurring } from '../../../../test/core/routes.ts';
import { hash, serviceEnvironment } from './builders.ts';
import { runs } from '../../../../test/support/runs.ts';

const entries = (...written: object[]) =>
  FreezeFile.parse({ calendar: written.map((entry, n) => ({ name: `e${n}`, ...entry })) }).calendar;

const instant = (text: string): Timestamp => new Date(text).toISOString() as Timestamp;
const freezesOf = (entry: object, at: string, where = serviceEnvironment()) =>
  calendarFreezes(calendarAt(entries(entry), instant(at)), where, hash);
const holds = (entry: object, at: string, where = serviceEnvironment()): boolean =>
  freezesOf(entry, at, where).some((freeze) => stateAt(freeze, instant(at)) === 'in_force');

const BERLIN = { timeZone: 'Europe/Berlin' };
const ONCE = { from: '2026-11-27T00:00', until: '2026-12-01T00:00', ...BERLIN };
const FRIDAYS = { rrule: 'FREQ=WEEKLY;BYDAY=FR', start: '2026-01-02T16:00', duration: '64h', ...BERLIN };
/** Nights that include the clock changes of 2026-03-29 and 2026-10-25. */
const SATURDAYS = { rrule: 'FREQ=WEEKLY;BYDAY=SA', start: '2026-01-03T20:00', duration: '12h', ...BERLIN };
const AT_THE_SKIPPED_HOUR = { rrule: 'FREQ=WEEKLY;BYDAY=SU', start: '2026-01-04T02:30', duration: '30m', ...BERLIN };

test.each<[string, object, string, boolean]>([
  ['its first instant is in it', ONCE, '2026-11-26T23:00Z', true],
  ['the one before is not', ONCE, '2026-11-26T22:59:59.999Z', false],
  ['its last instant is in it', ONCE, '2026-11-30T22:59:59.999Z', true],
  ['its end is not', ONCE, '2026-11-30T23:00Z', false],
  ['a weekend begins by the clocks there in winter', FRIDAYS, '2026-12-04T15:00Z', true],
  ['and not before', FRIDAYS, '2026-12-04T14:59Z', false],
  ['and in summer', FRIDAYS, '2026-07-03T14:00Z', true],
  ['and holds until Monday', FRIDAYS, '2026-12-07T06:59Z', true],
  ['and no longer', FRIDAYS, '2026-12-07T07:00Z', false],
  ['in the short night it lasts as long as always', SATURDAYS, '2026-03-29T06:59Z', true],
  ['and no longer than that', SATURDAYS, '2026-03-29T07:00Z', false],
  ['in the long one, too', SATURDAYS, '2026-10-25T05:59Z', true],
  ['and there no longer, either', SATURDAYS, '2026-10-25T06:00Z', false],
  ['a beginning that clocks skip is as much later', AT_THE_SKIPPED_HOUR, '2026-03-29T01:30Z', true],
  ['and one that they show twice is the first', AT_THE_SKIPPED_HOUR, '2026-10-25T00:30Z', true],
  ['and not the second', AT_THE_SKIPPED_HOUR, '2026-10-25T01:30Z', false],
])('%s', (_, entry, at, expected) => {
  expect(holds(entry, at)).toBe(expected);
});

describe('an entry is in force', () => {
  const at = '2026-11-28T00:00Z';
  test.each<[string, object, ReturnType<typeof serviceEnvironment>, boolean]>([
    ['everywhere, if it says no more', {}, serviceEnvironment('search', 'staging', null), true],
    ['for its services', { services: ['search', 'checkout'] }, serviceEnvironment(), true],
    ['and no others', { service: 'search' }, serviceEnvironment(), false],
    ['for its teams', { team: 'payments' }, serviceEnvironment(), true],
    [
      'and no others, nor services without a team',
      { teams: ['payments'] },
      serviceEnvironment('checkout', 'production', null),
      false,
    ],
    ['in its environments', { environments: ['staging', 'production'] }, serviceEnvironment(), true],
    ['and no others', { environment: 'staging' }, serviceEnvironment(), false],
    ['where both are so', { services: ['checkout'], environments: ['staging'] }, serviceEnvironment(), false],
  ])('%s', (_, scope, where, expected) => {
    expect(holds({ ...ONCE, ...scope }, at, where)).toBe(expected);
  });

  test('once for each of its scopes, without duplicates', () => {
    const everywhere = { services: ['checkout', 'search', 'checkout'], environments: ['production', 'staging'] };
    expect(freezesOf({ ...ONCE, ...everywhere }, at)).toHaveLength(1);
    expect(freezesOf({ ...ONCE, ...everywhere }, at)[0]).toMatchObject({
      service: 'checkout',
      environment: 'production',
      team: null,
    });
    expect(freezesOf({ ...ONCE, teams: ['payments'] }, at)[0]).toMatchObject({
      service: null,
      environment: null,
      team: 'payments',
    });
  });
});

describe('an entry that is edited while it is in force', () => {
  const at = '2026-11-28T00:00Z';
  const before = { name: 'black friday', ...ONCE };
  const idOf = (entry: object, when = at): string | undefined => freezesOf(entry, when)[0]?.id;

  test.each<[string, object, boolean]>([
    ['with a later end it is the same freeze', { ...before, until: '2026-12-02T00:00' }, true],
    ['with another reason', { ...before, reason: 'busy' }, true],
    ['with other kinds that pass', { ...before, passes: ['hotfix'] }, true],
    [
      'its beginning written otherwise',
      { ...before, from: '2026-11-26T23:00Z', tz: 'UTC', timeZone: undefined, until: '2026-12-01T00:00Z' },
      true,
    ],
    ['of another name it is another', { ...before, name: 'cyber monday' }, false],
    ['with another beginning it is another', { ...before, from: '2026-11-27T01:00' }, false],
  ])('%s', (_, after, same) => {
    expect(idOf(after) === idOf(before)).toBe(same);
    expect(idOf(after)).toMatch(/^frz_[0-9a-f]{26}$/);
  });

  test('has its current text', () => {
    const edited = { ...before, reason: 'the busiest days', until: '2026-12-02T00:00', passes: ['hotfix'] };
    expect(freezesOf(edited, at)[0]).toMatchObject({
      reason: 'the busiest days (calendar, "black friday")',
      ends_when: 'the calendar entry ends at 2026-12-01 23:00 UTC',
      until: '2026-12-01T23:00:00.000Z',
      passes: ['hotfix'],
      calendar: 'black friday',
      opened_by: 'calendar',
    });
    expect(freezesOf(before, at)[0]).not.toHaveProperty('passes');
    expect(freezesOf(before, at)[0]?.reason).toBe('black friday (calendar)');
  });

  test('each recurrence is a separate freeze', () => {
    expect(idOf(FRIDAYS, '2026-12-04T16:00Z')).not.toBe(idOf(FRIDAYS, '2026-12-11T16:00Z'));
    expect(idOf(FRIDAYS, '2026-12-04T16:00Z')).toBe(idOf(FRIDAYS, '2026-12-06T16:00Z'));
  });
});

test('the next occurrence is included', () => {
  expect(freezesOf(FRIDAYS, '2026-12-04T16:00Z').map(({ starts_at }) => starts_at)).toEqual([
    '2026-12-04T15:00:00.000Z',
    '2026-12-11T15:00:00.000Z',
  ]);
  expect(freezesOf({ ...FRIDAYS, rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29' }, '2026-12-04T16:00Z')).toMatchObject([
    { starts_at: '2028-02-29T15:00:00.000Z' },
  ]);
  expect(freezesOf({ ...FRIDAYS, rrule: 'FREQ=DAILY;COUNT=2' }, '2026-12-04T16:00Z')).toEqual([]);
  expect(freezesOf(ONCE, '2026-11-30T23:00Z')).toEqual([]);
});

describe('a cached calendar', () => {
  test.each([
    ['before it', ONCE, '2026-11-20T00:00Z', '2026-11-26T23:00:00.000Z'],
    ['within it', ONCE, '2026-11-28T00:00Z', '2026-11-30T23:00:00.000Z'],
    ['after it', ONCE, '2026-12-20T00:00Z', null],
    ['between two', FRIDAYS, '2026-12-08T00:00Z', '2026-12-11T15:00:00.000Z'],
  ])('%s is valid until a span starts or ends', (_, entry, at, until) => {
    expect(calendarAt(entries(entry), instant(at)).until).toBe(until);
  });
});

test('nothing happens between two evaluations, and the next span follows', () => {
  const later = fc.integer({ min: 0, max: 400 * 24 * 60 });
  fc.assert(
    fc.property(anyRecurring, later, ({ start, timeZone, duration, rrule }, minutes) => {
      const [entry] = entries({ start, timeZone, duration, rrule });
      if (entry === undefined) throw new Error('there is one');
      const at = plusSeconds(instant(`${start}Z`), minutes * 60);
      const next = nextSpan(entry, at);
      const until = next?.from ?? plusSeconds(at, 400 * 86_400);
      expect(at < until).toBe(true);
      if (next !== undefined) expect(spansAt(entry, next.from)).toContainEqual(next);
      // The state in between equals the state before.
      const between = timestamp(millisOf(at) + Math.floor((millisOf(until) - millisOf(at)) * 0.99));
      for (const span of spansAt(entry, between)) expect(span.from <= at).toBe(true);
    }),
    { numRuns: runs(50) },
  );
});

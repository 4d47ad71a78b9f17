import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { isWithinHours } from '../../../../core/domain/time/hours.ts';
import { type Hours, WEEKDAYS } from '../../../../schemas/time/hours.ts';
import { Route } from '../../../../schemas/alerts/routes.ts';
import { type Timestamp, timestamp } from '../../../../schemas/time/time.ts';
import { anyZone } from '../../routes.ts';
import { runs } from '../../../support/runs.ts';

const hoursOf = (hours: unknown): Hours[] => Route.parse({ hours }).hours;
const at = (text: string): Timestamp => new Date(text).toISOString() as Timestamp;

const BY_DAY = 'Mon-Fri 09:00-17:00 Europe/Berlin';
const BY_NIGHT = 'Fri 22:00-06:00 Europe/Berlin';
const SPRING = 'Sun 02:30-05:00 Europe/Berlin'; // clocks change from 02:00 to 03:00 on 2026-03-29
const AUTUMN = 'Sun 02:30-05:00 Europe/Berlin'; // and from 03:00 to 02:00 on 2026-10-25

test.each([
  ['its first minute', BY_DAY, '2026-11-20T09:00+01:00', true],
  ['the last instant before it', BY_DAY, '2026-11-20T08:59:59.999+01:00', false],
  ['its last instant', BY_DAY, '2026-11-20T16:59:59.999+01:00', true],
  ['its end', BY_DAY, '2026-11-20T17:00+01:00', false],
  ['a Saturday', BY_DAY, '2026-11-21T12:00+01:00', false],
  ['summer, when the clocks are an hour ahead', BY_DAY, '2026-07-20T07:00Z', true],
  ['the same in winter', BY_DAY, '2026-11-20T07:00Z', false],
  ['a Monday there that is a Sunday elsewhere', 'Mon 08:00-09:00 Asia/Tokyo', '2026-11-22T23:30Z', true],
  ['the evening on which a night begins', BY_NIGHT, '2026-11-20T23:00+01:00', true],
  ['the morning on which it ends', BY_NIGHT, '2026-11-21T05:59+01:00', true],
  ['its end in the morning', BY_NIGHT, '2026-11-21T06:00+01:00', false],
  ['the morning of the day on which it begins', BY_NIGHT, '2026-11-20T05:00+01:00', false],
  ['the evening after', BY_NIGHT, '2026-11-21T23:00+01:00', false],
  ['the morning after the last day of the week', 'Sun 22:00-06:00', '2026-11-23T01:00Z', true],
  ['midnight at the end of a day', 'Fri 20:00-24:00', '2026-11-21T00:00Z', false],
  ['the minute before', 'Fri 20:00-24:00', '2026-11-20T23:59Z', true],
  ['midnight written as the next day', 'Fri 20:00-00:00', '2026-11-21T00:00Z', false],
  ['the minute before that', 'Fri 20:00-00:00', '2026-11-20T23:59Z', true],
  ['the last minute before clocks skip its beginning', SPRING, '2026-03-29T00:59Z', false],
  ['the first minute after', SPRING, '2026-03-29T01:00Z', true],
  ['the end, which is not moved', SPRING, '2026-03-29T03:00Z', false],
  ['its beginning, the first time that clocks show it', AUTUMN, '2026-10-25T00:30Z', true],
  ['the hour that they show twice, before the beginning', AUTUMN, '2026-10-25T01:15Z', false],
  ['its beginning, the second time', AUTUMN, '2026-10-25T01:30Z', true],
  ['one of several', [BY_DAY, BY_NIGHT], '2026-11-20T23:00+01:00', true],
  ['none of several', [BY_DAY, BY_NIGHT], '2026-11-20T18:00+01:00', false],
  ['no hours at all', [], '2026-11-20T18:00+01:00', true],
])('%s', (_, hours, instant, expected) => {
  expect(isWithinHours(hoursOf(hours), at(instant))).toBe(expected);
});

const clock = fc.nat(24 * 4 - 1).map((quarter) => `${pad(Math.floor(quarter / 4))}:${pad((quarter % 4) * 15)}`);
const pad = (number: number): string => String(number).padStart(2, '0');

const anyHours: fc.Arbitrary<Hours> = fc
  .record({ days: fc.subarray([...WEEKDAYS], { minLength: 1 }), from: clock, to: clock, timeZone: anyZone })
  .filter(({ from, to }) => from !== to);

/** Mostly around clock changes, in steps of five minutes. */
const anyInstant = fc
  .tuple(
    fc.constantFrom(
      '2026-03-29T01:00Z',
      '2026-10-25T01:00Z',
      '2026-03-08T07:00Z',
      '2026-04-04T15:00Z',
      '2011-12-30T10:00Z',
    ),
    fc.integer({ min: -12 * 48, max: 12 * 48 }),
  )
  .map(([change, steps]) => timestamp(Date.parse(change) + steps * 300_000));

/** Formats the local time with the runtime's calendar, which shares no code with the implementation. */
function shown(timeZone: string, instant: Timestamp): { day: string; time: string } {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' });
  const parts = new Map(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  return { day: parts.get('weekday')?.toLowerCase() ?? '', time: `${parts.get('hour')}:${parts.get('minute')}` };
}

test('hours follow the local clock', () => {
  fc.assert(
    fc.property(anyHours, anyInstant, (hours, instant) => {
      const { day, time } = shown(hours.timeZone, instant);
      const listed = WEEKDAYS.filter((each) => hours.days.includes(each));
      const before = WEEKDAYS[(WEEKDAYS.findIndex((each) => each === day) + 6) % 7];
      const today = listed.some((each) => each === day);
      const yesterday = listed.some((each) => each === before);
      const expected =
        hours.from < hours.to
          ? today && time >= hours.from && time < hours.to
          : (today && time >= hours.from) || (yesterday && time < hours.to);
      expect(isWithinHours([hours], instant)).toBe(expected);
    }),
    { numRuns: runs(100) },
  );
});

const { TZ } = process.env;
afterEach(() => {
  if (TZ === undefined) delete process.env['TZ'];
  else process.env['TZ'] = TZ;
});

test("the machine's time zone does not matter", () => {
  const places = ['UTC', 'America/New_York', 'Pacific/Apia', 'Asia/Kathmandu'];
  const offsets = places.map((place) => {
    process.env['TZ'] = place;
    return new Date('2026-11-20T12:00Z').getTimezoneOffset();
  });
  expect(new Set(offsets).size).toBe(places.length);
  fc.assert(
    fc.property(anyHours, anyInstant, (hours, instant) => {
      const answers = places.map((place) => {
        process.env['TZ'] = place;
        return isWithinHours([hours], instant);
      });
      expect(new Set(answers).size).toBe(1);
    }),
  );
});

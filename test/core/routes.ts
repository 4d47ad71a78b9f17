import * as fc from 'fast-check';

/** Generators of routes, windows, and thresholds in every permitted form. */

const label = fc.constantFrom('severity', 'team', 'service', 'environment', 'tier', 'eine Größe');
const value = fc.oneof(
  fc.constantFrom('critical', 'warning', 'payments', 'a "quoted" one', String.raw`back\slash`, '', 'é'),
  fc.string({ maxLength: 8 }),
);

const matcherText = fc
  .tuple(label, fc.constantFrom('=', '!='), value)
  .map(([name, operator, text]) => `${quoted(name)}${operator}${quoted(text)}`);
const patternText = fc
  .tuple(label, fc.constantFrom('=~', '!~'), fc.constantFrom('pay.*', 'a|b', String.raw`\d+\.\d+`, 'x"y'))
  .map(([name, operator, text]) => `${quoted(name)}${operator}"${text.replaceAll('"', String.raw`\"`)}"`);

/** Quotes like Go. JSON is equal for all strings in these tests, except lone surrogates and some control characters. */
const quoted = (text: string): string => JSON.stringify(text.toWellFormed().replaceAll(/[\0-\x1f\x7f]/g, ' '));

const texts = fc.array(fc.oneof(matcherText, patternText), { maxLength: 3 });
export const anyMatch = fc.oneof(
  fc.dictionary(label, fc.oneof(value, fc.nat(4), fc.boolean()), { maxKeys: 3 }),
  texts,
  texts.map((each) => each.join(', ')),
  texts.map((each) => `{${each.join(',')}}`),
);

const twoDigits = (number: number): string => String(number).padStart(2, '0');
const time = fc.tuple(fc.nat(23), fc.nat(59)).map(([hours, minutes]) => `${twoDigits(hours)}:${twoDigits(minutes)}`);
const days = fc.constantFrom('Mon-Fri', 'sat, sun', 'weekdays', 'Friday-Monday', 'tue', 'daily');

export const anyZone = fc.constantFrom(
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe', // daylight saving of half an hour
  'Asia/Kathmandu',
  'Pacific/Apia', // has skipped a day
  'America/St_Johns',
  '+05:30',
);

const anyHours = fc
  .record({ days, from: time, to: time, timeZone: anyZone })
  .filter(({ from, to }) => from !== to)
  .chain((hours) =>
    fc.constantFrom<unknown>(
      hours,
      `${hours.days} ${hours.from}-${hours.to} ${hours.timeZone}`,
      { days: hours.days.split(','), start: hours.from, end: hours.to, location: hours.timeZone },
      [hours, `${hours.from}-24:00`],
    ),
  );

const anyTicket = fc.constantFrom<unknown>(
  true,
  'github',
  { github: { repository: 'acme/x' } },
  { webhook: { url: 'https://tickets.internal/hook', signature: 'TICKETS_SECRET' } },
  ['github', { webhook: { url: 'https://tickets.internal/hook' } }],
);

export const anyRoute = fc.record(
  {
    name: fc.string({ minLength: 1, maxLength: 8 }),
    match: anyMatch,
    page: fc.boolean(),
    slack: fc.constantFrom<unknown>(true, false, 'Payments', '#ops', ['#a', true], 'C0123ABCDEF'),
    ticket: anyTicket,
    record: fc.boolean(),
    hours: anyHours,
    continue: fc.boolean(),
  },
  { requiredKeys: [] },
);

const begins = fc
  .tuple(fc.integer({ min: 2024, max: 2027 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }), time)
  .map(([year, month, day, at]) => `${year}-${twoDigits(month)}-${twoDigits(day)}T${at}`);

export const anyDuration = fc.constantFrom('1m', '30m', '2h', 'PT90M', '1d', '1h 15m');

const shared = { name: fc.constantFrom('upgrade', 'reboot'), start: begins, timeZone: anyZone, duration: anyDuration };

export const anySingle = fc.record({ ...shared, match: anyMatch });

export const anyRecurring = fc.record({
  ...shared,
  match: anyMatch,
  rrule: fc.constantFrom(
    'FREQ=DAILY',
    'FREQ=WEEKLY;BYDAY=SA',
    'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU',
    'FREQ=MONTHLY;BYDAY=1SU',
    'FREQ=MONTHLY;BYMONTHDAY=-1',
    'FREQ=MONTHLY;BYMONTHDAY=31',
    'FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU',
    'FREQ=DAILY;COUNT=400',
    'FREQ=WEEKLY;UNTIL=20290101',
    'FREQ=WEEKLY;UNTIL=20290101T010000Z',
  ),
});

const threshold = fc.constantFrom<unknown>(3, 10, 'off', false);

export const anyRoutesFile = fc.oneof(
  fc.array(anyRoute, { maxLength: 3 }),
  fc.record(
    {
      routes: fc.array(anyRoute, { maxLength: 3 }),
      maintenance: fc.array(fc.oneof(anySingle, anyRecurring), { maxLength: 2 }),
      manyAtOnce: fc.oneof(
        fc.constantFrom<unknown>('off', false),
        fc.record({ incidents: threshold, sharedDependency: threshold }, { requiredKeys: [] }),
      ),
    },
    { requiredKeys: [] },
  ),
);

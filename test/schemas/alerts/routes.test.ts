import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { Config, PagingFile, ServicesFile } from '../../../schemas/config/config.ts';
import { Route, RoutesFile } from '../../../schemas/alerts/routes.ts';
import { anyRoutesFile } from '../../core/routes.ts';

const ROOT = join(import.meta.dirname, '../../..');

const BERLIN = { timeZone: 'Europe/Berlin' };
const WORKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri'];
const EVERY_DAY = [...WORKDAYS, 'sat', 'sun'];

const equals = (name: string, value: string) => ({ name, value, isRegex: false, isEqual: true });

describe('equivalent notations', () => {
  test.each([
    [{ severity: 'warning', tier: 1 }],
    [['severity="warning"', 'tier="1"']],
    [['severity=warning', { tier: 1 }]],
    ['{severity="warning", tier="1"}'],
    ['severity="warning",tier=1'],
  ])('match: %j', (match) => {
    const matchers = [equals('severity', 'warning'), equals('tier', '1')];
    expect(Route.parse({ match })).toMatchObject({ matchers });
    expect(Route.parse({ matchers: match })).toMatchObject({ matchers });
  });

  test.each([[undefined], [null], [{}], [[]], [''], ['{}']])('match %j matches everything', (match) => {
    expect(Route.parse({ match })).toMatchObject({ matchers: [] });
  });

  test.each([
    ['Mon-Fri 09:00-17:00 Europe/Berlin'],
    ['monday-friday 9-17 Europe/Berlin'],
    ['mon, tue, Wed-Fri 9:00 to 17:00 Europe/Berlin'],
    ['weekdays 09:00 – 17:00 Europe/Berlin'],
    [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', ...BERLIN }],
    [{ days: 'mon-fri', start: 9, end: 17, timezone: 'Europe/Berlin' }],
    [{ days: ['monday:friday'], start: '9:00', end: '17:00', location: 'Europe/Berlin' }],
  ])('hours: %j', (hours) => {
    const expected = [{ days: WORKDAYS, from: '09:00', to: '17:00', ...BERLIN }];
    expect(Route.parse({ hours })).toMatchObject({ hours: expected });
    expect(Route.parse({ hours: [hours] })).toMatchObject({ hours: expected });
  });

  test.each([
    ['22:00-06:00', { days: EVERY_DAY, from: '22:00', to: '06:00', timeZone: 'UTC' }],
    ['daily 00:00-24:00 +05:30', { days: EVERY_DAY, from: '00:00', to: '24:00', timeZone: '+05:30' }],
    ['Sat-Sun Europe/Berlin', { days: ['sat', 'sun'], from: '00:00', to: '24:00', ...BERLIN }],
    ['weekend', { days: ['sat', 'sun'], from: '00:00', to: '24:00', timeZone: 'UTC' }],
    ['Fri-Mon 18-24', { days: ['mon', 'fri', 'sat', 'sun'], from: '18:00', to: '24:00', timeZone: 'UTC' }],
    [BERLIN, { days: EVERY_DAY, from: '00:00', to: '24:00', ...BERLIN }],
  ])('defaults of hours %j', (hours, expected) => {
    expect(Route.parse({ hours })).toMatchObject({ hours: [expected] });
  });

  test.each([
    [true, [true]],
    [false, []],
    ['#payments', ['#payments']],
    ['Payments', ['#payments']],
    ['C0123ABCDEF', ['C0123ABCDEF']],
    [{ channel: '#payments' }, ['#payments']],
    [
      [true, 'ops'],
      [true, '#ops'],
    ],
  ])('slack: %j', (slack, expected) => {
    expect(Route.parse({ slack })).toMatchObject({ slack: expected });
  });

  const github = { github: { labels: [] } };
  const webhook = { webhook: { url: 'https://tickets.internal/hook', signature: 'TICKETS_SECRET' } };
  test.each([
    [true, [github]],
    ['github', [github]],
    [{ github: {} }, [github]],
    [
      { github: { repository: 'acme/x', labels: ['alert'] } },
      [{ github: { repository: 'acme/x', labels: ['alert'] } }],
    ],
    [webhook, [webhook]],
    [
      ['github', webhook],
      [github, webhook],
    ],
    [false, []],
  ])('ticket: %j', (ticket, expected) => {
    expect(Route.parse({ ticket })).toMatchObject({ ticket: expected });
  });

  test.each([
    [{}, { page: false, incident: false, record: true }],
    [{ record: true }, { page: false, incident: false, record: true }],
    [{ record: false }, { page: false, incident: false, record: true }],
    [{ page: true }, { page: true, incident: true, record: true }],
    [{ incident: true }, { page: false, incident: true, record: true }],
  ])('%j adds nothing else', (route, expected) => {
    expect(Route.parse(route)).toMatchObject({ slack: [], ticket: [], continue: false, ...expected });
  });

  test('a bare list of routes is a valid file', () => {
    expect(RoutesFile.parse([{ page: true }])).toEqual(RoutesFile.parse({ routes: [{ page: true }] }));
    expect(RoutesFile.parse({ routes: null, maintenance: null })).toEqual(RoutesFile.parse({}));
  });

  test.each([
    [undefined, { incidents: 5, minutes: 5, sharedDependency: 2 }],
    [{ incidents: 10 }, { incidents: 10, minutes: 5, sharedDependency: 2 }],
    [{ sharedDependency: 'off' }, { incidents: 5, minutes: 5, sharedDependency: false }],
    ['off', { incidents: false, minutes: 5, sharedDependency: false }],
    [false, { incidents: false, minutes: 5, sharedDependency: false }],
  ])('manyAtOnce: %j', (manyAtOnce, expected) => {
    expect(RoutesFile.parse({ manyAtOnce })).toMatchObject({ manyAtOnce: expected });
  });
});

describe('a maintenance window', () => {
  const window = (more: object) =>
    RoutesFile.parse({ maintenance: [{ name: 'w', match: 'a="b"', ...more }] }).maintenance[0];
  const expected = { from: '2026-12-05T21:00:00.000Z', until: '2026-12-06T01:00:00.000Z' };

  test.each([
    [{ from: '2026-12-05T22:00', until: '2026-12-06T02:00', ...BERLIN }],
    [{ starts_at: '2026-12-05 22:00:00', ends_at: '2026-12-06 02:00', location: 'Europe/Berlin' }],
    [{ from: '2026-12-05T21:00:00Z', until: '2026-12-06T02:00:00+01:00' }],
    [{ from: '2026-12-05T21:00:00Z', until: '2026-12-06T02:00', ...BERLIN }],
    [{ start: '2026-12-05T22:00', duration: '4h', timezone: 'Europe/Berlin' }],
    [{ start: '2026-12-05T22:00+01:00', duration: 'PT240M' }],
  ])('single: %j', (more) => {
    expect(window(more)).toMatchObject(expected);
  });

  test.each([
    [{ rrule: 'FREQ=WEEKLY;BYDAY=SA', start: '2026-01-03T02:00', ...BERLIN, duration: '2h 30m' }],
    [{ rrule: 'RRULE:freq=weekly;byday=sa;', start: '2026-01-03T01:00Z', ...BERLIN, duration: '150m' }],
    [{ rrule: 'FREQ=WEEKLY;BYDAY=SA', from: '2026-01-03 02:00', location: 'Europe/Berlin', duration: 'PT2.5H' }],
  ])('recurring: %j', (more) => {
    expect(window(more)).toMatchObject({
      rrule: 'FREQ=WEEKLY;BYDAY=SA',
      start: '2026-01-03T02:00:00',
      timeZone: 'Europe/Berlin',
      duration: 'PT2H30M',
    });
  });
});

const problemsOf = (file: unknown): string => {
  const read = RoutesFile.safeParse(file);
  return read.success ? '' : JSON.stringify(read.error.issues);
};

describe('errors', () => {
  test.each([
    ['an unknown key', { mach: {} }, /unrecognized_keys.*mach/],
    ['an invalid matcher', { match: 'severity' }, /expected =, !=, =~ or !~ after severity/],
    ['an invalid matcher in a list', { match: ['a="b"', 'c=~"("'] }, /regular expression/],
    [
      'an invalid regular expression in the stored form',
      { match: [{ name: 'a', value: '(', isRegex: true }] },
      /regular expression/,
    ],
    ['a label without a value', { match: { team: null } }, /match/],
    ['two names for one key', { match: 'a=b', matchers: 'a=b' }, /"match\\" and \\"matchers\\" mean the same/],
    ['a page without an incident', { page: true, incident: false }, /a page requires an incident/],
    ['an unknown time zone', { hours: 'Mon-Fri 09:00-17:00 Europe/Berln' }, /unknown time zone .*Europe\/Berln/],
    ['an ambiguous abbreviation of a time zone', { hours: '09:00-17:00 PDT' }, /unknown time zone .*PDT/],
    ['an unknown day', { hours: 'Mon-Fro 09:00-17:00' }, /Mon-Fro.* is not a day of the week/],
    ['an invalid hour', { hours: '09:00-25:00' }, /25:00.* is not a time of day/],
    ['an invalid minute', { hours: '09:60-10:00' }, /09:60.* is not a time of day/],
    ['empty hours', { hours: '09:00-09:00' }, /09:00-09:00 is empty/],
    ['hours that start at 24:00', { hours: '24:00-06:00' }, /24:00-06:00 is empty/],
    ['two ranges in one text', { hours: 'Mon 09:00-17:00, Sat 10:00-14:00' }, /or a list of them/],
    ['a channel with a space', { slack: '#pay ments' }, /is not a channel name/],
    ['a channel that is a mention', { slack: '<!here>' }, /is not a channel name/],
    ['an unknown ticket system', { ticket: 'jira' }, /github/],
    ['a ticket without a target', { ticket: {} }, /github/],
    ['a webhook that is not a URL', { ticket: { webhook: { url: 'tickets' } } }, /must be an http or https URL/],
    [
      'a secret instead of its name',
      { ticket: { webhook: { url: 'https://x', signature: 's3cret' } } },
      /such as CD_TOKEN/,
    ],
  ])('%s', (_, route, problem) => {
    expect(problemsOf([route])).toMatch(problem);
  });

  test.each([
    [{ slack: true }, /name a channel/],
    [{ ticket: 'github' }, /OWNER\/NAME/],
    [{}, /name a channel or a ticket/],
  ])('a route for unknown services needs a target that exists: %j', (unmatched, problem) => {
    expect(problemsOf({ unmatched })).toMatch(problem);
  });

  test('an inhibition rule needs valid patterns', () => {
    const rule = { source_match_re: { a: '(' }, target_match: { a: 'b' } };
    expect(problemsOf({ inhibit_rules: [rule] })).toMatch(/source_match_re/);
  });

  const whole = { name: 'w', match: { a: 'b' }, from: '2026-01-03T02:00Z', until: '2026-01-03T04:00Z' };
  const hours = Array.from({ length: 24 }, (_, hour) => hour).join(',');
  const minutes = Array.from({ length: 60 }, (_, minute) => minute).join(',');
  const again = {
    name: 'w',
    match: { a: 'b' },
    start: '2026-01-03T02:00',
    duration: '2h',
    rrule: 'FREQ=DAILY',
    ...BERLIN,
  };
  test.each([
    ['a window without match', { ...whole, match: undefined }, /\\"match\\" is missing/],
    ['a window without a start', { ...whole, from: undefined }, /\\"from\\" is missing/],
    ['a window without an end', { ...whole, until: undefined }, /\\"until\\" is missing/],
    [
      'times without a time zone',
      { ...whole, from: '2026-01-03T02:00', until: '2026-01-03T04:00' },
      /\\"timeZone\\" is missing/,
    ],
    ['an end without a time zone', { ...whole, until: '2026-01-03T04:00' }, /\\"timeZone\\" is missing/],
    ['an end before the start', { ...whole, until: '2026-01-02T00:00Z' }, /the end .* is not after the start/],
    ['an empty window', { ...whole, until: whole.from }, /the end .* is not after the start/],
    ['an invalid date', { ...whole, from: '2026-02-30T00:00Z' }, /is not a time/],
    ['an unknown time zone', { ...whole, timeZone: 'Berlin' }, /unknown time zone .*Berlin/],
    ['an end and a duration', { ...whole, duration: '2h' }, /set either .*until.* or .*duration/],
    ['a duration in months', { ...again, duration: 'P1M' }, /is not a duration/],
    ['a duration without a unit', { ...again, duration: '90' }, /is not a duration/],
    ['a duration of zero', { ...again, duration: '0m' }, /is not a duration/],
    ['a rule without a duration', { ...again, duration: undefined }, /\\"duration\\" is missing/],
    ['a rule without a time zone', { ...again, timeZone: undefined }, /\\"timeZone\\" is missing/],
    ['a rule with an end beside it', { ...again, until: '2027-01-01T00:00Z' }, /set .*duration.* instead of an end/],
    ['text that is not a rule', { ...again, rrule: 'every saturday' }, /write a rule such as/],
    ['a rule without a frequency', { ...again, rrule: 'BYDAY=SA' }, /FREQ is missing/],
    ['a window every minute', { ...again, rrule: 'FREQ=MINUTELY' }, /invalid value .* of FREQ/],
    ['an unknown day of the week', { ...again, rrule: 'FREQ=WEEKLY;BYDAY=SA,XX' }, /invalid value .* of BYDAY/],
    [
      'an invalid day of the month',
      { ...again, rrule: 'FREQ=MONTHLY;BYMONTHDAY=32' },
      /invalid value .* of BYMONTHDAY/,
    ],
    ['a start in the rule', { ...again, rrule: 'DTSTART:20260103T020000;FREQ=DAILY' }, /unknown part/],
    ['a repeated part', { ...again, rrule: 'FREQ=DAILY;FREQ=WEEKLY' }, /a part is repeated/],
    [
      'a rule for an impossible date',
      { ...again, rrule: 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30' },
      /does not have an occurrence in the first 500 periods/,
    ],
    ['a rule that has ended', { ...again, rrule: 'FREQ=DAILY;UNTIL=20250101' }, /has no occurrence after/],
    [
      'a rule with a start every minute',
      { ...again, rrule: `FREQ=DAILY;BYHOUR=${hours};BYMINUTE=${minutes}` },
      /starts 1440 times a day; at most 24/,
    ],
    [
      'a rule with a start every hour of each day of a month',
      { ...again, rrule: `FREQ=MONTHLY;BYDAY=MO,TU;BYHOUR=${hours}` },
      /744 times in a period; at most 400/,
    ],
    ['an unreachable position', { ...again, rrule: 'FREQ=YEARLY;BYSETPOS=300' }, /BYSETPOS=300 never occurs/],
    ['an unreachable end', { ...again, rrule: 'FREQ=DAILY;BYDAY=SA;COUNT=400' }, /as many occurrences as COUNT/],
    ['a rule of a megabyte', { ...again, rrule: `FREQ=DAILY;BYHOUR=${'1,'.repeat(500_000)}1` }, /too_big/],
    ['a start in antiquity', { ...again, start: '0001-01-01T00:00' }, /is before 1970/],
    [
      'hundreds of occurrences at once',
      { ...again, rrule: `FREQ=DAILY;BYHOUR=${hours}`, duration: '30d' },
      /occurrences are near one instant/,
    ],
    ['a rule with too many occurrences', { ...again, rrule: 'FREQ=DAILY;COUNT=100000' }, /invalid value .* of COUNT/],
  ])('%s', (_, window, problem) => {
    expect(problemsOf({ maintenance: [window] })).toMatch(problem);
  });

  test.each([
    ['an unknown key', { route: [] }, /unrecognized_keys.*route/],
    ['an unknown threshold', { manyAtOnce: { incident: 3 } }, /unrecognized_keys.*incident/],
    ['a shared dependency of one service', { manyAtOnce: { sharedDependency: 1 } }, /too_small/],
  ])('%s of the file', (_, file, problem) => {
    expect(problemsOf(file)).toMatch(problem);
  });
});

describe('the stored configuration', () => {
  const configOf = (routes: unknown, paging: object = {}) =>
    Config.parse({ version: 'v', services: {}, paging, routes });

  test('parses to the same value as the files, in all notations', () => {
    fc.assert(
      fc.property(anyRoutesFile, (file) => {
        const once = configOf(file);
        expect(Config.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
      }),
    );
  });

  test('can predate routes', () => {
    expect(Config.parse({ version: 'v', services: {}, paging: { autoResolveHours: 12 } }).routes).toEqual(
      RoutesFile.parse({}),
    );
  });

  test.each([
    [{}, 'firebreak'],
    [{ mode: 'external' }, 'external'],
    [{ paging: 'external' }, 'external'],
    [{ paging: 'firebreak' }, 'firebreak'],
  ])('paging mode: %j', (file, mode) => {
    const paging = PagingFile.parse(file);
    expect(paging).toEqual({ mode, autoResolveHours: 12 });
    expect(PagingFile.parse(paging)).toEqual(paging);
  });

  test('the paging mode is set once, globally or for a service', () => {
    expect(PagingFile.safeParse({ mode: 'external', paging: 'external' }).success).toBe(false);
    expect(PagingFile.safeParse({ paging: 'pagerduty' }).success).toBe(false);
    expect(ServicesFile.parse({ services: { checkout: { paging: 'external' } } })).toMatchObject({
      services: { checkout: { paging: 'external' } },
    });
  });
});

describe('the documented examples are valid', () => {
  const doc = readFileSync(join(ROOT, 'docs/reference/routing.md'), 'utf8');
  const blocks = [...doc.matchAll(/```yaml\n([^]*?)```/g)].map(([, block = '']) => block);

  test.each(blocks.map((block) => [block.split('\n')[1]?.trim(), block]))(
    'docs/reference/routing.md, %s',
    (_, block) => {
      expect(problemsOf(parseYaml(block))).toBe('');
    },
  );

  test('examples/routes.yaml', () => {
    const example = RoutesFile.parse(parseYaml(readFileSync(join(ROOT, 'examples/routes.yaml'), 'utf8')));
    expect(example.routes.map(({ name }) => name)).toContain('payments by day');
    expect(example.maintenance).toHaveLength(2);
  });
});

test.each([
  ['without a source', { target_matchers: ['alertname = InfoInhibitor'] }, { source_matchers: [] }],
  ['without a target', { source_match: { alertname: 'Down' } }, { target_matchers: [] }],
  ['with a source that YAML has empty', { source_matchers: null, target_match: { a: 'b' } }, { source_matchers: [] }],
  ['with an empty side', { source_matchers: [], target_match: { a: 'b' }, equal: null }, { source_matchers: [] }],
])('an inhibition rule %s is for all alerts there, as in Alertmanager', (_, rule, all) => {
  const { inhibit_rules: read } = RoutesFile.parse({ inhibit_rules: [rule] });
  expect(read).toEqual(RoutesFile.parse({ inhibit_rules: [{ ...rule, ...all }] }).inhibit_rules);
  expect(read).toMatchObject([all]);
});

test('the older keys of Alertmanager in an inhibition rule mean the same', () => {
  const equal = ['cluster'];
  const { inhibit_rules: older } = RoutesFile.parse({
    inhibit_rules: [
      {
        name: 'a host without its cluster',
        source_match: { alertname: 'Down' },
        target_match: { tier: '1' },
        target_match_re: { severity: 'warning|info', host: String.raw`10\.0\..*` },
        equal,
      },
    ],
  });
  const target_matchers = ['tier="1"', 'severity=~"warning|info"', String.raw`host=~"10\.0\..*"`];
  const name = 'a host without its cluster';
  const rule = { name, source_matchers: ['alertname="Down"'], target_matchers, equal };
  expect(older).toEqual(RoutesFile.parse({ inhibit_rules: [rule] }).inhibit_rules);
  expect(RoutesFile.parse({ inhibit_rules: older }).inhibit_rules).toEqual(older);
});

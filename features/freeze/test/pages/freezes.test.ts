import { describe, expect, test } from 'vitest';
import type { RecentDecision } from '../../actions/refusals.ts';
import { freezesPage, freezesMain, hoursOn } from '../../pages/freezes.ts';
import { byDay, type FreezesData } from '../../pages/data.ts';
import type { Freeze, Override } from '../../schemas/freeze.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { minuteText, plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { consoleWorld } from '../../../../test/support/console-world.ts';
import { expectHarmless, hostile, textOf } from '../../../../test/support/hostile.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = '2026-11-20T15:30:00.000Z' as Timestamp;

const override = (more: Partial<Override> = {}): Override => ({
  id: 'ovr_1',
  reason: hostile('reason of the override'),
  requested_by: hostile('ada'),
  requested_at: AT,
  needs_approval: true,
  approved_by: null,
  approved_at: null,
  withdrawn_by: null,
  withdrawn_at: null,
  expires_at: '2026-11-20T18:00:00.000Z' as Timestamp,
  uses: 2,
  used_by: [],
  version: hostile('v2'),
  ...more,
});

const freeze = (more: Partial<Freeze> = {}): Freeze => ({
  id: 'frz_1',
  cause: 'person',
  service: hostile('service'),
  environment: hostile('environment'),
  team: null,
  reason: hostile('reason'),
  ends_when: hostile('end'),
  starts_at: AT,
  until: null,
  not_before: null,
  ended_at: null,
  ended_by: null,
  end_reason: null,
  settled_at: null,
  opened_by: hostile('grace'),
  opened_at: AT,
  slo: null,
  incident_id: null,
  calendar: null,
  overrides: [override()],
  ...more,
});

const refused = {
  id: hostile('decision'),
  by: hostile('ci'),
  request: {
    service: hostile('service'),
    environment: hostile('production'),
    version: hostile('v3'),
    change: 'deploy',
  },
  verdict: { reasons: [{ code: 'person', text: hostile('why') }], clears_when: hostile('clears') },
  count: 3,
  at: AT,
  last_at: AT,
} as unknown as RecentDecision;

const data = (more: Partial<FreezesData> = {}): FreezesData => ({
  may: () => true,
  csrfToken: 'key',
  at: LATER,
  active: [freeze()],
  incidents: [],
  scheduled: [freeze({ id: 'frz_2', starts_at: '2026-11-21T12:00:00.000Z' as Timestamp })],
  days: [
    {
      day: '2026-11-21',
      freezes: [{ from: AT, until: null, scope: hostile('scope'), reason: hostile('reason'), calendar: null }],
    },
  ],
  refused: [refused],
  ended: {
    items: [freeze({ ended_at: LATER, ended_by: hostile('vera'), end_reason: hostile('over') })],
    from: hostile('from'),
    older: hostile('older'),
  },
  scopes: {
    services: [hostile('checkout')],
    teams: [hostile('payments')],
    environments: [hostile('production')],
  },
  versions: [{ service: hostile('service'), environment: hostile('environment'), version: hostile('v4') }],
  selected: null,
  ...more,
});

const page = async (more: Partial<FreezesData> = {}) => String(await freezesMain(data(more)));

test('hostile texts are shown as text', async () => {
  expectHarmless(await page(), 20);
});

test('a freeze names its incident by number', async () => {
  const id = IncidentId.parse('01J00000000000000000000001');
  const shown = await page({ active: [freeze({ incident_id: id })], incidents: [{ id, number: 7 }] });
  expect(textOf(shown)).toContain('INC-7');
});

test('a freeze without an end says what ends it', async () => {
  const text = 'less than 95 % of the budget is spent';
  const shown = textOf(String(await freezesMain(data({ active: [freeze({ cause: 'budget', ends_when: text })] }))));
  expect(shown).toContain(`ends when ${text}`);
  expect(shown).not.toContain(`until ${text}`);
});

describe('the page of freezes', () => {
  test.each<[{ service?: string; environment?: string }, string[]]>([
    [{ service: 'checkout', environment: 'production' }, ['v3']],
    [{ service: 'checkout' }, ['v3', 'v4']],
    [{}, ['v3', 'v4', 'c1']],
  ])('offers the versions of the scope %j for an override', async (scope, expected) => {
    const versions = [
      { service: 'checkout', environment: 'production', version: 'v3' },
      { service: 'checkout', environment: 'staging', version: 'v4' },
      { service: 'cart', environment: 'production', version: 'c1' },
    ];
    const { service = null, environment = null } = scope;
    const active = [
      freeze({
        service: service === null ? null : ServiceName.parse(service),
        environment: environment === null ? null : EnvironmentName.parse(environment),
      }),
    ];
    const [, options = ''] =
      /<datalist id="versions-frz_1">([^]*?)<\/datalist>/.exec(await page({ versions, active, scheduled: [] })) ?? [];
    expect([...options.matchAll(/value="([^"]+)"/g)].map(([, version]) => version)).toEqual(expected);
  });

  test('names the reasons of refused deployments as it names the causes of freezes', async () => {
    const reasons = ['burn_rate', 'budget_spent', 'stale_data'].map((code) => ({ code, text: 'why.' }));
    const verdict = { reasons, clears_when: null } as unknown as RecentDecision['verdict'];
    const text = textOf(await page({ refused: [{ ...refused, verdict }] }));
    for (const words of ['burn rate', 'error budget', 'stale data']) expect(text).toContain(`why. (${words})`);
  });

  test('shows IDs of refused deployments only under details', async () => {
    const more = ['freeze frz_0123456789abcdef01, for checkout in production'];
    const verdict = { reasons: [{ code: 'person', text: 'why', more }], clears_when: null } as unknown;
    const id = 'dec_0123456789abcdef01';
    const markup = await page({ refused: [{ ...refused, id, verdict } as RecentDecision] });
    expect(textOf(markup)).toContain('frz_0123456789abcdef01');
    expect(textOf(markup)).toContain(id);
    expect(textOf(markup.replaceAll(/<details[^]*?<\/details>/g, ''))).not.toMatch(/[0-9a-f]{8}/);
  });

  test('has a form for each action, and none without the permission', async () => {
    const forms = (markup: string) => new Set([...markup.matchAll(/\/actions\/([a-z-]+)"/g)].map(([, name]) => name));
    expect(forms(await page())).toEqual(new Set(Object.keys(freezesPage.actions ?? {})));
    expect(forms(await page({ may: () => false }))).toEqual(new Set());
    expect(forms(await page({ may: (action) => action === 'freezes:override' }))).toEqual(
      new Set(['override', 'approve-override', 'withdraw-override']),
    );
  });

  test.each([
    [{}, 'needs approval'],
    [{ needs_approval: false }, 'usable'],
    [{ approved_at: AT, approved_by: 'vera' }, 'usable'],
    [{ expires_at: AT }, 'expired'],
    [{ withdrawn_at: AT }, 'withdrawn'],
    [{ needs_approval: false, uses: 1, used_by: [{ deployment: 'run-1', at: AT, by: 'ci' }] }, 'used up'],
  ] satisfies [Partial<Override>, string][])('an override %j is %s', async (more, state) => {
    expect(await page({ active: [freeze({ overrides: [override(more)] })], scheduled: [] })).toContain(
      `>${state}</span>`,
    );
  });

  test('says what would appear where there is nothing', async () => {
    const text = textOf(
      await page({ active: [], scheduled: [], days: [], refused: [], ended: { items: [], from: null, older: null } }),
    );
    for (const words of [
      'No freeze is in force',
      'No freeze is planned',
      'No deployment was refused',
      'No freeze has ended',
    ])
      expect(text).toContain(words);
  });
});

describe('the list by day', () => {
  const span = (from: string, until: string | null) => ({
    from: `${from}:00.000Z` as Timestamp,
    until: until === null ? null : (`${until}:00.000Z` as Timestamp),
    scope: 'all services everywhere',
    reason: 'r',
    calendar: 'c',
  });

  const hours = async (day: string, one: Parameters<typeof hoursOn>[1]): Promise<string> =>
    String(await hoursOn(day, one));

  test('has each day on which a freeze begins or ends, with its hours', async () => {
    const days = byDay(
      [span('2026-11-20T18:00', '2026-11-22T08:00'), span('2026-11-21T10:00', '2026-11-21T11:00')],
      LATER,
    );
    const shown = days.map(async ({ day, freezes: there }) => [
      day,
      ...(await Promise.all(there.map(async (one) => textOf(await hours(day, one))))),
    ]);
    expect(await Promise.all(shown)).toEqual([
      ['2026-11-20', 'from 18:00 until 2026-11-22 08:00'],
      ['2026-11-21', '10:00–11:00'],
      ['2026-11-22', 'until 08:00'],
    ]);
  });

  test('names an end at midnight, which is no hour of another day', async () => {
    const planned = span('2026-12-01T00:00', '2026-12-05T00:00');
    const [first, ...others] = byDay([planned], LATER);
    expect(textOf(await hours(first?.day ?? '', planned))).toBe('from 00:00 until 2026-12-05 00:00');
    expect(others).toEqual([]);
  });

  test('has times that can be shown as local ones', async () => {
    const planned = span('2026-11-20T18:00', '2026-11-21T08:00');
    const markup = `${await hours('2026-11-20', planned)} ${await hours('2026-11-21', planned)}`;
    const times = [...markup.matchAll(/<time class="clock" datetime="([^"]+)"/g)];
    expect(times.map(([, at]) => at)).toEqual([planned.from, planned.until, planned.until]);
  });

  test('ends after four weeks, and leaves out what is over', () => {
    expect(byDay([span('2026-11-01T00:00', null)], LATER).map(({ day }) => day)).toEqual(['2026-11-20']);
    expect(byDay([span('2026-12-18T00:00', null)], LATER)).toEqual([]);
    expect(byDay([span('2026-12-17T00:00', null)], LATER)).toHaveLength(1);
    expect(byDay([span('2026-11-20T08:00', '2026-11-20T09:00')], LATER)).toEqual([]);
  });
});

test('a responder declares and lifts a freeze, which a viewer may not', async () => {
  const opened: Freeze[] = [];
  const ended: unknown[] = [];
  const freezes = {
    current: async () => opened,
    list: async () => ({ items: [], next_cursor: null }),
    open: async (one: Freeze) => ({ freeze: (opened.push(one), one), created: true }),
    get: async (id: string) => opened.find((one) => one.id === id),
    end: async (id: string, end: object) => (ended.push(end), opened.find((one) => one.id === id)),
  };
  const { world, get, post } = consoleWorld(({ deps: { features } }) => ({
    features: { ...features, freeze: { ...features['freeze'], freezes } },
    audit: Object.assign(Object.create(null), { list: async () => ({ items: [], next_cursor: null }) }),
  }));
  world.config = Config.parse({ ...emptyConfig, services: { cart: { environments: { production: {} } } } });
  const declare = (token: string, more: Record<string, string> = {}) =>
    post('/console/freezes/actions/declare', { scope: 'service:cart', reason: 'Index migration', ...more }, { token });
  expect((await declare('vera')).status).toBe(403);
  expect((await declare('cora', { scope: 'all' })).status).toBe(403);
  const done = await declare('cora', { starts_at: '2026-11-21T08:00', until: '2026-11-21T10:00' });
  expect([done.status, done.headers.get('location')]).toEqual([
    303,
    `/console/freezes?done=declare&undo=lift&undo.id=${opened[0]?.id}`,
  ]);
  expect(opened).toMatchObject([
    { service: 'cart', starts_at: '2026-11-21T08:00:00.000Z', until: '2026-11-21T10:00:00.000Z', opened_by: 'cora' },
  ]);
  for (const [name, wrong] of Object.entries({
    reason: { reason: ' ' },
    until: { until: '2026-11-19T10:00' },
    starts: { starts_at: 'tomorrow' },
    scope: { scope: 'team:none' },
    environment: { environment: 'moon' },
  })) {
    const refusal = await declare('grace', wrong);
    const markup = await refusal.text();
    expect([name, refusal.status]).toEqual([name, 422]);
    expect(markup).toContain(`aria-describedby="declare-${name}-problem" autofocus`);
    if (name !== 'reason') expect(markup).toContain('value="Index migration"');
    // Nothing hides a field with a problem.
    const isOpen = /<details[^>]*\sopen[^>]* id="declare-times"|<details[^>]* id="declare-times"[^>]*\sopen/.test(
      markup,
    );
    expect([name, isOpen]).toEqual([name, name === 'until' || name === 'starts']);
  }
  expect(await (await get('/console/freezes', { token: 'vera' })).text()).toContain('Index migration');
  const lift = (token: string) => post('/console/freezes/actions/lift', { id: opened[0]?.id ?? '' }, { token });
  expect([(await lift('vera')).status, (await lift('grace')).status]).toEqual([403, 303]);
  expect(ended).toMatchObject([{ by: 'grace', reason: 'Lifted by grace' }]);
});

test('a freeze has an end by default, and one of all services a second step', async () => {
  const opened: Freeze[] = [];
  const { world, post } = consoleWorld(({ deps: { features } }) => ({
    features: {
      ...features,
      freeze: {
        ...features['freeze'],
        freezes: {
          current: async () => opened,
          list: async () => ({ items: [], next_cursor: null }),
          open: async (one: Freeze) => ({ freeze: (opened.push(one), one), created: true }),
        },
      },
    },
    audit: Object.assign(Object.create(null), { list: async () => ({ items: [], next_cursor: null }) }),
  }));
  const declare = (more: Record<string, string>) =>
    post(
      '/console/freezes/actions/declare',
      { scope: 'service:checkout', reason: 'Sale', ...more },
      { token: 'grace' },
    );
  const now = world.clock.now();
  expect((await declare({})).status).toBe(303);
  expect((await declare({ ends: 'lifted' })).status).toBe(303);
  expect(opened.map(({ until }) => until)).toEqual([plusSeconds(now, 2 * 3600), null]);

  const everything = { scope: 'all', environment: 'production', ends: '4' };
  const asked = await declare(everything);
  const markup = await asked.text();
  expect([asked.status, opened.length]).toEqual([200, 2]);
  expect(textOf(markup)).toContain('Freeze deploys of all services in production?');
  expect(textOf(markup)).toContain(`until ${minuteText(plusSeconds(now, 4 * 3600))}`);
  expect(markup).toContain('name="confirmed" value="yes"');
  expect((await declare({ ...everything, confirmed: 'yes' })).status).toBe(303);
  expect(opened.at(-1)).toMatchObject({ service: null, environment: 'production', until: plusSeconds(now, 4 * 3600) });
  // A mistake is refused before the second step.
  expect((await declare({ ...everything, reason: '' })).status).toBe(422);
});

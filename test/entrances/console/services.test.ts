import { describe, expect, test } from 'vitest';
import { servicePage, serviceMain } from '../../../entrances/console/pages/services/service.ts';
import type { EnvironmentData, ServiceData } from '../../../entrances/console/pages/services/data.ts';
import { servicesMain } from '../../../entrances/console/pages/services/services.ts';
import type { ServiceRow, Services } from '../../../entrances/console/pages/services/services-data.ts';
import type { ShadowRow } from '../../../schemas/automation/shadow-report.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Watch } from '../../../schemas/judge/watch.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import { emptyConfig, type EnvironmentEntry, ServicesFile } from '../../../schemas/config/config.ts';
import { consoleWorld } from '../../support/console-world.ts';
import { blobsInMemory } from '../../support/noun-stores.ts';
import { storeCheck } from '../../../vendors/connections/stored-check.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { expectHarmless, hostile, SCRIPT, textOf } from '../../support/hostile.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const LATER = '2026-11-20T15:30:00.000Z' as Timestamp;
const ID = '01J0000000000000000000000A' as IncidentId;

const change = (more: Partial<Change> = {}): Change =>
  ({
    service: hostile('service'),
    environment: hostile('environment'),
    version: hostile<Version>('v2'),
    kind: 'flag',
    status: 'failed',
    author: hostile('author'),
    url: SCRIPT,
    started_at: AT,
    finished_at: AT,
    canary_weight: 0.1,
    has_migration: true,
    rolled_back_by: ID,
    ...more,
  }) as Change;

const row = (more: Partial<ServiceRow> = {}): ServiceRow => ({
  service: hostile('service'),
  environment: hostile('environment'),
  team: hostile('team'),
  tier: 2,
  isInCatalogue: false,
  mode: 'act',
  live: change(),
  incidents: [{ id: ID, severity: 'warning' }],
  budget: -0.4,
  uncorrectedBudget: null,
  ...more,
});

const list = (more: Partial<Services> = {}): Services => ({
  at: LATER,
  text: hostile('search'),
  rows: [row()],
  matching: 101,
  next: hostile('next'),
  isEmpty: false,
  ...more,
});

const tally = { count: 3, right: 2, wrong: 1, undecided: 0 };

const place = (more: Partial<EnvironmentData> = {}): EnvironmentData => ({
  environment: hostile<EnvironmentName>('production'),
  entry: {
    deployer: { kind: 'http' },
    autoRollback: { mode: 'shadow', evidence: 'proved' },
    drills: true,
  } as EnvironmentEntry,
  live: change(),
  mode: 'shadow',
  limits: [hostile('limit')],
  cap: 'shadow',
  shadow: {
    promotion: { to: 'approve', ready: true, because: hostile('because'), steps: [hostile('step')] },
    rollbacks: tally,
    questions: tally,
    nothing: tally,
    cases: [{ incident: ID, verdict: 'right', because: hostile('case') }],
  } as unknown as ShadowRow,
  proof: null,
  evidence: { can: { kind: 'asks', because: hostile('because'), steps: [hostile('step')] }, measuredAt: null },
  ...more,
});

const watch = (more: object = {}): Watch =>
  ({
    id: 'wch_00000000000000000000000000',
    environment: hostile('environment'),
    version: hostile('version'),
    baseline: hostile('baseline'),
    started_at: AT,
    outcome: 'degraded',
    reason: hostile('reason'),
    checks_planned: 10,
    startup: { seconds: 90, max_seconds: 60, slow: true },
    checks: [
      { number: 1, due_at: AT, at: null, verdict: 'missed', reasons: [] },
      { number: 2, due_at: AT, at: AT, verdict: 'degraded', reasons: [hostile('why')] },
    ],
    ...more,
  }) as unknown as Watch;

const data = (more: Partial<ServiceData> = {}): ServiceData => ({
  may: () => true,
  csrfToken: 'key',
  at: LATER,
  named: (id) => ({ id, number: 7 }),
  service: hostile<ServiceName>('service'),
  entry: {
    team: hostile('team'),
    tier: 1,
    repository: SCRIPT,
    pipelines: [],
    dependsOn: [hostile<ServiceName>('dependency')],
    slack: { channel: hostile('#channel') },
    match: { app: hostile('label') },
    links: [],
    environments: {},
  },
  dependents: [hostile('dependent')],
  environments: [place()],
  incidents: [
    {
      id: ID,
      number: 7,
      environment: hostile('environment'),
      title: hostile('title'),
      status: 'open',
      severity: 'critical',
      opened_at: AT,
    } as unknown as IncidentView,
  ],
  changes: { filter: 'all', items: [change()], from: hostile('from'), older: hostile('older') },
  pins: [
    {
      id: hostile('pin'),
      service: hostile('service'),
      environment: hostile('environment'),
      version: hostile<Version>('v9'),
      reason: hostile('reason'),
      incident_id: ID,
      pinned_at: AT,
      state: 'pinned',
      newer_version: hostile<Version>('v10'),
    } as unknown as PinView,
  ],
  watches: [watch()],
  panels: [],
  ...more,
});

const ofList = async (more: Partial<Services> = {}) => String(await servicesMain(list(more)));
const ofOne = async (more: Partial<ServiceData> = {}) => String(await serviceMain(data(more)));

test('a pin names its incident by number', async () => {
  expect(textOf(await ofOne())).toContain('INC-7');
});

test('a watch shows its state, its checks, and a slow start', async () => {
  const shown = textOf(await ofOne({ watches: [watch({ outcome: null, reason: null, version: 'v42' })] }));
  expect(shown).toContain('check 3 of 10');
  expect(shown).toContain('slow start');
  expect(shown).toContain('90 s; at most 60 s are expected');
  expect(shown).toContain('2 of 10 checks');
  expect(textOf(await ofOne({ watches: [] }))).not.toContain('Watches of deploys');
});

test('hostile texts are shown as text', async () => {
  expectHarmless(await ofList(), 4);
  expectHarmless(await ofList({ rows: [] }), 1);
  expectHarmless(await ofOne(), 20);
});

describe('the list of services', () => {
  test('says how services get there, and what matches a search', async () => {
    expect(textOf(await ofList({ rows: [], isEmpty: true }))).toMatch(/Add services to config\/services\.yaml/);
    expect(textOf(await ofList({ rows: [], text: 'nowhere' }))).toMatch(/No service matches “nowhere”/);
  });

  test('says with words that a budget is overspent, and that a service has no deployer', async () => {
    const text = textOf(await ofList({ rows: [row({ mode: null, isInCatalogue: true }), row({ budget: 0.31 })] }));
    for (const words of ['overspent', '31 %', 'no deployer', 'not in the catalogue', '1 open'])
      expect(text).toContain(words);
  });
});

describe('the page of a service', () => {
  test('names its incidents by their numbers', async () => {
    expect(textOf(await ofOne())).toMatch(/Newest incidents INC-7 /);
  });

  test('has a form for each action, and none without the permission', async () => {
    const forms = (markup: string) => new Set([...markup.matchAll(/\/actions\/([a-z-]+)"/g)].map(([, name]) => name));
    expect(forms(await ofOne())).toEqual(new Set(Object.keys(servicePage.actions ?? {})));
    expect(forms(await ofOne({ may: () => false }))).toEqual(new Set());
  });

  test('shows what speaks for the next mode, and what limits the present one', async () => {
    expect(textOf(await ofOne())).toMatch(/Next mode approve ready: because.*In 30 days 3 rollbacks: 2 right, 1 wrong/);
    const of = async (mode: EnvironmentData['mode']) =>
      textOf(await ofOne({ environments: [place({ mode, shadow: null })] }));
    expect(await of('shadow')).toMatch(/no incident of the last 30 days/);
    expect(await of('approve')).toMatch(/Next mode act: acts on proof/);
    expect(await of('act')).toMatch(/this is the highest mode/);
    expect(await of('act')).toMatch(/Limited limit/);
  });

  test('says when a rollback was last proved to work, or why never', async () => {
    const text = async (more: Partial<EnvironmentData>) => textOf(await ofOne({ environments: [place(more)] }));
    expect(await text({})).toMatch(/no drill has succeeded yet/);
    expect(await text({ entry: null })).toMatch(/never: drills are not enabled/);
    expect(
      await text({ proof: { at: AT, drill_id: 'D1' } as unknown as NonNullable<EnvironmentData['proof']> }),
    ).toMatch(/3 h 30 min ago by drill D1/);
  });

  test('leaves out what the viewer may not see, and says what there is none of', async () => {
    const hidden = textOf(await ofOne({ pins: null, changes: null, may: () => false }));
    expect(hidden).not.toMatch(/Pinned versions|All changes|Objectives/);
    const empty = textOf(
      await ofOne({
        pins: [],
        incidents: [],
        environments: [],
        changes: { filter: 'all', items: [], from: null, older: null },
      }),
    );
    for (const words of [
      'No version is pinned',
      'No incident of this service',
      'No such change is recorded',
      'No environment is',
    ])
      expect(empty).toContain(words);
  });
});

describe('through the front door', () => {
  test('a viewer reads, a responder limits the mode, and both within their services', async () => {
    const { world, get, post, undo } = consoleWorld();
    world.config = {
      ...emptyConfig,
      services: ServicesFile.parse({
        services: { checkout: { environments: { production: { deployer: { kind: 'http' } } } }, cart: {} },
      }).services,
    };
    const read = async (path: string, token: string) => (await get(path, { token })).text();
    expect(await read('/console/services', 'vera')).toMatch(
      /services\/checkout[^]*services\/cart|services\/cart[^]*services\/checkout/,
    );
    expect(await read('/console/services', 'cora')).not.toContain('checkout');
    expect(await read('/console/services?text=chec', 'vera')).not.toContain('services/cart');
    expect((await get('/console/services/checkout', { token: 'vera' })).status).toBe(200);
    expect((await get('/console/services/checkout', { token: 'cora' })).status).toBe(403);
    expect((await get('/console/services/nothing', { token: 'vera' })).status).toBe(404);
    expect(textOf(await read('/console/services/checkout', 'vera')).replaceAll(/\s+/g, ' ')).toContain(
      'asks only: there is no health query (health.promql) and no objective by the configuration and recorded deploys',
    );
    const limit = (token: string) =>
      post('/console/services/checkout/actions/mode', { environment: 'production', mode: 'suggest' }, { token });
    expect((await limit('vera')).status).toBe(403);
    expect((await limit('cora')).status).toBe(403);
    const done = await limit('grace');
    const undoing = new URLSearchParams({
      done: 'mode',
      undo: 'mode',
      'undo.environment': 'production',
      'undo.mode': 'none',
      'undo.from': 'suggest',
    });
    expect([done.status, done.headers.get('location')]).toEqual([
      303,
      `/console/services/checkout?${undoing.toString()}`,
    ]);
    expect((await world.deps.automation.read()).services['checkout']).toEqual({
      mode: null,
      environments: { production: 'suggest' },
    });
    expect(await read('/console/services/checkout?done=mode', 'vera')).toContain('The limit of automation is set');
    await undo(await read(done.headers.get('location') ?? '', 'grace'), { token: 'grace' });
    expect((await world.deps.automation.read()).services['checkout']?.environments ?? {}).toEqual({});
    expect(
      (
        await post(
          '/console/services/checkout/actions/mode',
          { environment: 'production', mode: 'fast' },
          { token: 'grace' },
        )
      ).status,
    ).toBe(422);
    expect(
      (await post('/console/services/checkout/actions/lift-pin', { id: 'unknown' }, { token: 'grace' })).status,
    ).toBe(404);
    expect((await post('/console/services/checkout/actions/nothing', {}, { token: 'grace' })).status).toBe(404);
  });
});

test('the page of a service says what automation can prove, by what the last check has measured', async () => {
  const blobs = blobsInMemory();
  const { world, get } = consoleWorld(() => ({ blobs }));
  const { services } = ServicesFile.parse({
    services: { checkout: { environments: { production: { deployer: { kind: 'kubernetes' } } } } },
  });
  world.config = { ...emptyConfig, services };
  const measured = {
    service: 'checkout',
    environment: 'production',
    level: 'proved' as const,
    can: { kind: 'time' as const, steps: [] }, // what is configured now counts
    proofs: ['version' as const],
    missing: null,
    propose: [],
    deploys: { examined: 10, side_by_side: 2, by: 'requests' as const },
  };
  await storeCheck(
    { blobs, log: world.deps.log },
    {
      at: plusSeconds(world.clock.now(), -600),
      by: 'ada',
      connections: {
        vendors: [],
        targets: [],
        evidence: [measured],
        unknown_environments: [],
        unnamed_environments: [],
        unmatched_unread: false,
        judged: [],
        generated: [],
        secrets: [],
        watched: null,
        objectives: { configured: 0, evaluated_at: null, problem: null, failing: 0, errors: [] },
      },
    },
  );
  const text = textOf(await (await get('/console/services/checkout', { token: 'vera' })).text());
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(
    /Evidence proved when two versions run side by side \(2 of the last 10 deploys\) measured 10 min ago To change it to test each suspected version, set look: \{\}; its credential must be allowed to create, list, and delete pods, and to list services/,
  );
});

test.each([
  ['mitigated and verified', 'state-verified'],
  ['mitigated, not verified yet', 'state-mitigated'],
  ['open: the problem is over', 'state-mitigated'],
])('a mitigated incident with the state "%s" has the badge %s', async (words, badge) => {
  const [incident] = data().incidents;
  const incidents = [{ ...incident, status: 'mitigated', status_text: words } as IncidentView];
  expect(String(await serviceMain(data({ incidents })))).toContain(`<span class="badge ${badge}">${words}</span>`);
});

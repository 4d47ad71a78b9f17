import { beforeEach, describe, expect, test } from 'vitest';
import { correctIncident, declareIncident } from '../../../../core/actions/incidents/declare-incident.ts';
import { declaredScope } from '../../../../core/actions/incidents/declared-environment.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName, Severity } from '../../../../schemas/config/names.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';

const ADA: Caller = { name: 'ada', allow: () => undefined };
const BOB: Caller = { name: 'bob', allow: () => undefined };

let world: FakeWorld;
beforeEach(() => {
  world = new FakeWorld();
  world.engine = idleEngine();
});

const says = (caller: Caller, title: string, severity: Severity) =>
  declareIncident(world.deps, caller, {
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title,
    severity,
    trace: 'trace',
  });

const inbox = (id: string) => (world.store.dossiers.get(id as IncidentId)?.inbox ?? []).map(({ message }) => message);

const told = (id: IncidentId) => world.store.dossier(id).timeline.map(({ actor, text }) => `${actor}: ${text}`);

test('a declared service is that of the catalogue, in any letter case', () => {
  const config = Config.parse({ ...emptyConfig, services: { checkout: { environments: { live: {} } } } });
  const declared = (service: string) => declaredScope(config, { service: service as ServiceName });
  expect(declared('Checkout')).toEqual({ service: 'checkout', environment: 'live' });
  expect(declared('Check')).toEqual({ service: 'Check', environment: 'production' });
});

test('declaring an open incident adds the report to its timeline and raises its severity', async () => {
  const { incident } = await says(ADA, 'Latency is high', 'warning');
  const second = await says(BOB, 'Customers are charged twice', 'critical');
  expect(second).toMatchObject({ created: false, incident: { id: incident.id, severity: 'critical' } });
  expect(told(incident.id).slice(1)).toEqual([
    'bob: Declared while it was already open: Customers are charged twice (critical)',
  ]);
  expect(inbox(incident.id).at(-1)).toEqual({ kind: 'declared', severity: 'critical', by: 'bob', page: true });
});

test.each([
  ['it is not acknowledged', {}, false],
  ['it is acknowledged', { handling: { acknowledged: { by: 'ada', at: '2026-11-20T12:00:00.000Z', page: 1 } } }, true],
  ['it is mitigated', { status: 'mitigated' }, true],
])('a critical incident that has paged pages again if %s: %o', async (_, more, rings) => {
  const { incident } = await says(ADA, 'Down', 'critical');
  await world.store.editIncident(incident.id, { by_hand: undefined, pages: 1, ...more });
  await says(BOB, 'Customers are charged twice', 'critical');
  expect(inbox(incident.id).at(-1)).toMatchObject({ kind: 'declared', page: rings });
  expect(world.store.dossiers.get(incident.id)?.record.by_hand).toBe(true);
});

test('a new incident is opened if the open one was closed in the meantime', async () => {
  const { incident } = await says(ADA, 'Down', 'critical');
  const { post } = world.deps.incidents;
  world.deps.incidents.post = async (...args) => {
    await world.deps.incidents.resolve(incident.id, 0, 'person:ada', 'Resolved by ada');
    return post(...args);
  };
  const second = await says(BOB, 'Down again', 'critical');
  expect(second).toMatchObject({ created: true });
  expect(second.incident.id).not.toBe(incident.id);
});

test('a repeated report is recorded once, and no report lowers the severity', async () => {
  const { incident } = await says(ADA, 'Down', 'critical');
  await says(BOB, 'Slow', 'warning');
  expect((await says(BOB, 'Slow', 'warning')).incident.severity).toBe('critical');
  expect(told(incident.id).slice(1)).toEqual(['bob: Declared while it was already open: Slow (warning)']);
});

describe('declaring a child incident reports to the parent', () => {
  const HEARD = { handling: { acknowledged: { by: 'ada', at: '2026-11-20T12:00:00.000Z', page: 1 } }, pages: 1 };

  /** Opens a warning incident and adds it to a parent. */
  async function partOf(more: object) {
    const { incident } = await says(ADA, 'Latency is high', 'warning');
    const { incidentGroups } = world.deps;
    const because = { because: 'many', name: '', text: '4 incidents in 5 minutes' } as const;
    const parent = await incidentGroups.openParent('production', because, because.text, 'trace');
    await incidentGroups.join(parent, incident.id);
    await world.store.editIncident(parent, more);
    return { part: incident.id, parent };
  }

  test.each([
    ['the parent is acknowledged', HEARD, true],
    ['its severity was lowered', { ...HEARD, severity: 'info' }, true],
    ['it is already paging', { pages: 1 }, false],
  ])('and it pages again depending on the state: %s: %o', async (_, more, rings) => {
    const { part, parent } = await partOf(more);
    await says(BOB, 'Customers are charged twice', 'critical');
    await says(BOB, 'Customers are charged twice', 'critical');
    expect(inbox(parent)).toEqual([{ kind: 'declared', severity: 'critical', by: 'bob', page: rings, child: part }]);
    expect(told(parent).at(-1)).toBe(
      'bob: Declared for the child incident checkout production: Customers are charged twice (critical)',
    );
    expect(told(part).at(-1)).toContain('Customers are charged twice');
    expect(await world.deps.incidents.read(parent)).toMatchObject({ severity: 'critical' });
  });

  test('also if the severity of the child is raised to critical', async () => {
    const { part, parent } = await partOf(HEARD);
    for (const severity of ['critical', 'critical', 'warning'] as const)
      await correctIncident(world.deps, BOB, { id: part, severity });
    expect(inbox(parent)).toEqual([{ kind: 'declared', severity: 'critical', by: 'bob', page: true, child: part }]);
    expect(told(parent).at(-1)).toBe('bob: Changed severity of the child incident checkout production to critical');
  });

  test('but the parent is resolved with its children, not by a person', async () => {
    const { part, parent } = await partOf(HEARD);
    await says(BOB, 'Customers are charged twice', 'critical');
    expect((await world.deps.incidents.read(part))?.by_hand).toBe(true);
    expect((await world.deps.incidents.read(parent))?.by_hand).toBeUndefined();
  });
});

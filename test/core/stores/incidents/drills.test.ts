import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DrillTable } from '../../../../core/stores/incidents/drills.ts';
import { mintIncidentId } from '../../../../core/stores/ids.ts';
import { abortedDrill, afterAttempt } from '../../../../core/domain/automation/drill.ts';
import type { DrillRecord } from '../../../../schemas/automation/drill.ts';
import { EnvironmentName, ServiceName } from '../../../../schemas/config/names.ts';
import { drillRecord } from '../../../support/drill-record.ts';
import { openTable, type TableStores } from '../../stores/stores.ts';

let stores: TableStores;
let drills: DrillTable;
let service: ServiceName;
let places = 0;

beforeAll(async () => {
  stores = await openTable();
  drills = new DrillTable(stores.table, stores.clock);
});
afterAll(() => stores.close());
beforeEach(() => {
  places += 1;
  service = ServiceName.parse(`service-${places}`);
});

const environment = EnvironmentName.parse('lane');

const drill = (): DrillRecord => {
  const started_at = stores.clock.now();
  return drillRecord({ id: mintIncidentId(started_at), service, environment, resource: `cd ${service}`, started_at });
};

async function begun(): Promise<DrillRecord> {
  const one = drill();
  expect(await drills.begin(one)).toEqual({ ok: true });
  return one;
}

const declare = () =>
  stores.incidents.declare({ service, environment, title: 'Slow', severity: 'info', by: 'ada', trace: 't' });

/** Takes the lock of the target like an incident. */
const act = async () => {
  const { id } = await declare();
  const effect = { key: `${id}.roll-back.1`, kind: 'roll-back', target: 'cd', class: 'keyed', detail: 'x' } as const;
  const serviceEnvironment = { service, environment };
  return stores.effects.intendAction(id, effect, {
    serviceEnvironment: serviceEnvironment,
    resource: `cd ${service}`,
    automatic: false,
    isProposed: true,
  });
};

const hours = (n: number) => stores.clock.set(stores.clock.millis + n * 3_600_000);

describe('the lock of a target', () => {
  test('is held by one drill at a time, from beginning to end', async () => {
    const one = await begun();
    expect(await drills.begin(drill())).toMatchObject({ ok: false, reason: { code: 'drill-running' } });
    expect(await drills.put(abortedDrill(one, 'enough', stores.clock.now()))).toBe(true);
    expect(await drills.running()).not.toContainEqual(expect.objectContaining({ id: one.id }));
    await begun();
  });

  test('keeps incidents from acting, and is not available during their actions', async () => {
    const one = await begun();
    expect(await act()).toEqual({ ok: false, reason: { code: 'locked', text: expect.stringContaining('a drill') } });
    await drills.put(abortedDrill(one, 'enough', stores.clock.now()));
    expect(await act()).toMatchObject({ ok: true });
    const elsewhere = { ...drill(), environment: EnvironmentName.parse('other') }; // an environment without an open incident
    expect(await drills.begin(elsewhere)).toMatchObject({ ok: false, reason: { code: 'target-locked' } });
  });

  test('is extended by each call, and lost after hours without one', async () => {
    const one = await begun();
    hours(2);
    const claimed = await drills.claim(one);
    expect(claimed).toMatchObject({ begun: true, rev: 1 });
    hours(2);
    expect(await act()).toMatchObject({ ok: false });
    hours(2);
    expect(await act()).toMatchObject({ ok: true });
    const now = await drills.get(one.id);
    expect(now && (await drills.claim(now))).toBe('lost');
    expect(now && (await drills.put(abortedDrill(now, 'lost', stores.clock.now())))).toBe(true);
    const { id } = await declare();
    expect((await stores.effects.get(id, `${id}.roll-back.1`))?.state).toBe('intended'); // its lock is unchanged
    expect(await drills.begin({ ...drill(), environment: EnvironmentName.parse('other') })).toMatchObject({
      reason: { code: 'target-locked' },
    });
  });
});

test('no drill starts while an incident is open', async () => {
  await declare();
  expect(await drills.begin(drill())).toMatchObject({ ok: false, reason: { code: 'incident-open' } });
});

test('of two concurrent writes one succeeds', async () => {
  const one = await begun();
  const working = afterAttempt(one, { kind: 'in_progress', id: null, handle: 'h' }, stores.clock.now());
  expect(await Promise.all([drills.put(working), drills.put(working)])).toContain(false);
  expect(await drills.claim(one)).toBe('changed');
  expect(await drills.get(one.id)).toMatchObject({ handle: 'h', rev: 1 });
});

test('proved targets are stored by service and environment, and all are listed, newest first', async () => {
  const first = await begun();
  await drills.put({ ...abortedDrill(first, 'no', stores.clock.now()) });
  hours(1);
  const second = await begun();
  await drills.put({ ...abortedDrill(second, '', stores.clock.now()), outcome: 'proved', reason: null });
  expect(await drills.proved()).toContainEqual({ service, environment, drill_id: second.id, at: stores.clock.now() });
  const page = await drills.list({ service, limit: 1 });
  expect(page.items.map(({ id }) => id)).toEqual([second.id]);
  const rest = await drills.list({ service, limit: 5, ...(page.next_cursor && { cursor: page.next_cursor }) });
  expect(rest.items.map(({ id, outcome }) => [id, outcome])).toEqual([[first.id, 'failed']]);
});

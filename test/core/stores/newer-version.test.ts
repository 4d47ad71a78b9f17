import { afterAll, beforeAll, expect, test } from 'vitest';
import { WatchTable } from '../../../core/stores/judge/watches.ts';
import { DrillTable } from '../../../core/stores/incidents/drills.ts';
import { sha256 } from '../../../core/stores/hash.ts';
import { mintIncidentId } from '../../../core/stores/ids.ts';
import { type Key, keys } from '../../../core/stores/keys.ts';
import { RecordMacs } from '../../../core/stores/access/record-macs.ts';
import { alertKeyOf } from '../../../core/domain/alerts/admission.ts';
import type { TokenRecord } from '../../../schemas/access/access.ts';
import type { DrillId } from '../../../schemas/automation/drill.ts';
import { WatchId, type WatchRecord } from '../../../schemas/judge/watch.ts';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../../../schemas/config/names.ts';
import { drillRecord } from '../../support/drill-record.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

/*
 * Records of a newer version can be read, and keep their meaning for that version after this version has written them.
 */

const NEWER = { of_a_newer_version: { some: 'thing' } };

let stores: TableStores;
beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

const set = (key: Key, field: string, value: unknown) => stores.table.update(key, { set: { [field]: value } });
const item = (key: Key) => stores.table.get(key);

test('a drill in an unknown phase is listed and continues, with all its fields', async () => {
  const drills = new DrillTable(stores.table, stores.clock);
  const id = String(mintIncidentId(stores.clock.now())) as DrillId;
  const begun = drillRecord({ id, service: 'drilled', started_at: stores.clock.now() });
  await drills.begin(begun);
  await set(keys.drill(id), 'of_a_newer_version', NEWER.of_a_newer_version);
  await set(keys.drill(id), 'phase', 'warm-up');
  expect(await drills.running()).toMatchObject([{ id, phase: 'hold', outcome: null }]);
  const listed = (await drills.list({ limit: 10 })).items;
  expect(listed).toMatchObject([{ id, phase: 'hold' }]);
  expect(listed[0]).not.toHaveProperty('of_a_newer_version');
  const read = await drills.get(id);
  expect(read).not.toHaveProperty('pk');
  expect(await drills.put({ ...begun, ...read, phase: 'forth' })).toBe(true);
  expect(await item(keys.drill(id))).toMatchObject({ ...NEWER, phase: 'forth', rev: 1 });
});

test('a token with an unknown action may use its known actions, and is listed', async () => {
  const { record, secret } = await stores.tokens.create(
    { name: 'newer', actions: ['incidents:read'], sources: null, services: null, environments: null, expires_at: null },
    'ada',
  );
  const hash = sha256(secret);
  const actions = ['incidents:read', 'moon:shoot'] as TokenRecord['actions'];
  const macs = new RecordMacs({ get: async (name) => stores.secrets[name] }, 'firebreak token records v1');
  const mac = await macs.of({ ...record, actions }, hash);
  for (const key of [keys.token(hash), keys.tokenById(record.id)]) {
    await set(key, 'actions', actions);
    await set(key, 'mac', mac);
  }
  expect(await stores.tokens.find(hash)).toEqual({ ...record, actions });
  expect((await stores.tokens.list({ limit: 10 })).items).toMatchObject([{ name: 'newer', actions }]);
  expect((await stores.tokens.check()).valid).toBe(1);
  // Unknown restrictions could not be enforced, so such a record is refused.
  await set(keys.token(hash), 'mac', 'f'.repeat(64));
  expect(await stores.tokens.find(hash)).toBeUndefined();
});

test('an unknown automation mode takes no automatic actions, and is kept', async () => {
  await stores.automation.write({ mode: 'act', services: { shop: { mode: 'act' } } }, 'ada');
  const key = keys.automation();
  await set(key, 'of_a_newer_version', NEWER.of_a_newer_version);
  await set(key, 'mode', 'ask-twice');
  await set(key, 'services', {
    shop: { mode: 'ask-twice', environments: {} },
    cart: { mode: 'act', environments: {} },
  });
  expect(await stores.automation.read()).toMatchObject({
    mode: 'suggest',
    services: { shop: { mode: 'suggest' }, cart: { mode: 'act' } },
  });
  await stores.automation.write({ paused: true, services: { cart: { mode: 'approve' } } }, 'grace');
  expect(await item(key)).toMatchObject({
    ...NEWER,
    paused: true,
    by: 'grace',
    mode: 'ask-twice',
    services: { shop: { mode: 'ask-twice' }, cart: { mode: 'approve' } },
  });
});

test('an alert with an unknown severity is recognized, and can end', async () => {
  const one = signal({ service: ServiceName.parse('severe'), fingerprint: 'severe' });
  const receipt = { at: stores.clock.now(), trace: 'trace' };
  const [id] = (await stores.incidents.admit(arrivals([one]), receipt)).opened;
  await set(keys.alert(sha256(alertKeyOf(one))), 'severity', 'dire');
  expect((await stores.incidents.admit(arrivals([one]), receipt)).counts).toMatchObject({ known: 1 });
  await stores.incidents.admit(arrivals([{ ...one, status: 'resolved', endsAt: receipt.at }]), receipt);
  expect(id && (await stores.incidents.read(id))).toMatchObject({ firing: 0 });
});

test('a watch with an unknown outcome or verdict is listed, and keeps all its fields', async () => {
  const watches = new WatchTable(stores.table, { add: async () => undefined, read: async () => [] });
  const id = WatchId.parse(`wch_${'0'.repeat(26)}`);
  const at = stores.clock.now();
  const serviceEnvironment = {
    service: ServiceName.parse('watched'),
    environment: EnvironmentName.parse('production'),
  };
  const begun: WatchRecord = {
    ...serviceEnvironment,
    id,
    change_id: ChangeId.parse(`chg_${'0'.repeat(26)}`),
    version: Version.parse('v2'),
    baseline: null,
    started_at: at,
    deployed_at: at,
    ended_at: null,
    checks_planned: 10,
    interval_seconds: 30,
    outcome: null,
    reason: null,
    startup: { seconds: null, max_seconds: 60, slow: false },
    checks: [{ number: 1, due_at: at, at, verdict: 'healthy', reasons: [] }],
    metrics: [],
    degraded_since: null,
    samples: [],
    findings: [],
    reported: [],
    run: 1,
    execution: null,
    rev: 0,
  };
  expect([await watches.begin(begun), await watches.begin(begun)]).toEqual([true, false]);
  await set(keys.watch(id), 'of_a_newer_version', NEWER.of_a_newer_version);
  await set(keys.watch(id), 'outcome', 'promoted');
  const listed = (await watches.list({ ...serviceEnvironment, limit: 10 })).items;
  expect(listed).toMatchObject([{ id, outcome: 'stopped' }]);
  const read = (await watches.unfinished()).find((watch) => watch.id === id);
  expect(read).toMatchObject({ id, outcome: 'stopped', checks: [{ verdict: 'healthy' }] });
  expect(await watches.put({ ...begun, ...read, outcome: 'healthy', ended_at: at })).toBe(true);
  // It was read before the write above.
  expect(await watches.put({ ...begun, ...read })).toBe(false);
  expect(await item(keys.watch(id))).toMatchObject({ ...NEWER, outcome: 'healthy', rev: 1 });
  expect((await watches.unfinished()).map((watch) => watch.id)).not.toContain(id);
});

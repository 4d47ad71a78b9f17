import { afterAll, beforeAll, expect, test } from 'vitest';
import { AuditLogTable } from '../../../core/stores/audit/audit-log.ts';
import { collect } from '../../../core/stores/table.ts';
import { put } from '../../../platforms/store.ts';
import { logWaitingShards } from '../../../core/stores/keys.ts';
import { decide } from '../../../core/domain/rollback/rollback.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import { actAt, clear } from '../arbitraries.ts';
import { silent, sealSecrets } from '../../support/fake-deps.ts';
import { arrivals, signal } from '../../support/signals.ts';
import { openTable, type TableStores } from './stores.ts';

/*
 * Actions of people and automation are recorded in the audit log, in the transaction of the action. For tokens, see
 * test/entrances/http/access.test.ts.
 */

let stores: TableStores;
let id: IncidentId;
/** Makes the audit log unavailable: its gates and its list of minutes conflict. */
let logIsBusy = false;

const LOG_ITEMS = /LOGGATE#|"LOGOPEN"|"LOG#/;

beforeAll(async () => {
  stores = await openTable();
  stores.store.refuse = (write) => {
    if (logIsBusy && LOG_ITEMS.test(JSON.stringify(write))) throw new Error('the audit log is busy');
  };
  [id = ('' as IncidentId)] = (
    await stores.incidents.admit(arrivals([signal({})]), { at: stores.clock.now(), trace: '' })
  ).opened;
});
afterAll(() => stores.close());

const logged = async (kind: RegExp) =>
  (await stores.audit.list({ limit: 100 })).items.filter((entry) => kind.test(entry.kind)).toReversed();
const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);
const serviceEnvironment = { service: 'checkout', environment: 'production' } as ReturnType<
  typeof actAt
>['serviceEnvironment'];

test('the kill switch and modes, with the person who set them', async () => {
  await stores.automation.write({ paused: true, reason: 'storm' }, 'ada');
  later(1);
  await stores.automation.write({ paused: false, services: { checkout: { mode: 'shadow' } } }, 'bo');
  await stores.automation.write({ paused: false, mode: null, services: {} }, 'cy');
  expect(await logged(/^automation/)).toMatchObject([
    { actor: 'ada', kind: 'automation.changed', text: 'Kill switch on', detail: { paused: true, reason: 'storm' } },
    { actor: 'bo', text: 'Kill switch off; mode limits changed for: checkout', detail: { services: { checkout: {} } } },
    { actor: 'cy', text: 'Kill switch off; mode limit of all services: none' },
  ]);
});

test('more modes than an entry holds are set, and the log has their hash', async () => {
  later(1);
  const services = Object.fromEntries(
    Array.from({ length: 1000 }, (_, n) => [`service-${n}`, { mode: 'shadow' as const }]),
  );
  await stores.automation.write({ services }, 'cy');
  expect((await logged(/^automation/)).at(-1)).toMatchObject({
    actor: 'cy',
    detail: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
  });
});

test('replays', async () => {
  const input = {
    source: 'grafana',
    sender: 'grafana:ci',
    receiver: 'grafana',
    contentType: '',
    status: 400,
    detail: 'no JSON',
  };
  const kept = await stores.quarantine.keep({ ...input, body: Buffer.from('{') });
  await stores.quarantine.replayed(kept, 'ada');
  expect(await stores.quarantine.get(kept)).toMatchObject({ replayed_at: stores.clock.now() });
  expect(await logged(/^quarantine/)).toMatchObject([{ actor: 'ada', kind: 'quarantine.replayed', subject: kept }]);
});

test('the configuration, once for each version', async () => {
  for (const version of ['a', 'a', 'b', 'b', 'a']) {
    await Promise.all([stores.audit.configuration(version), stores.audit.configuration(version)]);
    later(1);
  }
  expect((await logged(/^configuration/)).map(({ text }) => text)).toEqual([
    'Configuration a is in force',
    'Configuration b is in force. It replaces a',
    'Configuration a is in force. It replaces b',
  ]);
});

const effect = (key: string, kind: 'roll-back' | 'page') =>
  ({ key, kind, target: 'http://cd', class: 'keyed', detail: 'Rolling back v2 to v1' }) as const;

test('a rollback, from the request and both approvals to its end with the pin, while the log is busy', async () => {
  logIsBusy = true;
  const message = { kind: 'rollback', by: 'ada', note: '' } as const;
  const timeline = { actor: 'ada', kind: 'rollback.requested', text: 'Asked for a rollback', detail: null };
  expect(await stores.incidents.post(id, message, { timeline })).toBe(true);
  later(1);
  const inputs = clear({ policy: { mode: 'approve', unknownMigration: 'approve', approvals: 2 } });
  const { digest } = (await stores.decisions.keep(id, 1, decide(inputs), inputs)) ?? expect.unreachable();
  expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('taken');
  later(1);
  expect(await stores.decisions.answer(id, digest, 'approved', 'bo', 'go')).toBe('taken');
  later(1);
  const key = `${id}.roll-back.1`;
  expect(await stores.effects.intendAction(id, effect(key, 'roll-back'), actAt(serviceEnvironment))).toMatchObject({
    ok: true,
  });
  await stores.effects.intend(id, effect('p', 'page'));
  await stores.effects.conclude(id, 'p', 'succeeded', 'accepted');
  later(1);
  const moved = { from: 'v2' as Version, to: 'v1' as Version, suspect: null };
  await stores.effects.concludeRollback(id, {
    key,
    number: 1,
    serviceEnvironment: serviceEnvironment,
    outcome: 'succeeded',
    page: 'no',
    text: 'Rolled back to v1',
    versionChange: moved as never,
  });
  later(1);
  const [pin] = await stores.pins.of(serviceEnvironment);
  await stores.pins.lift(pin?.id ?? '', 'cy');
  logIsBusy = false;
  expect(await logged(/^(rollback|decision|mitigation|page|pin)/)).toMatchObject([
    { actor: 'ada', kind: 'rollback.requested', subject: id },
    { actor: 'ada', kind: 'decision.agreed', detail: { decision: `${id}-1`, digest } },
    { actor: 'bo', kind: 'decision.approved', text: 'Approved the rollback: go' },
    { actor: 'firebreak', kind: 'rollback.started', detail: { key } },
    { kind: 'mitigation.succeeded', detail: { pinned: 'v2', rolled_back_to: 'v1', ...serviceEnvironment } },
    { actor: 'cy', kind: 'pin.lifted', subject: 'checkout', detail: { pin: pin?.id, version: 'v2' } },
  ]);
});

test('an approval request that expires', async () => {
  const inputs = clear({ policy: { mode: 'approve', unknownMigration: 'approve' } });
  await stores.decisions.keep(id, 2, decide(inputs), inputs);
  await stores.decisions.expire(id, 2);
  await stores.decisions.expire(id, 2);
  expect(await logged(/^decision\.expired/)).toMatchObject([{ subject: id, detail: { decision: `${id}-2` } }]);
});

test('an action on a target that is concluded by itself', async () => {
  const flag = { ...effect('f', 'page'), kind: 'flag', detail: 'Turns off the flag x' } as const;
  await stores.effects.intendAction(id, flag, { ...actAt(serviceEnvironment), resource: 'flag:x' });
  later(1);
  await stores.effects.conclude(id, 'f', 'succeeded', 'done', 'bo');
  expect(await logged(/^flag/)).toMatchObject([
    { actor: 'firebreak', kind: 'flag.started', text: 'Turns off the flag x' },
    { actor: 'bo', kind: 'flag.succeeded', text: 'done' },
  ]);
});

test('waiting entries are moved into the log once, despite concurrent readers and sealers, and are sealed', async () => {
  for (let n = 0; n < 100; n += 1) await stores.quarantine.replayed(`q_${n}`, 'bo');
  const others = Array.from(
    { length: 3 },
    () => new AuditLogTable(stores.table, stores.blobs, stores.clock, silent, sealSecrets),
  );
  await Promise.all(others.flatMap((one) => [one.seal(), one.list({ limit: 1 })]));
  for (const pk of logWaitingShards) expect(await collect(stores.table.each(pk), (item) => item)).toEqual([]);
  const all = (await stores.audit.list({ limit: 500 })).items.filter(
    ({ actor, kind }) => actor === 'bo' && kind === 'quarantine.replayed',
  );
  expect(all).toHaveLength(100);
  later(240);
  await stores.audit.seal();
  expect(await stores.audit.check()).toMatchObject({ intact: true });
  expect((await stores.audit.list({ limit: 500 })).items.every(({ sealed }) => sealed)).toBe(true);
});

test('an entry altered before it is in the log is shown as such, and delays no other', async () => {
  const at = stores.clock.now();
  const entry = (more: object) =>
    JSON.stringify({ id: 'a', at, actor: 'bo', kind: 'k', subject: 's', text: '', detail: {}, ...more });
  const altered = ['nothing', entry({ id: 'of another' }), entry({ text: 'x'.repeat(40_000) })];
  await stores.table.transact(
    altered.map((text, n) => put({ pk: logWaitingShards[0], sk: `${at}#${n === 2 ? 'a' : n}`, entry: text })),
  );
  await stores.automation.write({ paused: true, reason: 'after it' }, 'cy');
  const { items } = await stores.audit.list({ limit: 500 });
  expect(items.filter(({ kind }) => kind === 'unreadable')).toHaveLength(3);
  expect(items.filter(({ detail }) => detail['reason'] === 'after it')).toHaveLength(1);
});

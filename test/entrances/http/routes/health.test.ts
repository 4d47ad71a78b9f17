import { beforeEach, expect, test } from 'vitest';
import { DatabaseDamaged } from '../../../../platforms/sqlite/errors.ts';
import { observed, StorageOutcomes } from '../../../../core/stores/storage-outcomes.ts';
import { StorageWriteProbe } from '../../../../core/stores/write-probe.ts';
import { Table } from '../../../../core/stores/table.ts';
import { api } from '../../../../entrances/http/app.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import type { Queues } from '../../../../platforms/queues.ts';
import { blobsInMemory } from '../../../support/noun-stores.ts';
import { StoredData } from '../../../support/stored-data.ts';

let world: FakeWorld;
let failing: { table?: Error; blobs?: Error };
let writes: number;
let table: Table;
let writeProbe: StorageWriteProbe;
let ask: (token?: string) => Promise<{ status: number; body: unknown }>;
let intakeOk: () => Promise<string | undefined>;

beforeEach(() => {
  world = new FakeWorld();
  [failing, writes] = [{}, 0];
  const store = new StoredData();
  const update: typeof store.update = store.update.bind(store);
  store.update = async (...args) => {
    writes += 1;
    if (failing.table) throw failing.table;
    return update(...args);
  };
  const inMemory = blobsInMemory();
  const put: typeof inMemory.put = async (...args) => {
    if (failing.blobs) throw failing.blobs;
    return inMemory.put(...args);
  };
  const outcomes = new StorageOutcomes(world.clock);
  const storage = observed({ store, queues: {} as Queues, blobs: { ...inMemory, put } }, outcomes);
  table = new Table(storage.store);
  writeProbe = new StorageWriteProbe(table, storage.blobs, world.clock, outcomes);
  const server = api({
    ...world.deps,
    secrets: { get: async (name) => ({ FIREBREAK_ADMIN_TOKEN: 'admin' })[name] },
    writeProbe,
  });
  ask = async (token) => {
    const response = await server.request('/readyz', { headers: token ? { authorization: `Bearer ${token}` } : {} });
    return { status: response.status, body: await response.json() };
  };
  intakeOk = async () => {
    const response = await server.request('/metrics', { headers: { authorization: 'Bearer admin' } });
    return /^firebreak_intake_ok (.*)$/m.exec(await response.text())?.[1];
  };
});

const after = (seconds: number): void => world.clock.set(world.clock.millis + seconds * 1000);

test.each([
  ['table', 'DiskFailure: cannot write to the database: database or disk is full'],
  ['table', 'DiskFailure: cannot write to the database: attempt to write a readonly database'],
  ['blobs', "Error: ENOENT: no such file or directory, mkdir '/gone/blobs'"],
] as const)(
  'is not ready if %s refuses writes, with the reason for a token, until it accepts them: %s',
  async (part, text) => {
    expect(await ask('admin')).toMatchObject({ status: 200, body: { checks: { table: 'ok', blobs: 'ok' } } });
    const [name = '', message] = text.split(/: (.*)/);
    failing = { [part]: Object.assign(new Error(message), { name }) };
    after(11);
    expect(await ask('admin')).toMatchObject({ status: 503, body: { ready: false, checks: { [part]: text } } });
    expect(await ask()).toEqual({ status: 503, body: { ready: false } });
    expect(await intakeOk()).toBe('0');
    failing = {};
    after(2);
    expect(await ask('admin')).toMatchObject({ status: 200, body: { checks: { table: 'ok', blobs: 'ok' } } });
  },
);

test('many callers cause one write, and none within 5 seconds after any write', async () => {
  await Promise.all(Array.from({ length: 20 }, () => ask()));
  await ask();
  expect(writes).toBe(1);
  after(4);
  await table.update({ pk: 'A', sk: 'B' }, { set: { of: 'another part' } });
  after(4);
  expect((await ask()).status).toBe(200);
  expect(writes).toBe(2);
  after(2);
  await ask();
  expect(writes).toBe(3);
});

test('is not ready at once after a commit has failed', async () => {
  expect((await ask()).status).toBe(200);
  failing = { table: Object.assign(new Error('cannot write to the database'), { name: 'DiskFailure' }) };
  await expect(table.update({ pk: 'A', sk: 'B' }, {})).rejects.toThrow('cannot write');
  expect(await ask()).toEqual({ status: 503, body: { ready: false } });
  expect(await intakeOk()).toBe('0');
  failing = { table: new RangeError('an argument that no platform accepts') };
  after(5);
  await expect(table.update({ pk: 'A', sk: 'B' }, {})).rejects.toThrow(RangeError);
  failing = {};
  expect((await ask()).status).toBe(200);
});

test('is not ready while one page is damaged, although other commits succeed', async () => {
  failing = { table: new DatabaseDamaged('the database is damaged (malformed)', 11) };
  await expect(table.update({ pk: 'A', sk: 'B' }, {})).rejects.toThrow('damaged');
  failing = {};
  await table.update({ pk: 'C', sk: 'D' }, {});
  after(60);
  const damaged = { ready: false, checks: { table: expect.stringContaining('the database is damaged'), blobs: 'ok' } };
  expect(await ask('admin')).toMatchObject({ status: 503, body: damaged });
  expect(await intakeOk()).toBe('0');
  after(300);
  expect((await ask()).status).toBe(200);
});

test('is not ready while another thread finds damage', async () => {
  expect((await ask()).status).toBe(200);
  writeProbe.noteDamage(new DatabaseDamaged('the database is damaged (malformed)', 11));
  expect(await ask('admin')).toMatchObject({
    status: 503,
    body: { checks: { table: 'DatabaseDamaged: the database is damaged (malformed)' } },
  });
  expect(await intakeOk()).toBe('0');
  after(300);
  expect((await ask()).status).toBe(200);
});

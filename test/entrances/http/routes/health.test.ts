import { beforeEach, expect, test } from 'vitest';
import { StorageWriteProbe } from '../../../../core/stores/write-probe.ts';
import { Table } from '../../../../core/stores/table.ts';
import { api } from '../../../../entrances/http/app.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { blobsInMemory } from '../../../support/noun-stores.ts';
import { StoredData } from '../../../support/stored-data.ts';

let world: FakeWorld;
let failing: { table?: Error; blobs?: Error };
let writes: number;
let ask: (token?: string) => Promise<{ status: number; body: unknown }>;

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
  const server = api({
    ...world.deps,
    secrets: { get: async (name) => ({ FIREBREAK_ADMIN_TOKEN: 'admin' })[name] },
    writeProbe: new StorageWriteProbe(new Table(store), { ...inMemory, put }, world.clock),
  });
  ask = async (token) => {
    const response = await server.request('/readyz', { headers: token ? { authorization: `Bearer ${token}` } : {} });
    return { status: response.status, body: await response.json() };
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
    failing = {};
    after(2);
    expect(await ask('admin')).toMatchObject({ status: 200, body: { checks: { table: 'ok', blobs: 'ok' } } });
  },
);

test('many callers cause one write', async () => {
  await Promise.all(Array.from({ length: 20 }, () => ask()));
  await ask();
  expect(writes).toBe(1);
  after(11);
  await ask();
  expect(writes).toBe(2);
});

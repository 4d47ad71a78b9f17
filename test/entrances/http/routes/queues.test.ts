import { afterAll, beforeAll, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { QUEUES } from '../../../../schemas/config/queues.ts';
import { queueOperations } from '../../../../core/stores/queues/queues.ts';
import { Database } from '../../../../platforms/sqlite/database.ts';
import { SqliteQueues } from '../../../../platforms/sqlite/queues.ts';
import { SimulatedClock, until } from '../../../support/clock.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { tokenRecord } from '../../../support/console-world.ts';

const clock = new SimulatedClock();
const delivered: string[] = [];
let database: Database;
let queues: SqliteQueues;
let failing = true;
let stop: () => Promise<void>;

beforeAll(async () => {
  database = Database.inMemory();
  const all = Object.fromEntries(QUEUES.map((name) => [name, { ordered: name === 'urgent' }]));
  queues = new SqliteQueues(database, { queues: all, clock, onError: () => undefined });
  ({ stop } = queues.consume('urgent', {
    consumer: async ({ messages }) => {
      delivered.push(...messages.map(({ body }) => body));
      return failing ? messages.map(({ id }) => ({ id, afterSeconds: 0 })) : [];
    },
    batchSize: 1,
    concurrency: 1,
    maxDeliveries: 2,
    timeoutMs: 60_000,
  }));
});
afterAll(async () => {
  await stop();
  await database.close();
});

/** Sends a request as a token with these scopes. */
async function asks(scopes: Parameters<typeof tokenRecord>[1], method: string, path: string) {
  const fake = new FakeWorld().deps;
  const tokens = Object.assign({}, fake.tokens, { find: async () => tokenRecord('operator', scopes) });
  const deps: Product = { ...fake, tokens, secrets: { get: async () => undefined }, queues: queueOperations(queues) };
  const response = await api(deps).request(path, { method, headers: { authorization: 'Bearer token' } });
  return { status: response.status, body: (await response.json()) as any };
}

test('messages that failed too often are counted, listed, and processed again', async () => {
  await queues.send('urgent', [{ body: '{"signals":[]}', group: 'checkout', id: '1' }]);
  await until(async () => (await queues.counts('urgent')).dead === 1);
  const listed = await asks(['quarantine:read'], 'GET', '/v1/queues');
  expect(listed.body.items.find(({ queue }: any) => queue === 'urgent')).toEqual({
    queue: 'urgent',
    waiting: 0,
    in_flight: 0,
    delayed: 0,
    dead: 1,
    oldest_seconds: 0,
  });
  const dead = await asks(['quarantine:read'], 'GET', '/v1/queues/urgent/dead');
  expect(dead.body).toEqual({
    items: [{ id: expect.any(String), group: 'checkout', body: '{"signals":[]}' }],
  });
  failing = false;
  delivered.length = 0;
  expect(await asks(['quarantine:replay'], 'POST', '/v1/queues/urgent/redrive')).toMatchObject({
    status: 202,
    body: { redriven: 1 },
  });
  await until(() => delivered.length === 1);
  expect((await asks(['quarantine:read'], 'GET', '/v1/queues/urgent/dead')).body).toEqual({ items: [] });
});

test.each<[scopes: Parameters<typeof tokenRecord>[1], method: string, path: string, status: number]>([
  [[], 'GET', '/v1/queues', 403],
  [['quarantine:read'], 'POST', '/v1/queues/urgent/redrive', 403],
  [['*'], 'GET', '/v1/queues/none/dead', 404],
])('a token with the scopes %j: %s %s has status %i', async (scopes, method, path, status) => {
  expect((await asks(scopes, method, path)).status).toBe(status);
});

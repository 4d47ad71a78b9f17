import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { api } from '../../../entrances/http/app.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import type { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { openTable, type TableStores } from '../../core/stores/stores.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import { featuresOn } from '../../support/feature-deps.ts';
import { arrivals, signal, stranger } from '../../support/signals.ts';

/** A store in this process answers without a pause, so a request that looks through a list must pause by itself. */

const ALERTS = 400;

let stores: TableStores;
let app: Api;
const rare = signal({
  service: 'checkout' as ServiceName,
  environment: 'staging' as EnvironmentName,
  fingerprint: 'rare',
  requestsRollback: false,
  severity: 'info',
});
/** Items that were read in one turn of the event loop, at most. */
let mostInOneTurn = 0;

beforeAll(async () => {
  stores = await openTable();
  const fake = new FakeWorld().deps;
  const deps = {
    ...fake,
    ...stores,
    writeProbe: { ...fake.writeProbe, problem: () => null },
    secrets: { get: async (name: string) => (name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : undefined) },
  };
  deps.features = featuresOn(stores.table, deps);
  app = api(deps);
  const alerts = Array.from({ length: ALERTS }, (_, n) => stranger(`s${n}`, { fingerprint: `${n}`, severity: 'info' }));
  await stores.incidents.admit(arrivals([rare]), { at: stores.clock.now(), trace: 'rare' });
  stores.clock.set(stores.clock.millis + 1000);
  for (let n = 0; n < ALERTS; n += 50)
    await stores.incidents.admit(arrivals(alerts.slice(n, n + 50)), { at: stores.clock.now(), trace: 'many' });
  await countTurns();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await stores.close();
});

async function countTurns(): Promise<void> {
  let items = 0;
  const list = stores.store.list.bind(stores.store);
  vi.spyOn(stores.store, 'list').mockImplementation(async (...query) => {
    setImmediate(() => (items = 0));
    const rows = await list(...query);
    items += rows.items.length;
    mostInOneTurn = Math.max(mostInOneTurn, items);
    return rows;
  });
}

async function get(path: string, token = 'admin'): Promise<{ items: object[]; next_cursor: string | null }> {
  mostInOneTurn = 0;
  const response = await app.request(path, { headers: { authorization: `Bearer ${token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as Awaited<ReturnType<typeof get>>;
}

async function tokenFor(service: string): Promise<string> {
  const response = await app.request('/v1/tokens', {
    method: 'POST',
    headers: { authorization: 'Bearer admin', 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'reader', actions: ['incidents:read'], services: [service] }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { token: string }).token;
}

test('alerts of another service are looked through in turns', async () => {
  expect(await get('/v1/signals?service=nosuchsvc&limit=10')).toEqual({ items: [], next_cursor: null });
  expect(mostInOneTurn).toBeGreaterThan(0);
  expect(mostInOneTurn).toBeLessThan(ALERTS);
});

test('alerts that the caller may not see are looked through in turns', async () => {
  const token = await tokenFor('payments');
  expect(await get('/v1/signals?limit=10', token)).toEqual({ items: [], next_cursor: null });
  expect(mostInOneTurn).toBeGreaterThan(0);
  expect(mostInOneTurn).toBeLessThan(ALERTS);
});

test('an alert behind many others is found by its service and environment', async () => {
  const { service, environment } = rare;
  for (const query of [
    `service=${service}`,
    `environment=${environment}`,
    `service=${service}&environment=${environment}`,
  ])
    expect((await get(`/v1/signals?${query}&limit=10`)).items).toMatchObject([{ fingerprint: 'rare' }]);
  expect((await get(`/v1/signals?service=${service}&environment=other`)).items).toEqual([]);
});

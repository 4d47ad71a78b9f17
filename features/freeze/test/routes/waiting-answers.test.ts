import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import type { Api } from '../../../../entrances/http/endpoint.ts';
import type { Product } from '../../../../functions/assembly/product.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { FakeWorld } from '../../../../test/support/fake-deps.ts';
import { featuresOn } from '../../../../test/support/feature-deps.ts';
import { withPorts } from '../../ports.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import type { DeploymentProtection } from '../../types.ts';

/** Deployments wait at GitHub for the end of a freeze: what a request that changes it does before its response. */

const HERE = { service: 'checkout', environment: 'production' };
const commit = (run: number): string => String(run).repeat(40);

let stores: TableStores;
let app: Api;
let deps: Product;
/** What GitHub was told and what callers were answered, in order. */
let order: string[];
let review: DeploymentProtection['review'];

beforeEach(async () => {
  // No response is due because of a slow machine.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  stores = await openTable();
  order = [];
  review = async ({ run }, { state, comment }) => {
    await nextTurn(); // not before a request that does not wait for it returns
    order.push(`run ${run}: ${state ?? /: `(.*)`/.exec(comment)?.[1]}`);
    return { kind: 'done' };
  };
  const fake = new FakeWorld().deps;
  deps = {
    ...fake,
    ...stores,
    config: { ...fake.config, current: async () => config },
    writeProbe: { ...fake.writeProbe, problem: () => null }, // the watched port returns promises only
    secrets: { get: async (name) => (name === 'FIREBREAK_ADMIN_TOKEN' ? 'admin' : undefined) },
  };
  const github: Partial<DeploymentProtection> = { review: (...call) => review(...call) };
  const ports = featuresOn(stores.table, deps);
  deps.features = { ...ports, freeze: { ...ports['freeze'], deploymentProtection: github } };
  app = api(deps);
  for (const run of [1, 2]) await withPorts(deps).waitingDeployments.keep(waiting(run));
});
afterEach(async () => {
  vi.useRealTimers();
  await stores.close();
});

const config = Config.parse({
  version: 'test',
  services: { checkout: { repository: 'acme/checkout', environments: { production: {} } } },
  paging: {},
});

const waiting = (run: number): WaitingDeployment => ({
  id: `acme/checkout ${run}`,
  repository: 'acme/checkout',
  environment: 'production',
  run,
  deployment_id: String(run),
  commit: commit(run),
  ref: 'main',
  installation_id: null,
  asked_by: 'ada',
  asked_at: stores.clock.now(),
  sent_decisions: null,
  notes: 0,
  busy_until: null,
  problem: null,
  rev: 1,
});

/** Sends a request, and returns the ID in the response. */
async function send(method: string, path: string, json?: object, more?: Record<string, string>): Promise<string> {
  const headers = { authorization: 'Bearer admin', 'content-type': 'application/json', ...more };
  const response = await app.request(path, { method, headers, ...(json && { body: JSON.stringify(json) }) });
  expect(response.status).toBeLessThan(300);
  order.push(method);
  return ((await response.json()) as { id: string }).id;
}

const freeze = (reason: string): Promise<string> => send('POST', '/v1/freezes', { ...HERE, reason });

/** Returns what happened since the last call. Answers to GitHub are sorted, because they are sent at the same time. */
function happened(): string[] {
  const all = order.splice(0);
  return [...all.slice(0, -1).toSorted(), ...all.slice(-1)];
}

test('waiting deployments are answered before the request that changed the freeze returns', async () => {
  const first = await freeze('a sale');
  expect(happened()).toEqual(['run 1: a sale', 'run 2: a sale', 'POST']);

  const override = { reason: 'the fix', expires_at: plusSeconds(stores.clock.now(), 3600), version: commit(1) };
  await send('POST', `/v1/freezes/${first}/overrides`, override);
  expect(happened()).toEqual(['run 1: approved', 'POST']);

  await send('DELETE', `/v1/freezes/${first}`);
  expect(happened()).toEqual(['run 2: approved', 'DELETE']);
});

test('a repeated request with the same idempotency key answers no waiting deployment', async () => {
  const open = () => send('POST', '/v1/freezes', { ...HERE, reason: 'a sale' }, { 'idempotency-key': 'one' });
  const first = await open();
  expect(happened()).toEqual(['run 1: a sale', 'run 2: a sale', 'POST']);
  await withPorts(deps).waitingDeployments.keep(waiting(3));
  expect(await open()).toBe(first);
  expect(happened()).toEqual(['POST']);
});

test('an unresponsive GitHub does not block lifting a freeze', async () => {
  const id = await freeze('a sale');
  order.length = 0;
  const asked = Promise.withResolvers<void>();
  review = () => {
    asked.resolve();
    return new Promise(() => undefined);
  };
  const lifted = send('DELETE', `/v1/freezes/${id}`);
  await asked.promise;
  await vi.runAllTimersAsync(); // the time for which the request waits
  await lifted;
  expect(order).toEqual(['DELETE']);
});

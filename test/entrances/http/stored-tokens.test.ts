import { afterAll, beforeAll, expect, test } from 'vitest';
import { api } from '../../../entrances/http/app.ts';
import type { Api } from '../../../entrances/http/endpoint.ts';
import { Config } from '../../../schemas/config/config.ts';
import { openTable, type TableStores } from '../../core/stores/stores.ts';
import { FakeWorld } from '../../support/fake-deps.ts';
import { featuresOn } from '../../support/feature-deps.ts';

/** Tokens that an earlier version, or an earlier configuration, has stored by other names. */

let stores: TableStores;
let app: Api;

beforeAll(async () => {
  stores = await openTable();
  const fake = new FakeWorld().deps;
  const services = { checkout: { environments: { production: {}, staging: {} } } };
  const config = Config.parse({ version: 'test', paging: {}, services });
  const deps = {
    ...fake,
    ...stores,
    config: { ...fake.config, current: async () => config },
    writeProbe: { ...fake.writeProbe, problem: () => null },
    secrets: { get: async () => undefined },
  };
  deps.features = featuresOn(stores.table, deps);
  app = api(deps);
});
afterAll(() => stores.close());

test.each([
  [['Checkout'], ['prod'], 'production', 200],
  [null, ['prd'], 'production', 200],
  [['Checkout'], ['prod'], 'staging', 403],
  [['search'], ['prod'], 'production', 403],
])('a stored token of the services %j and environments %j, which reads %s: %d', async (...of) => {
  const [services, environments, environment, status] = of;
  const grant = { actions: ['deployments:read' as const], sources: null, expires_at: null };
  const name = JSON.stringify(of);
  const { secret } = await stores.tokens.create({ name, ...grant, services, environments }, 'admin');
  const path = `/v1/deployments?service=checkout&environment=${environment}`;
  const response = await app.request(path, { headers: { authorization: `Bearer ${secret}` } });
  expect(response.status).toBe(status);
});

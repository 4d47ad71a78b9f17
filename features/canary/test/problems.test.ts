import { expect, test } from 'vitest';
import { standInsAt } from '../../../core/domain/catalogue/vendors.ts';
import { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { SetClock } from '../../../test/support/fake-deps.ts';
import { trafficRouters } from '../actions/problems.ts';
import { trafficRouterFor } from '../vendors/routers.ts';

const BACKENDS = [{ service: 'web-blue' }, { service: 'web-green' }];

/** Returns the problems of a router with these secrets. */
async function problemsOf(traffic: object, values: Record<string, string>) {
  const secrets = { get: async (name: string) => values[name] };
  const context = { secrets, clock: new SetClock('2026-11-20T12:00:00.000Z'), standIns: standInsAt([]) };
  const { problems } = trafficRouters({
    secrets,
    trafficRouterFor: (entry, serviceEnvironment) => trafficRouterFor(entry, { ...context, serviceEnvironment }),
  });
  const place = { service: ServiceName.parse('web'), environment: EnvironmentName.parse('production') };
  return problems?.(EnvironmentEntry.parse({ canary: { traffic } }), place);
}

test.each([
  ['gateway-api', { backends: BACKENDS }],
  ['smi', { backends: BACKENDS }],
  ['argo-rollouts', {}],
])('a router of kind %s needs the address and the token of its cluster', async (kind, more) => {
  const traffic = { kind, ...more };
  expect(await problemsOf(traffic, {})).toEqual([
    `the traffic router (${kind}) has no address: set its \`url\`, or KUBERNETES_URL`,
  ]);
  const url = { KUBERNETES_URL: 'https://cluster.test' };
  expect(await problemsOf(traffic, url)).toEqual(['the secret KUBERNETES_TOKEN of the traffic router is not set']);
  expect(await problemsOf({ ...traffic, auth: { bearer: 'SHOP_TOKEN' } }, url)).toEqual([
    'the secret SHOP_TOKEN of the traffic router is not set',
  ]);
  expect(await problemsOf(traffic, { ...url, KUBERNETES_TOKEN: 'a-token' })).toEqual([]);
});

test('a router needs two different Services', () => {
  const parse = (backends: object[]) =>
    Config.safeParse({
      version: 'test',
      paging: {},
      services: { web: { environments: { production: { canary: { traffic: { kind: 'gateway-api', backends } } } } } },
    });
  expect(parse(BACKENDS).success).toBe(true);
  expect(parse([BACKENDS[0] ?? {}, BACKENDS[0] ?? {}]).error?.message).toContain('must be two different Services');
  expect(parse(BACKENDS.slice(1)).success).toBe(false);
});

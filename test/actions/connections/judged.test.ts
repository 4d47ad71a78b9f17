import { expect, test } from 'vitest';
import { uncallableSystems } from '../../../actions/connections/uncallable-systems.ts';
import { standInsAt } from '../../../domain/catalogue/vendors.ts';
import { noExtensions } from '../../../domain/ports/extensions.ts';
import { trafficRouterFor } from '../../../integrations/traffic-routers.ts';
import { Config } from '../../../schemas/config/config.ts';
import { SetClock } from '../../support/fake-deps.ts';

const BACKENDS = [{ service: 'web-blue' }, { service: 'web-green' }];

/** Returns the problems of a router with these secrets. */
const problemsOf = (traffic: object, secrets: Record<string, string>) => problemsIn({ canary: { traffic } }, secrets);

/** Returns the problems of an environment with these secrets. */
async function problemsIn(production: object, secrets: Record<string, string>) {
  const services = { web: { environments: { production } } };
  const config = Config.parse({ version: 'test', services, paging: {} });
  const get = async (name: string) => secrets[name];
  const context = { secrets: { get }, clock: new SetClock('2026-11-20T12:00:00.000Z'), standIns: standInsAt([]) };
  const found = await uncallableSystems({
    config: { current: async () => config, problems: async () => [] },
    secrets: { get },
    extensions: noExtensions,
    trafficRouterFor: (entry, serviceEnvironment) => trafficRouterFor(entry, { ...context, serviceEnvironment }),
  });
  return found.map(({ problem }) => problem);
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

test('a traffic route needs an address and credentials', async () => {
  const of = (route: object, secrets: Record<string, string>) =>
    problemsIn({ reroute: { regions: { targets: { a: {}, b: {} }, ...route } } }, secrets);
  const own = { kind: 'http', url: 'https://route.test' };
  expect(await of(own, {})).toEqual(['the traffic route regions is called without credentials (no "auth")']);
  expect(await of({ ...own, auth: { bearer: 'ROUTES' } }, {})).toEqual([
    'the secret ROUTES of the traffic route regions is not set',
  ]);
  expect(await of({ ...own, auth: { bearer: 'ROUTES' } }, { ROUTES: 'a-token' })).toEqual([]);
  expect(await of({ kind: 'gateway-api' }, {})).toEqual([
    'the traffic route regions (gateway-api) has no address: set its `url`, or KUBERNETES_URL',
  ]);
  const cluster = { KUBERNETES_URL: 'https://cluster.test' };
  expect(await of({ kind: 'gateway-api' }, cluster)).toEqual([
    'the secret KUBERNETES_TOKEN of the traffic route regions is not set',
  ]);
  expect(await of({ kind: 'gateway-api' }, { ...cluster, KUBERNETES_TOKEN: 'a-token' })).toEqual([]);
  expect(await of({ kind: 'route53', hostedZone: 'Z1', record: 'api.example.com' }, {})).toEqual([]);
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

import { expect, test } from 'vitest';
import { uncallableSystems } from '../../../vendors/connections/uncallable-systems.ts';
import { noExtensions } from '../../../core/domain/ports/extensions.ts';
import { Config } from '../../../schemas/config/config.ts';

/** Returns the problems of an environment with these secrets. */
async function problemsIn(production: object, secrets: Record<string, string>) {
  const services = { web: { environments: { production } } };
  const config = Config.parse({ version: 'test', services, paging: {} });
  const get = async (name: string) => secrets[name];
  const found = await uncallableSystems({
    config: { current: async () => config, problems: async () => [] },
    secrets: { get },
    extensions: noExtensions,
  });
  return found.map(({ problem }) => problem);
}

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

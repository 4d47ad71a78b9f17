import { expect, test } from 'vitest';
import { Config } from '../../../schemas/config/config.ts';
import { unknownEnvironments, unsetSecrets } from '../../../vendors/connections/report.ts';

test('secrets that files of the configuration name, but that are not set, are found with their file', async () => {
  const webhook = { url: 'https://desk.acme.test', signature: 'DESK_KEY' };
  const config = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    response: { auditStream: { url: 'https://siem.acme.test', signature: 'SIEM_SECRET' } },
    routes: { unmatched: { ticket: { webhook } }, routes: [{ ticket: { webhook } }] },
    delivery: { registries: [{ host: 'ghcr.io', username: 'bot', password: 'GHCR_TOKEN' }] },
  });
  const set = new Set(['GHCR_TOKEN']);
  const secrets = { get: async (name: string) => (set.has(name) ? 'x' : undefined) };
  expect(await unsetSecrets({ config: { current: async () => config } as never, secrets })).toEqual([
    { runbook: 'response.yaml', name: 'SIEM_SECRET' },
    { runbook: 'routes.yaml', name: 'DESK_KEY' },
  ]);
});

test('names of recorded changes of every kind that no configuration has are found, with the name that was probably meant', async () => {
  const config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: {} } } },
    paging: {},
  });
  const of = (service: string, environment: string, kind: string) => ({ service, environment, kind }) as never;
  const changes = {
    live: async () => [of('checkout', 'produ', 'deploy'), of('checkout', 'Production', 'deploy')],
    list: async () => ({
      items: [of('checkout', 'produ', 'deploy'), of('chekout', 'production', 'flag')],
      next_cursor: null,
    }),
  };
  expect(
    await unknownEnvironments({ config: { current: async () => config } as never, changes: changes as never }),
  ).toEqual([
    {
      service: 'checkout',
      environment: 'produ',
      problem: 'the environment "produ" of checkout is not configured; did you mean "production"?',
    },
    {
      service: 'chekout',
      environment: 'production',
      problem: 'the catalogue has no service "chekout"; did you mean "checkout"?',
    },
  ]);
});

import { expect, test } from 'vitest';
import { Config } from '../../../schemas/config/config.ts';
import { unsetSecrets } from '../../../vendors/connections/report.ts';

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

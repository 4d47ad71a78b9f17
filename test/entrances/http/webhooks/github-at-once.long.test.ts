import { afterAll, beforeAll, expect, test } from 'vitest';
import { Firebreak } from '../../../support/firebreak.ts';
import { deliver, GithubServer, requested, SECRET } from './github-server.ts';

const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';
const serviceEnvironment = { service: 'checkout', environment: 'production' };

let server: GithubServer;
let firebreak: Firebreak;

beforeAll(async () => {
  server = await new GithubServer().start();
  firebreak = await Firebreak.start({
    unshown: true,
    services: { checkout: { repository: 'acme/checkout', environments: { production: {} } } },
    timeScale: 1, // the sweeper runs each minute
    env: { GITHUB_API_URL: server.url, GITHUB_TOKEN: 'ghs_test', GITHUB_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  await server?.stop();
});

test('waiting deployments are answered before the request that changed the freeze returns', async () => {
  const { body: first } = await firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'a sale' });
  for (const run of [1, 2]) {
    const asked = requested({ run, sha: String(run).repeat(40), repository: 'acme/checkout' });
    expect(await deliver(firebreak, asked)).toMatchObject({ body: { state: 'waiting' } });
  }
  const { body: second } = await firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'another sale' });
  expect([1, 2].map((run) => server.of(run).at(-1)?.comment)).toEqual([
    expect.stringContaining('another sale'),
    expect.stringContaining('another sale'),
  ]);
  await firebreak.request('DELETE', `/v1/freezes/${second.id}`);

  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  const override = { reason: 'the fix', expires_at, version: '1'.repeat(40) };
  expect((await firebreak.post(`/v1/freezes/${first.id}/overrides`, override)).status).toBe(201);
  expect(server.of(1).at(-1)).toMatchObject({ state: 'approved' });
  expect(server.of(2).some(({ state }) => state !== undefined)).toBe(false);

  await firebreak.request('DELETE', `/v1/freezes/${first.id}`);
  expect(server.of(2).at(-1)).toMatchObject({ state: 'approved' });
});

test('an unresponsive GitHub does not block lifting a freeze', async () => {
  const { body: freeze } = await firebreak.post('/v1/freezes', { ...serviceEnvironment, reason: 'a sale' });
  const asked = requested({ run: 3, sha: SHA, repository: 'acme/checkout' });
  expect(await deliver(firebreak, asked)).toMatchObject({ body: { state: 'waiting' } });
  server.answers.set(3, ['hang']);
  const lifted = await firebreak.request('DELETE', `/v1/freezes/${freeze.id}`);
  expect(lifted).toMatchObject({ status: 200, body: { state: 'over' } });
});

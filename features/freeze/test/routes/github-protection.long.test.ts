import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Firebreak } from '../../../../test/support/firebreak.ts';
import { seen } from '../../../../test/support/fixtures.ts';
import {
  deliver,
  github,
  GithubServer,
  requested,
  SECRET,
} from '../../../../test/entrances/http/webhooks/github-server.ts';

const SHA = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';

const services = Object.fromEntries(
  ['lifted', 'shaken'].map((name) => [name, { repository: `octo-org/${name}`, environments: { production: {} } }]),
);

let server: GithubServer;
let firebreak: Firebreak;

beforeAll(async () => {
  server = await new GithubServer().start();
  firebreak = await Firebreak.start({
    unshown: true,
    services,
    timeScale: 100,
    env: { GITHUB_API_URL: server.url, GITHUB_TOKEN: 'ghs_test', GITHUB_WEBHOOK_SECRET: SECRET },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  await server?.stop();
});

/** Each has its own process to end, so they run in parallel. */
describe.concurrent('over time', () => {
  test('a deployment is answered after a crash before the answer', async () => {
    server.answers.set(80, ['hang']);
    const gate = deliver(firebreak, requested({ run: 80, sha: SHA, repository: 'octo-org/shaken' })).catch(() => null);
    await seen(async () => server.of(80).length === 1, 'the call that gets no answer');
    await firebreak.kill9();
    // The request is cut, unless a slow machine was killed only after the response that the deployment waits.
    expect((await gate)?.body ?? { state: 'waiting' }).toMatchObject({ state: 'waiting' });
    await firebreak.start();
    await seen(async () => server.of(80).length === 2, 'the answer after the restart');
    expect(server.of(80)[1]).toMatchObject({ state: 'approved' });
  });

  test('a deployment that waits too long is rejected, and without a secret every webhook is refused', async () => {
    const impatient = await Firebreak.start({
      unshown: true,
      services,
      configFiles: { 'freeze.yaml': 'gates: { rejectAfterHours: 1 }\n' },
      timeScale: 1800, // one hour is two seconds
      env: { GITHUB_API_URL: server.url, GITHUB_TOKEN: 'ghs_test', GITHUB_WEBHOOK_SECRET: SECRET },
    });
    try {
      const freeze = { service: 'lifted', environment: 'production', reason: 'closed' };
      expect((await impatient.post('/v1/freezes', freeze)).status).toBe(201);
      const gate = requested({ run: 90, sha: SHA, repository: 'octo-org/lifted' });
      expect(await deliver(impatient, gate)).toMatchObject({ body: { state: 'waiting' } });
      await seen(async () => server.of(90).length === 2, 'the rejection');
      expect(server.of(90)[1]).toMatchObject({
        state: 'rejected',
        comment: expect.stringMatching(/^Firebreak rejected this deployment after holding it back for 1 hour/),
      });
      await impatient.stop();
      await impatient.start({ GITHUB_WEBHOOK_SECRET: '' });
      expect((await deliver(impatient, github('ping'))).status).toBe(401);
    } finally {
      await impatient.remove();
    }
  });
});

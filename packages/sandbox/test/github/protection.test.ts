import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, sandbox, send, start } from '../support.ts';

const REPOSITORY = 'octo-org/checkout-api';

const push = async (standIns: StandIns): Promise<string> =>
  (await sandbox<{ sha: string }>(standIns, 'POST', '/github/commits', { repository: REPOSITORY, files: { a: 'b' } }))
    .sha;

async function call(standIns: StandIns, method: string, path: string, body?: object, token = 'ghs_test') {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(standIns.urls.github + path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
}

const review = (standIns: StandIns, body: object, run = 1) =>
  call(standIns, 'POST', `/repos/${REPOSITORY}/actions/runs/${run}/deployment_protection_rule`, body);

const run = async (standIns: StandIns): Promise<object> =>
  (await call(standIns, 'GET', `/repos/${REPOSITORY}/actions/runs/1`)).body;

/** Starts a workflow run that waits for the app's deployment protection rule. */
async function waiting(time = clock()): Promise<StandIns> {
  const standIns = await start({ now: time.now });
  await sandbox(standIns, 'PUT', '/github/settings', { protection: true });
  await push(standIns);
  expect(await run(standIns)).toMatchObject({ status: 'waiting', conclusion: null });
  return standIns;
}

describe('a deployment that waits for a protection rule', () => {
  test('continues after an approval, and no longer waits', async () => {
    const time = clock();
    const standIns = await waiting(time);
    const about = { environment_name: 'production' };
    expect(await review(standIns, { ...about, comment: 'not yet' })).toEqual({ status: 204, body: null });
    expect(await run(standIns)).toMatchObject({ status: 'waiting' });
    expect(await review(standIns, { ...about, state: 'approved' })).toEqual({ status: 204, body: null });
    expect(await run(standIns)).toMatchObject({ status: 'in_progress' });
    time.forward(3000);
    expect(await run(standIns)).toMatchObject({ status: 'completed', conclusion: 'success' });
    expect((await review(standIns, { ...about, state: 'approved' })).status).toBe(422);
  });

  test('fails when it is rejected', async () => {
    const standIns = await waiting();
    await review(standIns, { environment_name: 'production', state: 'rejected', comment: 'no' });
    expect(await run(standIns)).toMatchObject({ status: 'completed', conclusion: 'failure' });
  });

  test.each(['approved', 'rejected', 'status-only'])('gets the documented response: %s', async (name) => {
    const standIns = await waiting();
    const { request, response } = exchange(`github/review-protection-rule-${name}`);
    const path = request.path.replace('6789012345', '1');
    expect((await send(standIns.urls.github, { request: { ...request, path }, response })).status).toBe(
      response.status,
    );
  });

  test.each<[string, object, number]>([
    ['neither state nor comment', { environment_name: 'production' }, 422],
    ['no environment', { state: 'approved' }, 422],
    ['another environment', { environment_name: 'staging', state: 'approved' }, 422],
    ['an unknown state', { environment_name: 'production', state: 'maybe' }, 422],
    ['1024 characters', { environment_name: 'production', comment: 'x'.repeat(1024) }, 204],
    ['a comment of 1025 characters', { environment_name: 'production', comment: 'x'.repeat(1025) }, 422],
  ])('%s: %s', async (_, body, status) => expect((await review(await waiting(), body)).status).toBe(status));

  test('accepts ten reports, and a review after them', async () => {
    const standIns = await waiting();
    const report = { environment_name: 'production', comment: 'waiting' };
    for (let n = 1; n <= 10; n += 1) expect((await review(standIns, report)).status).toBe(204);
    expect((await review(standIns, report)).status).toBe(422);
    expect((await review(standIns, { ...report, state: 'approved' })).status).toBe(204);
  });

  test('an unknown run, or one that does not wait, is refused', async () => {
    const standIns = await start();
    await push(standIns);
    const yes = { environment_name: 'production', state: 'approved' };
    expect((await review(standIns, yes)).status).toBe(422);
    expect((await review(standIns, yes, 2)).status).toBe(404);
  });
});

describe('an app', () => {
  const NOW = Date.parse('2026-11-20T06:48:00.000Z') / 1000;

  async function signed(claims: object, alg = 'RS256'): Promise<string> {
    const { privateKey } = await generateKeyPair(alg);
    return new SignJWT({ iss: '1', iat: NOW - 60, exp: NOW + 480, ...claims })
      .setProtectedHeader({ alg })
      .sign(privateKey);
  }

  test('gets a token for its installation, and its webhook deliveries', async () => {
    const standIns = await waiting();
    const token = await signed({});
    const { body: installation } = await call(standIns, 'GET', `/repos/${REPOSITORY}/installation`, undefined, token);
    const path = `/app/installations/${installation.id}/access_tokens`;
    const made = await call(standIns, 'POST', path, {}, token);
    expect(made).toMatchObject({
      status: 201,
      body: { token: expect.stringMatching(/^ghs_/), expires_at: '2026-11-20T07:48:00Z' },
    });
    expect((await call(standIns, 'POST', '/app/installations/1/access_tokens', {}, token)).status).toBe(404);

    const { body: deliveries } = await call(standIns, 'GET', '/app/hook/deliveries', undefined, token);
    expect(deliveries).toMatchObject([{ event: 'deployment_protection_rule', action: 'requested' }]);
    const { body: delivery } = await call(
      standIns,
      'GET',
      `/app/hook/deliveries/${deliveries[0].id}`,
      undefined,
      token,
    );
    expect(delivery.request.payload).toMatchObject({
      environment: 'production',
      deployment_callback_url: `${standIns.urls.github}/repos/${REPOSITORY}/actions/runs/1/deployment_protection_rule`,
      deployment: { environment: 'production', ref: 'main' },
      repository: { full_name: REPOSITORY },
      installation: { id: installation.id },
    });
  });

  test.each<[string, object, string?]>([
    ['has expired', { exp: NOW - 1 }],
    ['is valid for more than ten minutes', { exp: NOW + 601 }],
    ['is issued in the future', { iat: NOW + 120 }],
    ['has no issuer', { iss: undefined }],
    ['is signed with another algorithm', {}, 'ES256'],
  ])('is refused if its token %s', async (_, claims, alg) => {
    const standIns = await waiting();
    const token = await signed(claims, alg);
    expect((await call(standIns, 'GET', '/app/hook/deliveries', undefined, token)).status).toBe(401);
    expect((await call(standIns, 'GET', '/app/hook/deliveries')).status).toBe(401);
  });
});

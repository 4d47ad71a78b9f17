import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SetClock } from '../../../../test/support/fake-deps.ts';
import { nobody, type Reply, vendor } from '../../../../test/vendors/server.ts';
import { githubAccess } from '../../../../vendors/github/access.ts';
import type { WaitingDeployment } from '../../schemas/waiting-deployment.ts';
import { githubProtection } from '../../vendors/github/protection.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (type: 'pkcs1' | 'pkcs8') => keys.privateKey.export({ type, format: 'pem' }).toString();

const clock = () => new SetClock('2026-11-20T12:00:00.000Z');

const token = (name: string, minutes = 60): Reply => ({
  status: 201,
  body: JSON.stringify({ token: name, expires_at: new Date(Date.parse('2026-11-20T12:00:00Z') + minutes * 60_000) }),
});
const fine: Reply = { status: 200, body: '{}' };

/** Creates the access for an app, with an API of the test. */
async function app(replies: [Reply, ...Reply[]], more: Record<string, string> = {}, time = clock()) {
  const { url, received } = await vendor(...replies);
  const secrets: Record<string, string> = {
    GITHUB_API_URL: url,
    GITHUB_APP_ID: '4711',
    GITHUB_APP_PRIVATE_KEY: pem('pkcs1'),
    ...more,
  };
  const access = githubAccess({ secrets: { get: async (name) => secrets[name] || undefined }, clock: time });
  return { access, received, url, secrets };
}

describe('the review of a protection rule', () => {
  const gate = { repository: 'acme/checkout', run: 7, environment: 'prod', installation_id: 1 } as WaitingDeployment;
  const review = async (reply: Reply) => {
    // A token that GitHub refuses is replaced once. After 404, the repository is read, and the review is sent again.
    const status = typeof reply === 'object' && 'status' in reply ? reply.status : undefined;
    const again = { 401: [token('ghs_new'), reply], 404: [fine, reply] }[status ?? 0] ?? [];
    const { access } = await app([token('ghs_app'), reply, ...again, fine]);
    return githubProtection(access).review(gate, { state: 'approved', comment: 'fine' });
  };

  test('is sent in the documented format and truncated to the limit', async () => {
    const { access, received } = await app([token('ghs_app'), { status: 204 }]);
    const gates = githubProtection(access);
    expect(await gates.review(gate, { state: null, comment: 'ä'.repeat(2000) })).toEqual({ kind: 'done' });
    const sent = received.at(-1);
    expect(sent?.path).toBe('/repos/acme/checkout/actions/runs/7/deployment_protection_rule');
    const { comment, ...rest } = JSON.parse(sent?.body ?? '{}');
    expect(rest).toEqual({ environment_name: 'prod' });
    expect(Array.from(comment)).toHaveLength(1024);
  });

  test.each<[Reply, string]>([
    [{ status: 204 }, 'done'],
    [{ status: 404 }, 'over'],
    [{ status: 409 }, 'over'],
    [{ status: 422 }, 'over'],
    [{ status: 401 }, 'refused'],
    [{ status: 403 }, 'refused'],
    [{ status: 403, headers: { 'retry-after': '60' } }, 'later'],
    [{ status: 429 }, 'later'],
    [{ status: 500 }, 'unclear'],
    [{ cut: 200 }, 'unclear'],
  ])('%j: %s', async (reply, kind) => expect(await review(reply)).toMatchObject({ kind }));

  test.each([404, 401, 403, 410, 422])('is not over if GitHub answers %s to the call for a token', async (status) => {
    const { access } = await app([{ status }]);
    const response = await githubProtection(access).review(gate, { state: 'approved', comment: 'fine' });
    expect(response).toMatchObject({ kind: 'refused', detail: expect.stringContaining('GitHub issued no token') });
  });

  test('is not over if the repository cannot be read either', async () => {
    const { access, received } = await app([token('ghs_app'), { status: 404 }]);
    const response = await githubProtection(access).review(gate, { state: 'approved', comment: 'fine' });
    expect(response).toMatchObject({ kind: 'refused', detail: expect.stringContaining('acme/checkout') });
    expect(received.at(-1)).toMatchObject({ method: 'GET', path: '/repos/acme/checkout' });
  });

  test.each([429, 503])('is sent later if GitHub answers %s to the read of the repository', async (status) => {
    const { access } = await app([token('ghs_app'), { status: 404 }, { status }]);
    const response = await githubProtection(access).review(gate, { state: 'approved', comment: 'fine' });
    expect(response).toMatchObject({ kind: 'later', detail: expect.stringContaining(String(status)) });
  });

  test('is sent with the new installation after the app was installed again', async () => {
    const { access, received } = await app([{ status: 404 }, { body: '{"id": 2}' }, token('ghs_new'), { status: 204 }]);
    expect(await githubProtection(access).review(gate, { state: 'approved', comment: 'fine' })).toEqual({
      kind: 'done',
    });
    expect(received.map(({ path }) => path)).toEqual([
      '/app/installations/1/access_tokens',
      '/repos/acme/checkout/installation',
      '/app/installations/2/access_tokens',
      '/repos/acme/checkout/actions/runs/7/deployment_protection_rule',
    ]);
    expect(received.at(-1)?.headers.authorization).toBe('Bearer ghs_new');
  });

  test('is unclear if nothing listens at the address', async () => {
    const { access, secrets } = await app([token('ghs_app')]);
    await githubProtection(access).review(gate, { state: null, comment: '' }); // gets a token
    secrets['GITHUB_API_URL'] = await nobody();
    expect(await githubProtection(access).review(gate, { state: 'approved', comment: '' })).toMatchObject({
      kind: 'unclear',
    });
  });
});

describe('a failed delivery', () => {
  const delivery = (id: number, guid: string, status_code: number, more: object = {}) => ({
    id,
    guid,
    delivered_at: '2026-11-20T11:00:00Z',
    event: 'deployment_protection_rule',
    action: 'requested',
    status_code,
    ...more,
  });

  test('is fetched once, unless a redelivery succeeded or it is another event', async () => {
    const listed = [
      delivery(6, 'again', 202),
      delivery(5, 'lost', 502),
      delivery(4, 'again', 502),
      delivery(3, 'known', 401),
      delivery(2, 'ping', 500, { event: 'ping', action: null }),
      delivery(1, 'lost', 500),
    ];
    const { access, received } = await app([
      { body: JSON.stringify(listed) },
      { body: JSON.stringify({ request: { payload: { action: 'requested' } } }) },
    ]);
    expect(await githubProtection(access).undelivered(new Set(['known']))).toEqual([
      { id: 'lost', at: '2026-11-20T11:00:00.000Z', payload: { action: 'requested' } },
    ]);
    expect(received.map(({ path }) => path)).toEqual(['/app/hook/deliveries?per_page=100', '/app/hook/deliveries/5']);
    expect(received[0]?.headers.authorization).toMatch(/^Bearer ey/);
  });

  test('is not found without an app or without a response', async () => {
    const without = await app([fine], { GITHUB_APP_ID: '', GITHUB_TOKEN: 'ghp_own' });
    expect(await githubProtection(without.access).undelivered(new Set())).toEqual([]);
    expect(without.received).toEqual([]);
    const { access } = await app([{ status: 500 }]);
    expect(await githubProtection(access).undelivered(new Set())).toEqual([]);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { githubAccess } from '../../../vendors/github/access.ts';
import { attempt, request } from '../../../vendors/github/rest.ts';
import * as z from 'zod';
import { SetClock } from '../../support/fake-deps.ts';
import { type Reply, vendor } from '../server.ts';

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

type Access = Awaited<ReturnType<typeof app>>['access'];

/** Makes one call and returns its result. */
const call = async (options: ReturnType<Access['forRepository']>) =>
  request(await options, { method: 'GET', path: '/zen', schema: z.unknown(), timeoutMs: 60_000 });

describe('the token of an app', () => {
  test.each([
    ['as GitHub gives it', pem('pkcs1')],
    ['PKCS#8', pem('pkcs8')],
    ['on one line', pem('pkcs1').replaceAll('\n', '\\n')],
  ])('is requested with a key %s, by a JWT that is valid for less than ten minutes', async (_, key) => {
    const time = clock();
    const { access, received } = await app([token('ghs_one'), fine], { GITHUB_APP_PRIVATE_KEY: key }, time);
    expect(await call(access.asApp('acme/checkout', 375706))).toMatchObject({ kind: 'done' });
    const [made, used] = received;
    expect(made).toMatchObject({ method: 'POST', path: '/app/installations/375706/access_tokens' });
    expect(used?.headers.authorization).toBe('Bearer ghs_one');
    const own = made?.headers.authorization?.replace('Bearer ', '') ?? '';
    const { payload } = await jwtVerify(own, keys.publicKey, {
      algorithms: ['RS256'],
      issuer: '4711',
      currentDate: new Date(time.millis),
    });
    const [iat = 0, exp = 0] = [payload.iat, payload.exp];
    expect(iat).toBeLessThan(time.millis / 1000);
    expect(exp - time.millis / 1000).toBeLessThanOrEqual(600);
  });

  test('is cached until shortly before it expires, and shared by concurrent callers', async () => {
    const time = clock();
    const { access, received } = await app([token('ghs_one'), fine, fine, token('ghs_two', 115), fine], {}, time);
    const use = async () => call(access.asApp('acme/checkout', 1));
    await Promise.all([use(), use()]);
    expect(received).toHaveLength(3);
    time.set(time.millis + 56 * 60_000);
    expect(await use()).toMatchObject({ kind: 'done' });
    expect(received.at(-1)?.headers.authorization).toBe('Bearer ghs_two');
  });

  test.each(['request', 'attempt'] as const)('is replaced once if GitHub refuses it: %s', async (kind) => {
    const refused: Reply = { status: 401, body: '{"message": "Bad credentials"}' };
    const { access, received } = await app([token('ghs_one'), fine, refused, token('ghs_two'), fine, refused, refused]);
    const use = () =>
      kind === 'request'
        ? call(access.asApp('acme/checkout', 1))
        : access
            .asApp('acme/checkout', 1)
            .then((options) => attempt(options, 'acme/checkout', (calls) => calls.create('/issues', {}, z.unknown())));
    await use();
    await use();
    expect(received.map(({ headers }) => headers.authorization).filter((text) => text?.includes('ghs_'))).toEqual(
      ['one', 'one', 'two'].map((name) => `Bearer ghs_${name}`),
    );
    expect(received).toHaveLength(5);
  });

  test('is replaced for the call that used it, also while another call uses another one', async () => {
    const { url } = await vendor({ status: 401 }, { status: 401 }, fine);
    const refused: (string | undefined)[] = [];
    const names = ['one', 'two', 'three', 'four'];
    const source = async (before?: string) => {
      refused.push(before);
      return names.shift();
    };
    await attempt({ apiUrl: url, token: source, clock: clock() }, 'acme/checkout', ({ get }) =>
      Promise.all(['/a', '/b'].map((path) => get(path, z.unknown()))),
    );
    expect(refused.map(String).toSorted()).toEqual(['one', 'two', 'undefined', 'undefined']);
  });

  test('is not repeated if it is not of an app', async () => {
    const { access, received } = await app([{ status: 401, body: '{}' }], { GITHUB_TOKEN: 'ghp_one' });
    expect(await call(access.forRepository('acme/checkout'))).toMatchObject({ kind: 'refused', code: 'unauthorized' });
    expect(received).toHaveLength(1);
  });

  test('of a repository is that of its installation', async () => {
    const replies: [Reply, ...Reply[]] = [{ body: '{"id": 99}' }, token('ghs_one'), fine, fine];
    const { access, received } = await app(replies);
    await call(access.forRepository('acme/checkout'));
    await call(access.forRepository('acme/checkout'));
    expect(received.map(({ path }) => path)).toEqual([
      '/repos/acme/checkout/installation',
      '/app/installations/99/access_tokens',
      '/zen',
      '/zen',
    ]);
  });

  test.each<[string, Reply, object]>([
    ['has another key', { status: 401 }, { kind: 'refused', code: 'no_token', detail: /^GitHub issued no token/ }],
    ['is not answered', { status: 502 }, { kind: 'later' }],
    ['is answered with something else', { status: 201, body: '<html>' }, { kind: 'later' }],
  ])('is not available if the app %s; nothing else is called', async (_, reply, told) => {
    const { access, received } = await app([reply]);
    const { detail, ...rest } = told as { detail?: RegExp };
    const answer = await call(access.asApp('acme/checkout', 1));
    expect(answer).toMatchObject({ ...rest, ...(detail && { detail: expect.stringMatching(detail) }) });
    expect(received).toHaveLength(1);
  });

  test('is not available if the app is installed nowhere, which is not the answer to the call', async () => {
    const { access, received } = await app([{ status: 404 }]);
    expect(await call(access.asApp('acme/checkout', 1))).toMatchObject({
      kind: 'refused',
      code: 'no_token',
      detail: expect.stringContaining('the app is installed'),
    });
    expect(received.map(({ path }) => path)).toEqual([
      '/app/installations/1/access_tokens',
      '/repos/acme/checkout/installation',
    ]);
  });

  test('of a repository follows the app to its new installation', async () => {
    const time = clock();
    const old: [Reply, ...Reply[]] = [{ body: '{"id": 99}' }, token('ghs_old', 10), fine];
    const { access, received } = await app(
      [...old, { status: 404 }, { body: '{"id": 100}' }, token('ghs_new'), fine, fine],
      {},
      time,
    );
    await call(access.forRepository('acme/checkout'));
    time.set(time.millis + 10 * 60_000);
    expect(await call(access.forRepository('acme/checkout'))).toMatchObject({ kind: 'done' });
    await call(access.forRepository('acme/checkout'));
    expect(received.slice(3).map(({ path }) => path)).toEqual([
      '/app/installations/99/access_tokens',
      '/repos/acme/checkout/installation',
      '/app/installations/100/access_tokens',
      '/zen',
      '/zen',
    ]);
  });

  test('that is missing is not taken for a missing name', async () => {
    const { access } = await app([{ status: 404 }]);
    const found = await attempt(await access.forRepository('acme/checkout'), 'acme/checkout', ({ find }) =>
      find('/commits/main', z.unknown()),
    );
    expect(found).toMatchObject({ kind: 'refused', detail: expect.stringContaining('GitHub issued no token') });
  });

  test('is not available with an invalid key, which is not revealed', async () => {
    const secret = '-----BEGIN RSA PRIVATE KEY-----\nsecret\n-----END RSA PRIVATE KEY-----';
    const { access, received } = await app([fine], { GITHUB_APP_PRIVATE_KEY: secret });
    const response = await call(access.asApp('acme/checkout', 1));
    expect(response).toMatchObject({ kind: 'refused', code: 'bad_key' });
    expect(JSON.stringify(response)).not.toContain('secret');
    expect(received).toEqual([]);
  });
});

describe('the credential', () => {
  test('GITHUB_TOKEN takes precedence over the app, except for calls that only an app can make', async () => {
    const { access, received } = await app([fine, token('ghs_app'), fine], { GITHUB_TOKEN: 'ghp_own' });
    await call(access.forRepository('acme/checkout'));
    await call(access.asApp('acme/checkout', 1));
    expect(received.map(({ headers }) => headers.authorization).filter((each) => !/ ey/.test(each ?? ''))).toEqual([
      'Bearer ghp_own',
      'Bearer ghs_app',
    ]);
  });

  test('GITHUB_TOKEN is used without a complete app; a named token is used exclusively', async () => {
    const { access, received, secrets } = await app([fine], { GITHUB_APP_ID: '', GITHUB_TOKEN: 'ghp_own' });
    await call(access.asApp('acme/checkout', 1));
    expect(received[0]?.headers.authorization).toBe('Bearer ghp_own');
    expect(await call(access.forRepository('acme/checkout', 'OTHER'))).toMatchObject({ kind: 'off' });
    secrets['GITHUB_TOKEN'] = '';
    expect(await call(access.forRepository('acme/checkout'))).toMatchObject({ kind: 'off' });
    expect(received).toHaveLength(1);
  });
});

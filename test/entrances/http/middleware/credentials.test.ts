import { beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../../../core/stores/hash.ts';
import { api } from '../../../../entrances/http/app.ts';
import { networkOf, WAITING_MAX, WRONG_CREDENTIALS } from '../../../../entrances/http/middleware/credentials.ts';
import { tokenRecord } from '../../../support/console-world.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const RECORD = tokenRecord('ci', ['*']);

let world: FakeWorld;
let looked: string[];
let atOnce: number;
let most: number;
let slow: Promise<void> | undefined;
let server: ReturnType<typeof api>;

beforeEach(() => {
  world = new FakeWorld();
  [looked, atOnce, most, slow] = [[], 0, 0, undefined];
  server = api({
    ...world.deps,
    secrets: { get: async (name) => ({ FIREBREAK_ADMIN_TOKEN: 'admin' })[name] },
    tokens: Object.assign(Object.create(null), {
      find: async (hash: string) => {
        looked.push(hash);
        atOnce += 1;
        most = Math.max(most, atOnce);
        await slow;
        atOnce -= 1;
        return hash === sha256('ci') ? RECORD : undefined;
      },
    }),
  });
});

const ask = async (token: string, { from = '192.0.2.1', path = '/v1/automation', method = 'GET' } = {}) => {
  const env = { requestContext: { http: { sourceIp: from } } };
  const { status, headers } = await server.request(
    path,
    { method, headers: { authorization: `Bearer ${token}` } },
    env,
  );
  return { status, after: headers.get('retry-after') };
};

/** Sends as many wrong credentials as the limit allows. */
async function wrong(from?: string): Promise<void> {
  for (let n = 0; n < WRONG_CREDENTIALS.burst; n += 1)
    expect(await ask(`wrong-${n}`, { ...(from !== undefined && { from }) })).toEqual({ status: 401, after: null });
}

describe('too many wrong credentials from an address', () => {
  test('get Retry-After; other addresses are not affected', async () => {
    await wrong();
    expect(await ask('one-more')).toEqual({ status: 429, after: '3' });
    expect(await ask('one-more', { from: '192.0.2.2' })).toEqual({ status: 401, after: null });
    expect(await ask('one-more', { path: '/readyz' })).toMatchObject({ status: 200 });
    world.clock.set(world.clock.millis + 61_000);
    await wrong();
    expect(await ask('one-more')).toMatchObject({ status: 429 });
  });

  test('do not lock out a valid credential, known or new', async () => {
    await wrong();
    await ask('one-more');
    expect(await ask('ci')).toMatchObject({ status: 200 });
    expect(await ask('admin')).toMatchObject({ status: 200 });
    expect(await ask('ci')).toMatchObject({ status: 200 });
  });

  test('are not looked up again; other credentials of the address are looked up one at a time', async () => {
    await wrong();
    looked.length = 0;
    for (let n = 0; n < 5; n += 1) expect((await ask('one-more')).status).toBe(429);
    expect(looked).toEqual([sha256('one-more')]);
    let release = () => {};
    slow = new Promise((resolve) => {
      release = resolve;
    });
    most = 0;
    const many = Promise.all(Array.from({ length: WAITING_MAX + 10 }, async (_, n) => ask(`guess-${n}`)));
    await new Promise(setImmediate);
    release();
    const statuses = (await many).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(WAITING_MAX);
    expect(statuses.filter((status) => status === 503)).toHaveLength(10);
    expect(most).toBe(1);
  });

  test('do not delay a known valid credential, however many wait', async () => {
    expect((await ask('ci')).status).toBe(200);
    await wrong();
    const never = new Promise<void>(() => undefined);
    slow = never;
    const stuck = Array.from({ length: WAITING_MAX }, (_, n) => ask(`guess-${n}`));
    await new Promise(setImmediate);
    slow = undefined;
    expect((await ask('ci')).status).toBe(200);
    expect(stuck).toHaveLength(WAITING_MAX);
  });

  test('get 401 at the alert receivers', async () => {
    await wrong();
    const post = { path: '/v1/alerts/alertmanager', method: 'POST' };
    expect((await ask('one-more', post)).status).toBe(401);
    expect((await ask('another', { ...post, path: '/api/v1/rollback' })).status).toBe(401);
  });
});

test('one repeated wrong credential does not limit the address', async () => {
  for (let n = 0; n < WRONG_CREDENTIALS.burst * 5; n += 1) expect((await ask('an old one')).status).toBe(401);
  expect((await ask('another')).status).toBe(401);
});

test('the limit for an IPv6 address applies to its /64 network', async () => {
  await wrong('2001:db8::1');
  expect((await ask('one-more', { from: '2001:db8:0:0:ffff::2' })).status).toBe(429);
  expect((await ask('one-more', { from: '2001:db8:0:1::2' })).status).toBe(401);
});

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

import { expect, test, vi } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import { DEFAULT_ALLOWANCE } from '../../../../entrances/http/middleware/rate-limit.ts';
import { alert, group } from '../../../support/alerts.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';

const app = (world = new FakeWorld()) =>
  api({
    ...world.deps,
    secrets: { get: async (name) => ({ FIREBREAK_ADMIN_TOKEN: 'admin', FIREBREAK_INGEST_TOKEN: 'ingest' })[name] },
    queue: { sendAll: async () => undefined },
    quarantine: Object.assign(Object.create(null), { keep: async () => 'q1' }),
  });

const as = (token: string) => ({ authorization: `Bearer ${token}`, 'content-type': 'application/json' });

test('a credential that exceeds the limit gets Retry-After; others are not affected', async () => {
  const server = app();
  const ask = (token: string) => server.request('/v1/automation', { headers: as(token) });
  for (let n = 0; n < DEFAULT_ALLOWANCE.burst; n += 1) await ask('admin');
  const refused = await ask('admin');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  expect(await refused.json()).toMatchObject({ status: 429, code: 'too-many-requests' });
  expect((await ask('ingest')).status).toBe(403);
});

test('what a caller makes up does not get around the limit', async () => {
  const server = app();
  const ask = (headers: Record<string, string>, query = '') =>
    server.request(`/nothing${query}`, { headers }, { requestContext: { http: { sourceIp: '192.0.2.1' } } });
  const basic = (user: string, token: string) => `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
  const unknown = [
    (n: number) => ask({ cookie: `a=${n}` }),
    (n: number) => ask({ cookie: `firebreak-8080=${n}` }),
    (n: number) => ask({ authorization: `Bearer ${n}` }),
    (n: number) => ask({ authorization: basic('user', `${n}`) }),
    (n: number) => ask({}, `?key=${n}`),
  ];
  for (let n = 0; n < DEFAULT_ALLOWANCE.burst; n += unknown.length) for (const one of unknown) await one(n);
  for (const one of unknown) expect((await one(9000)).status).toBe(429);

  const known = [
    (n: number) => ask({ authorization: basic(`user ${n}`, 'admin') }),
    (n: number) => ask({ authorization: `Bearer ${' '.repeat(n % 7)}admin` }),
    (n: number) => ask({ authorization: 'Bearer admin', cookie: `a=${n}` }),
    (n: number) => ask({ authorization: 'Bearer admin' }, `?key=${n}`),
  ];
  const statuses = new Set<number>();
  for (let n = 0; n < DEFAULT_ALLOWANCE.burst; n += known.length)
    for (const one of known) statuses.add((await one(n)).status);
  expect([...statuses]).toEqual([404]);
  for (const one of known) expect((await one(9001)).status).toBe(429);
  expect((await ask({ authorization: 'Bearer ingest' })).status).toBe(404);
});

test('the alert receivers never respond with 429', async () => {
  const server = app();
  const body = JSON.stringify(group([alert()]));
  const statuses = new Set<number>();
  for (let n = 0; n < DEFAULT_ALLOWANCE.burst + 50; n += 1) {
    statuses.add(
      (await server.request('/v1/alerts/alertmanager', { method: 'POST', headers: as('ingest'), body })).status,
    );
  }
  expect([...statuses]).toEqual([202]);
});

test('a sender of alerts above its limit gets 503 and Retry-After; others are not affected, and it is no outage', async () => {
  const world = new FakeWorld();
  const server = app(world);
  const outage = vi.spyOn(world.deps.intake, 'refused');
  const count = vi.spyOn(world.deps.counters, 'add');
  const send = (token: string, body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
    server.request('/v1/alerts/alertmanager', {
      method: 'POST',
      headers: { ...as(token), 'content-type': type },
      body,
    });
  const one = JSON.stringify(group([alert()]));
  const large = new Uint8Array(4 * 2 ** 20);
  const statuses = [];
  for (let bytes = 0; bytes < 128 * 2 ** 20; bytes += large.length)
    statuses.push((await send('ingest', large, 'text/plain')).status);
  expect(new Set(statuses)).toEqual(new Set([415]));
  const refused = await send('ingest', one);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await refused.json()).toMatchObject({ code: 'too-many-requests', detail: expect.stringContaining('ingest') });
  expect(count).toHaveBeenLastCalledWith([
    expect.objectContaining({ labels: ['/v1/alerts/alertmanager', 'too-many-requests', 'ingest'] }),
  ]);
  expect(outage).not.toHaveBeenCalled();
  expect((await send('admin', one)).status).toBe(202);
  const other = { method: 'POST', headers: as('ingest'), body: JSON.stringify({ alerts: [] }) };
  expect((await server.request('/v1/alerts/grafana', other)).status).not.toBe(503);
  world.clock.set(world.clock.millis + 1000);
  expect((await send('ingest', one)).status).toBe(202);
});

test('large bodies of one sender do not hold up a small one of another, nor each other', async () => {
  const server = app();
  const order: string[] = [];
  const send = async (name: string, token: string, alerts: number) => {
    const body = JSON.stringify(group(Array.from({ length: alerts }, (_, n) => alert({ labels: { n: `${n}` } }))));
    const answer = await server.request('/v1/alerts/alertmanager', { method: 'POST', headers: as(token), body });
    expect(await answer.json()).toMatchObject({ accepted: alerts });
    order.push(name);
  };
  await Promise.all([
    send('large', 'admin', 2000),
    send('large', 'admin', 2000),
    send('small of the same', 'admin', 1),
    send('small', 'ingest', 1),
  ]);
  expect(order.slice(0, 2).toSorted()).toEqual(['small', 'small of the same']);
});

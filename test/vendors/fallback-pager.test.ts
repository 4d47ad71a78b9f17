import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PageRequest, Pager } from '../../core/domain/ports/paging.ts';
import { webhookPager } from '../../vendors/webhook/fallback-pager.ts';
import { signedHeaders } from '../../vendors/webhook/standard-webhooks.ts';
import { Config } from '../../schemas/config/config.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { SetClock } from '../support/fake-deps.ts';
import { impatient } from './time-limits.ts';
import { nobody, vendor } from './server.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

function pagerAt(url: string | undefined, secret: string | undefined = 'a plain secret'): Pager {
  const paging = url === undefined ? {} : { fallback: { url, signature: 'PAGE_SIGNING' } };
  const config = Config.parse({ version: 'test', services: {}, paging });
  return webhookPager({
    config: { current: async () => config, problems: async () => [] },
    secrets: { get: async (name) => (name === 'PAGE_SIGNING' ? secret : undefined) },
    clock: new SetClock(NOON),
  });
}

const request: PageRequest = {
  key: '01TEST.page.1.second',
  action: 'trigger',
  summary: 'checkout production: errors',
  service: 'checkout',
  environment: 'production',
  severity: 'critical',
  incident: '01TEST',
  at: NOON,
  links: [],
};

test('the fallback pager sends a signed webhook with the page', async () => {
  const { url, received } = await vendor({ status: 204 });
  expect(await pagerAt(`${url}/oncall`).send(request)).toEqual({
    kind: 'taken',
    detail: 'the fallback answered 204',
  });
  const [sent] = received;
  expect(sent).toMatchObject({
    method: 'POST',
    path: '/oncall',
    headers: { 'content-type': 'application/json', 'webhook-id': request.key },
  });
  const { key, at, ...about } = request;
  expect(JSON.parse(sent?.body ?? '')).toEqual({
    type: 'page.trigger',
    timestamp: at,
    data: { dedup_key: key, ...about },
  });
  const signed = `${key}.${Date.parse(NOON) / 1000}.${sent?.body ?? ''}`;
  expect(sent?.headers['webhook-signature']).toBe(
    `v1,${createHmac('sha256', 'a plain secret').update(signed).digest('base64')}`,
  );
});

describe('a response with', () => {
  test.each([
    [200, 'taken'],
    [202, 'taken'],
    [302, 'refused'],
    [400, 'refused'],
    [404, 'refused'],
    [429, 'later'],
    [500, 'later'],
    [503, 'later'],
  ])('status %i is %s', async (status, kind) => {
    const { url, received } = await vendor({ status, headers: { location: 'http://127.0.0.1:9/' } });
    expect(await pagerAt(url).send(request)).toMatchObject({ kind });
    expect(received).toHaveLength(1);
  });

  test('no body in time is "later"', async () => {
    const limits = impatient();
    const { url } = await vendor('hang');
    expect(await pagerAt(url).send(request)).toMatchObject({ kind: 'later' });
    expect(limits).toEqual([10_000]);
  });

  test('no listener at the address is "later"', async () => {
    expect(await pagerAt(await nobody()).send(request)).toMatchObject({ kind: 'later' });
  });
});

test('without a configuration it is off', async () => {
  expect(await pagerAt(undefined).send(request)).toMatchObject({ kind: 'off' });
});

test('without its secret it refuses to send an unsigned page', async () => {
  const { url, received } = await vendor({ status: 200 });
  expect(await pagerAt(url, '').send(request)).toEqual({
    kind: 'refused',
    detail: 'the secret PAGE_SIGNING is not set',
  });
  expect(received).toEqual([]);
});

test('the signature equals the example of the specification', () => {
  const headers = signedHeaders(
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1614265330_000,
    '{"test": 2432232314}',
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

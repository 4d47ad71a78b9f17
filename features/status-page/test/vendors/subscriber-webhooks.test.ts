import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isPublicAddress, NotPublic, publicPost } from '../../vendors/public-post.ts';
import { signedHeaders } from '../../../../vendors/webhook/standard-webhooks.ts';
import { subscriberWebhooks } from '../../vendors/subscriber-webhooks.ts';
import { leaksIn, PLANTED } from '../../../../test/support/credentials.ts';
import { SetClock } from '../../../../test/support/fake-deps.ts';

test.each([
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'ff02::1',
  'localhost',
  '',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['8.8.8.8', '172.15.0.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450:4001::200e'])(
  '%s is public',
  (address) => {
    expect(isPublicAddress(address)).toBe(true);
  },
);

type Received = { headers: IncomingHttpHeaders; body: string };

let server: Server;
let received: Received[];
let answer: { status: number; headers?: Record<string, string> };
let port: number;

beforeEach(async () => {
  [received, answer] = [[], { status: 200 }];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      response.writeHead(answer.status, answer.headers).end('a body that nobody sees');
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => new Promise<void>((closed) => server.close(() => closed())));

const SENDING = { body: '{}', headers: {}, timeoutMs: 60_000 };

describe('a request to an address that anybody entered', () => {
  test.each(['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0'])(
    'is not sent to %s, which leads to this machine',
    async (host) => {
      await expect(publicPost(`http://${host}:${port}/`, SENDING)).rejects.toThrow(NotPublic);
      expect(received).toEqual([]);
    },
  );

  test('is sent where the address of its name is allowed, and a redirect is not followed', async () => {
    answer = { status: 302, headers: { location: `http://127.0.0.1:${port}/other` } };
    const sent = await publicPost(`http://localhost:${port}/`, {
      ...SENDING,
      isAllowed: (address) => address === '127.0.0.1' || address === '::1',
    });
    expect(sent.status).toBe(302);
    expect(received).toHaveLength(1);
  });

  test('is not sent if only one of several addresses is allowed', async () => {
    await expect(publicPost(`http://localhost:${port}/`, { ...SENDING, isAllowed: () => false })).rejects.toThrow(
      'localhost has an address that is not public',
    );
  });
});

describe('webhooks of subscribers', () => {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const webhooks = subscriberWebhooks({
    clock,
    post: (url, options) => publicPost(url, { ...options, isAllowed: () => true }),
  });
  const message = {
    subject: '[Acme *Status*] Investigating: <!channel>',
    parts: [
      'We are <b>looking</b> into it & more.',
      { words: 'Manage:', title: 'Manage subscription', url: 'https://firebreak.acme.example/manage' },
    ],
    data: { type: 'incident.investigating', timestamp: '2026-11-20T12:00:00.000Z', data: { id: 'one' } },
  };
  const send = (channel: 'slack' | 'teams' | 'webhook', url = `http://127.0.0.1:${port}/hook`) =>
    webhooks.send({ channel, url, message, secret: 'whsec_c2VjcmV0', key: 'update-1' });

  test('get signed JSON, with the same ID for each attempt', async () => {
    expect(await send('webhook')).toEqual({ kind: 'done', value: null });
    const [one] = received;
    expect(JSON.parse(one?.body ?? '')).toEqual(message.data);
    expect(one?.headers).toMatchObject(
      signedHeaders('whsec_c2VjcmV0', 'update-1', clock.millis, JSON.stringify(message.data)),
    );
  });

  test('of Slack get text without mentions, and of neither vendor a signature', async () => {
    await send('slack');
    await send('teams');
    const [slack, teams] = received;
    expect(slack?.body).not.toContain('<!channel>');
    expect(JSON.parse(slack?.body ?? '').blocks[0].text).toMatchObject({
      verbatim: true,
      text: expect.stringContaining('<https://firebreak.acme.example/manage|Manage subscription>'),
    });
    expect(JSON.parse(teams?.body ?? '').attachments[0].content).toMatchObject({
      actions: [{ type: 'Action.OpenUrl', title: 'Manage subscription', url: 'https://firebreak.acme.example/manage' }],
    });
    for (const one of received) expect(one.headers['webhook-signature']).toBeUndefined();
  });

  test.each([
    [204, 'done'],
    [302, 'refused'],
    [404, 'refused'],
    [410, 'refused'],
    [429, 'later'],
    [503, 'later'],
  ])('that answer %i are %s', async (status, kind) => {
    answer = { status };
    expect(await send('webhook')).toMatchObject({ kind });
  });

  test('have no credentials, and whole links', async () => {
    const link = `https://firebreak.example.com/console/approve/01JD3Q6Z8W3Y5N7R9T1V3X5Z7B-1.1795157401.${'aZ_-'.repeat(10)}abc`;
    for (const { text: planted } of Object.values(PLANTED)) {
      const parts = [planted, { words: planted, title: 'Open', url: link }];
      await webhooks.send({
        channel: 'slack',
        url: `http://127.0.0.1:${port}/hook`,
        message: { ...message, parts },
        secret: 'x',
        key: 'k',
      });
    }
    expect(received).toHaveLength(Object.keys(PLANTED).length);
    for (const { body } of received) {
      expect([body, leaksIn(body)]).toEqual([body, []]);
      expect(body).toContain(link);
    }
  });

  test('that are not public are refused, and those that do not answer are tried again', async () => {
    const guarded = subscriberWebhooks({ clock });
    const to = { channel: 'webhook', message, secret: 'x', key: 'k' } as const;
    expect(await guarded.send({ ...to, url: `https://localhost:${port}/` })).toMatchObject({ kind: 'refused' });
    expect(await guarded.send({ ...to, url: 'https://firebreak.invalid/' })).toMatchObject({ kind: 'later' });
    expect(received).toEqual([]);
  });
});

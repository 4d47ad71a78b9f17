import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { callbackify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { createLog } from '../../functions/assembly/log.ts';
import type { ChatMessage } from '../../core/domain/messages/chat-message.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import { smtpMail } from '../../vendors/mail/mail.ts';
import { pagerDuty } from '../../vendors/pagerduty/pager.ts';
import { vendorClient } from '../../vendors/shared/client.ts';
import { bodyOf } from '../../vendors/slack/blocks.ts';
import { slackClient } from '../../vendors/slack/client.ts';
import { callSlackOnce } from '../../vendors/slack/minimal-client.ts';
import { respondByUrl } from '../../vendors/slack/response-url.ts';
import { callEndpoint } from '../../vendors/webhook/endpoint.ts';
import { webhookPager } from '../../vendors/webhook/fallback-pager.ts';
import { postWebhook } from '../../vendors/webhook/post.ts';
import { timestamp } from '../../schemas/time/time.ts';
import { json } from '../../entrances/slack/requests/http.ts';
import { ALL_PLANTED, leaksIn, PLANTED } from '../support/credentials.ts';
import { SMTPServer, type SMTPServerSession } from 'smtp-server';

/*
 * Each way out of the process, with texts that contain credentials of each kind. What is sent must contain none of
 * them, and Firebreak's own credentials must still work.
 */

const AT = timestamp(Date.parse('2026-11-20T12:00:00Z'));
const clock = { now: () => AT };
const SECRET = `whsec_${Buffer.from('a signing secret of Firebreak').toString('base64')}`;
const secrets = { get: async (name: string) => (name === 'OWN' ? SECRET : undefined) };
const LINK = `https://firebreak.example.com/console/approve/01JD3Q6Z8W3Y5N7R9T1V3X5Z7B-1.1795157401.${'aZ_-'.repeat(10)}abc`;

let url: string;
let server: Server;
let mail: SMTPServer;
let mailPort: number;
let sent: { headers: Record<string, unknown>; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    void text(request).then((body) => {
      sent.push({ headers: request.headers, body });
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"ok":true,"status":"success","dedup_key":"k"}');
    });
  }).listen(0, '127.0.0.1');
  mail = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onData: callbackify(async (stream: Readable, _session: SMTPServerSession) => {
      sent.push({ headers: {}, body: await text(stream) });
    }),
  });
  mail.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(mail.server, 'listening')]);
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  mailPort = (mail.server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
  mail.close();
});
beforeEach(() => {
  sent = [];
});

const message = (planted: string): ChatMessage => ({
  summary: planted,
  parts: [{ kind: 'text', text: [planted, { bold: planted }, { code: planted }, { link: LINK, text: 'Approve' }] }],
});

const page = (planted: string): PageRequest => ({
  key: '01JD3Q6Z8W3Y5N7R9T1V3X5Z7B.page.1',
  action: 'trigger',
  summary: planted,
  service: 'checkout',
  environment: 'production',
  severity: 'critical',
  incident: '01JD3Q6Z8W3Y5N7R9T1V3X5Z7B',
  at: AT,
  links: [{ href: LINK, text: 'Approve' }],
});

const WAYS: Readonly<Record<string, (planted: string) => Promise<unknown>>> = {
  'a message of Slack': (planted) =>
    slackClient({ apiUrl: `${url}/`, token: 'xoxb-own-token-of-1', clock })(
      'chat.postMessage',
      { channel: 'C1', ...bodyOf(message(planted)) },
      z.unknown(),
    ),
  'a topic of Slack': (planted) =>
    slackClient({ apiUrl: `${url}/`, token: 'xoxb-own-token-of-1', clock })(
      'conversations.setTopic',
      { channel: 'C1', topic: `${planted} ${LINK}` },
      z.unknown(),
    ),
  'a dialog of Slack': (planted) =>
    callSlackOnce({ apiUrl: `${url}/`, token: 'xoxb-own-token-of-1', timeoutMs: 60_000 }, 'views.open', {
      trigger_id: '1.2',
      view: { title: planted, link: LINK },
    }),
  'a response to an interaction of Slack': (planted) => respondByUrl(`${url}/r`, message(planted), false),
  'an answer to Slack': async (planted) => sent.push({ headers: {}, body: json({ text: planted, link: LINK }).body }),
  'a page': (planted) =>
    pagerDuty({ eventsUrl: url, routingKey: async () => '0123456789abcdef'.repeat(2), clock }).send(page(planted)),
  'a page by webhook': (planted) =>
    webhookPager({
      config: { current: async () => ({ paging: { fallback: { url, signature: 'OWN' } } }) } as never,
      secrets,
      clock,
    }).send(page(planted)),
  'a webhook of a team': (planted) =>
    postWebhook({ receiver: 'the team', url, signature: 'OWN', timeoutMs: 60_000, secrets, clock }, 'id', {
      labels: { note: planted, db_password: planted },
      text: planted,
      link: LINK,
    }),
  'a call to a CD system': (planted) =>
    callEndpoint(
      { name: 'the deployer', auth: { webhookSignature: 'OWN' }, secrets, clock },
      { url, method: 'POST', id: 'key', timeoutMs: 60_000, body: { reason: planted, link: LINK } },
    ),
  'a call to the API of a vendor': (planted) =>
    vendorClient({
      vendor: 'the vendor',
      clock,
      access: async () => ({ url, headers: { authorization: `Bearer ${SECRET}` } }),
      timeoutMs: 60_000,
    })({ method: 'POST', path: '/issues', body: { title: planted, body: `${planted}\n${LINK}` }, schema: z.unknown() }),
  'an email': (planted) =>
    smtpMail({ url: async () => `smtp://127.0.0.1:${mailPort}`, from: async () => 'Firebreak <f@example.com>' }).send({
      to: 'ada@example.com',
      subject: planted,
      text: `${planted}\n${LINK}`,
      key: 'an email',
    }),
  'the log': async (planted) => {
    createLog(clock, { level: 'info', format: 'json' }, (body) => void sent.push({ headers: {}, body }), {
      link: LINK,
    }).info(planted, {
      error: planted,
      labels: { db_password: planted },
      source: 'token:shop-1',
    });
  },
};

/** Undoes the encodings of emails and forms. */
const decoded = (body: string): string =>
  body
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)));

test.each(Object.entries(WAYS))('%s has none, and whole links', async (_, send) => {
  for (const { text: planted } of Object.values(PLANTED)) await send(`Fails with ${planted} since noon`);
  await send(ALL_PLANTED);
  expect(sent).toHaveLength(Object.keys(PLANTED).length + 1);
  for (const { body } of sent) {
    expect([body, leaksIn(body), leaksIn(decoded(body))]).toEqual([body, [], []]);
    expect(decoded(body)).toContain(LINK);
  }
  expect(decoded(sent.at(-1)?.body ?? '')).toContain('REDACTED');
});

// Programs read the log as JSON.
const SHOWN = Object.entries(WAYS).filter(([way]) => way !== 'the log');

test.each(SHOWN)('%s has no character that changes the order of the text around it', async (_, send) => {
  await send('v1 \u202etxt.exe\u202c and \u2066this\u2069, but \u200fشكرا');
  for (const { body } of sent) {
    const shown = Buffer.from(decoded(body), /=[0-9A-F]{2}/.test(body) ? 'latin1' : 'utf8').toString();
    expect(shown).toMatch(/v1 .*txt\.exe.* and .*this/);
    expect(shown).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
  }
});

test("Firebreak's own credentials are sent", async () => {
  await WAYS['a message of Slack']?.('It fails');
  await WAYS['a call to the API of a vendor']?.('It fails');
  await WAYS['a page']?.('It fails');
  expect(sent.map(({ headers }) => headers['authorization'])).toEqual([
    'Bearer xoxb-own-token-of-1',
    `Bearer ${SECRET}`,
    expect.anything(),
  ]);
  expect(sent[2]?.body).toContain('0123456789abcdef'.repeat(2));
});

test('what sets the state of a system is sent exactly', async () => {
  const client = vendorClient({
    vendor: 'Kubernetes',
    sendsExactBodies: true,
    clock,
    access: async () => ({ url }),
    timeoutMs: 60_000,
  });
  const body = { spec: { args: ['--password hunter2-of-the-app'] } };
  await client({ method: 'PATCH', path: '/deployments', body, schema: z.unknown() });
  expect(JSON.parse(sent[0]?.body ?? '')).toEqual(body);
});

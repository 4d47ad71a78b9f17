import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { api } from '../../../../entrances/http/app.ts';
import { slackApp } from '../../../../entrances/slack/app.ts';
import { FakeWorld } from '../../../support/fake-deps.ts';
import { CHANGE_SENDERS } from '../../../../vendors/change-senders.ts';
import { World } from '../../slack/support.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { WebhookSignature } from '../../../../vendors/shared/webhook-signature.ts';

/** The secrets and signature headers of systems that report changes. */
const SIGNED = CHANGE_SENDERS.flatMap(({ signature }) => signature ?? []);

const HEX = '0'.repeat(64);

/** Returns a signature of the sender's form, with any digits. */
const formed = ({ hasForm }: WebhookSignature): string =>
  [HEX, HEX + HEX, `sha256=${HEX}`].find((signature) =>
    hasForm(() => signature, '', '2026-11-20T12:00:00.000Z' as Timestamp),
  ) ?? expect.unreachable();

const SECRETS: Record<string, string> = {
  FIREBREAK_ADMIN_TOKEN: 'admin',
  FIREBREAK_INGEST_TOKEN: 'ingest',
  GITHUB_WEBHOOK_SECRET: 'github-secret',
  GITLAB_WEBHOOK_SECRET: 'gitlab-secret',
  JIRA_WEBHOOK_SECRET: 'jira-secret',
  PAGERDUTY_WEBHOOK_SECRET: 'pagerduty-secret',
  GRAFANA_WEBHOOK_SECRET: 'grafana-secret',
  ...Object.fromEntries(SIGNED.map(({ secret }) => [secret, 'any-secret'])),
};

const server = (secrets: Record<string, string> = {}) =>
  api({
    ...new FakeWorld().deps,
    secrets: { get: async (name) => secrets[name] ?? SECRETS[name] },
    queue: { sendAll: async () => undefined },
    tokens: Object.assign(Object.create(null), { find: async () => undefined }),
    idempotency: {
      begin: async () => ({ kind: 'mine', first: { at: new FakeWorld().clock.now(), nonce: '' } }),
      end: async () => undefined,
    },
  });

const CHUNK = new Uint8Array(64 * 1024).fill(0x20);

/** An endless body, which counts how much was read. */
function endless(): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let bytes = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        bytes += CHUNK.byteLength;
        if (bytes > 64 * 1024 * 1024) controller.error(new Error('no one stopped reading'));
        else controller.enqueue(CHUNK);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, taken: () => bytes };
}

const shared = server();

async function send(path: string, method: string, headers: Record<string, string>) {
  const { stream, taken } = endless();
  const answer = await shared.request(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: stream,
    duplex: 'half',
  });
  return { status: answer.status, code: ((await answer.json()) as { code?: string }).code, taken: taken() };
}

/** Every route that can have a body, with valid IDs. */
async function routes(): Promise<[method: string, path: string][]> {
  const { paths } = (await (await shared.request('/openapi.json')).json()) as { paths: Record<string, object> };
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== 'get' && !path.startsWith('/integrations/slack/'))
      .map((method): [string, string] => [
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, path.includes('/deployments') ? `chg_${'0'.repeat(26)}` : '0'.repeat(26)),
      ]),
  );
}

describe('the API reads', () => {
  test('nothing of a body on any route from an unknown sender', async () => {
    const all = await routes();
    expect(all.length).toBeGreaterThan(30);
    const unknown = [
      {},
      { authorization: 'Bearer nobody' },
      { 'idempotency-key': 'one', authorization: 'Bearer nobody' },
      { 'content-length': '100', authorization: 'Basic bm9ib2R5OnNlY3JldA==' },
      { 'x-grafana-alerting-signature': '00', 'x-grafana-alerting-timestamp': '1' }, // a timestamp that is too old
    ];
    for (const [method, path] of all)
      for (const headers of unknown)
        expect([method, path, await send(path, method, headers)]).toEqual([
          method,
          path,
          { status: 401, code: 'unauthorized', taken: 0 },
        ]);
  });

  test.each<[string, Record<string, string>]>([
    ['/integrations/github/webhook', { 'x-hub-signature-256': 'sha256=00' }],
    ['/integrations/jira/webhook', { 'x-hub-signature': HEX }],
    ['/integrations/pagerduty/webhook', { 'x-pagerduty-signature': 'v1=00' }],
    ['/integrations/gitlab/webhook', { 'x-gitlab-token': 'wrong' }],
    ['/v1/alerts/grafana', { ...grafana(), 'x-grafana-alerting-signature': '00' }],
    ...CHANGE_SENDERS.flatMap(({ path, signature }): [string, Record<string, string>][] =>
      signature === undefined ? [] : [[path, { [signature.headers]: '00' }]],
    ),
  ])('nothing of a body with a malformed signature: %s', async (path, headers) => {
    expect(await send(path, 'POST', headers)).toEqual({ status: 401, code: 'unauthorized', taken: 0 });
  });

  test('no more than a budget of all bodies whose sender is not known yet', async () => {
    const app = server();
    const MIB = 1024 * 1024;
    const senders: ReadableStreamDefaultController<Uint8Array>[] = [];
    const post = async (headers: Record<string, string>, path = '/integrations/github/webhook') => {
      const body = new ReadableStream<Uint8Array>({ start: (controller) => void senders.push(controller) });
      return app.request(path, { method: 'POST', headers, body, duplex: 'half' });
    };
    const signed = { 'x-hub-signature-256': `sha256=${HEX}` };
    // Each sends 4 MiB, and then nothing for as long as it likes.
    const answers = Array.from({ length: 12 }, () => post(signed));
    for (const sender of senders) for (let n = 0; n < 4; n += 1) sender.enqueue(new Uint8Array(MIB));
    const refused = await Promise.race(answers);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    const known = post({ authorization: 'Bearer admin', 'content-type': 'application/json' }, '/v1/incidents');
    senders.at(-1)?.enqueue(Buffer.from('{}'));
    senders.at(-1)?.close();
    expect((await known).status).toBe(422);
    for (const sender of senders.slice(0, 12)) {
      try {
        sender.close();
      } catch {
        // It was refused, so its body was cancelled.
      }
    }
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(8);
    expect(statuses.filter((status) => status === 503)).toHaveLength(4);
    const later = post(signed);
    senders.at(-1)?.enqueue(new Uint8Array(MIB));
    senders.at(-1)?.close();
    expect((await later).status).toBe(401);
  });

  test('nothing of a body on any route from a sender without permission', async () => {
    for (const [method, path] of await routes()) {
      if (path.startsWith('/v1/alerts/')) continue; // the ingest token has this permission
      const { status, taken } = await send(path, method, { authorization: 'Bearer ingest' });
      expect([method, path, [401, 403].includes(status), taken]).toEqual([method, path, true, 0]);
    }
  });

  test('nothing of a body whose declared length exceeds the limit', async () => {
    const large = { 'content-length': String(26 * 1024 * 1024), authorization: 'Bearer admin' };
    for (const [method, path] of await routes()) {
      const signed = {
        ...Object.fromEntries(SIGNED.map((signature) => [signature.headers.toLowerCase(), formed(signature)])),
        'x-hub-signature-256': `sha256=${HEX}`,
        'x-hub-signature': `sha256=${HEX}`,
        'x-pagerduty-signature': `v1=${HEX}`,
        'x-gitlab-token': SECRETS['GITLAB_WEBHOOK_SECRET'] ?? '',
      };
      const query = path === '/v1/pipelines/tests' ? '?service=checkout&commit=abc' : '';
      const { status, taken } = await send(`${path}${query}`, method, {
        ...large,
        ...signed,
        'idempotency-key': 'one',
      });
      expect([method, path, status, taken]).toEqual([method, path, 413, 0]);
    }
  });

  test.each([
    ['alerts', '/v1/alerts/alertmanager', { authorization: 'Bearer admin' }, 4 * 1024],
    ['signed alerts', '/v1/alerts/grafana', grafana(), 4 * 1024],
    ['webhooks of GitHub', '/integrations/github/webhook', { 'x-hub-signature-256': `sha256=${HEX}` }, 6 * 1024],
    ['webhooks of GitLab', '/integrations/gitlab/webhook', { 'x-gitlab-token': 'gitlab-secret' }, 6 * 1024],
    ['webhooks of Jira', '/integrations/jira/webhook', { 'x-hub-signature': `sha256=${'0'.repeat(64)}` }, 6 * 1024],
    ['webhooks of PagerDuty', '/integrations/pagerduty/webhook', { 'x-pagerduty-signature': `v1=${HEX}` }, 1024],
    ['any other request', '/v1/incidents', { authorization: 'Bearer admin' }, 256],
    [
      'a request with an idempotency key',
      '/v1/incidents',
      { authorization: 'Bearer admin', 'idempotency-key': 'one' },
      256,
    ],
  ])('at most the limit of a chunked body: %s', async (_, path, headers, limitKib) => {
    const { status, code, taken } = await send(path, 'POST', headers);
    expect([status, code]).toEqual([413, 'body-too-large']);
    expect(taken).toBeLessThanOrEqual(limitKib * 1024 + CHUNK.byteLength);
  });

  function grafana(): Record<string, string> {
    const timestamp = String(Math.floor(Date.parse(new FakeWorld().deps.clock.now()) / 1000));
    return { 'x-grafana-alerting-signature': HEX, 'x-grafana-alerting-timestamp': timestamp };
  }

  test('a small body completely and once for all readers', async () => {
    const body = JSON.stringify({ service: 'checkout', titel: 'Ünrest' });
    const answer = await server().request('/v1/incidents', {
      method: 'POST',
      headers: { authorization: 'Bearer admin', 'content-type': 'application/json', 'idempotency-key': 'one' },
      body: new Blob([body]).stream(),
      duplex: 'half',
    });
    expect([answer.status, await answer.json()]).toMatchObject([422, { detail: expect.stringContaining('titel') }]);
  });

  test('a truncated body without a server error', async () => {
    const cut = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) });
    const answer = await server().request('/v1/alerts/alertmanager', {
      method: 'POST',
      headers: { authorization: 'Bearer admin', 'content-type': 'application/json' },
      body: cut,
      duplex: 'half',
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'body-cut-off' }]);
  });
});

test.each(['whsec_', 'whsec_==', 'whsec_AAAA', ' '])('nobody can sign with the secret %j', async (secret) => {
  const [id, body] = ['msg_1', JSON.stringify({ object_kind: 'push' })];
  const timestamp = String(Math.floor(Date.parse(new FakeWorld().deps.clock.now()) / 1000));
  const keys = ['', secret, Buffer.from(secret.slice('whsec_'.length), 'base64')];
  for (const key of keys) {
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const answer = await server({ GITLAB_WEBHOOK_SECRET: secret }).request('/integrations/gitlab/webhook', {
      method: 'POST',
      headers: {
        'x-gitlab-token': secret,
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${signature}`,
      },
      body,
    });
    expect(answer.status).toBe(401);
  }
});

describe('the Slack receiver reads', () => {
  const world = new World();
  const now = String(Math.floor(Date.parse(world.deps.clock.now()) / 1000));
  const signature = { 'x-slack-signature': `v0=${'0'.repeat(64)}`, 'x-slack-request-timestamp': now };

  test.each<[string, Record<string, string>, number]>([
    ['nothing without a signature', {}, 401],
    ['nothing with an old signature', { ...signature, 'x-slack-request-timestamp': '1700000000' }, 401],
    ['nothing if the declared length exceeds the limit', { ...signature, 'content-length': '2000000' }, 413],
  ])('%s', async (_, headers, status) => {
    const body = () => expect.unreachable();
    const incoming = { method: 'POST', path: '/integrations/slack/events', headers, body };
    expect((await slackApp(world.deps)(incoming)).status).toBe(status);
  });

  test('at most 1 MiB of a chunked body', async () => {
    const requested: number[] = [];
    const body = async (maxBytes: number) => void requested.push(maxBytes);
    const incoming = { method: 'POST', path: '/integrations/slack/events', headers: signature, body };
    expect((await slackApp(world.deps)(incoming as never)).status).toBe(413);
    expect(requested).toEqual([1024 * 1024]);
  });
});

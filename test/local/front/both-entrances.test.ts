import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'node:http';
import type { LambdaContext, LambdaEvent } from 'hono/aws-lambda';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../../functions/assembly/deps.ts';
import { createLog } from '../../../functions/assembly/log.ts';
import { slackDeps } from '../../../functions/assembly/slack-deps.ts';
import { lambdaHandler } from '../../../entrances/http/lambda.ts';
import { serveFront } from '../../../local/front/front.ts';
import { platformOptions } from '../../../local/platform-options.ts';
import { appsOf } from '../../../local/programs.ts';
import { SqlitePlatform } from '../../../platforms/sqlite/platform.ts';
import { timestamp } from '../../../schemas/time/time.ts';
import { slackApp } from '../../../entrances/slack/app.ts';
import { requestOf, resultOf } from '../../../entrances/slack/requests/http.ts';

/**
 * Sends every recorded request through both entrances: over HTTP to the server of one machine, and as the event that API
 * Gateway passes to the Lambda function, with its body as text and as base64. Each entrance has a product of its own.
 */

const FIXTURES = join(import.meta.dirname, '../../fixtures');

type Recorded = { method?: string; path: string; headers: Record<string, string>; body: string; receivedAt?: string };

const recorded = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.request.json'))
  .toSorted()
  .map((file) => [file, JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')) as Recorded] as const);

const SECRETS: Readonly<Record<string, string>> = {
  FIREBREAK_ADMIN_TOKEN: 'an-admin-token-for-both-entrances',
  FIREBREAK_INGEST_TOKEN: 'an-ingest-token-for-both-entrances',
  FIREBREAK_AUDIT_KEY: 'an-audit-key-for-both-entrances',
  FLUX_WEBHOOK_SECRET: 'flux-webhook-secret',
  GITHUB_WEBHOOK_SECRET: 'dev-github-webhook-secret',
  GRAFANA_WEBHOOK_SECRET: 'grafana-hmac-secret-dev-1',
  JIRA_WEBHOOK_SECRET: 'jira-webhook-secret',
  LAUNCHDARKLY_WEBHOOK_SECRET: 'launchdarkly-webhook-secret',
  PAGERDUTY_WEBHOOK_SECRET: 'pd-webhook-secret-dev-1',
  SLACK_SIGNING_SECRET: 'dev0slack0signing0secret00000001',
  TERRAFORM_WEBHOOK_SECRET: 'terraform-webhook-secret',
};

/** The receivers of requests that were recorded at other paths. */
const RECEIVERS: Readonly<Record<string, string>> = {
  '/webhooks/alertmanager': '/v1/alerts/alertmanager',
  '/webhooks/grafana': '/v1/alerts/grafana',
  '/webhooks/github': '/integrations/github/webhook',
  '/webhooks/pagerduty': '/integrations/pagerduty/webhook',
  '/slack/commands': '/integrations/slack/commands',
  '/slack/events': '/integrations/slack/events',
  '/slack/interactivity': '/integrations/slack/interactivity',
};

/** When the request arrives: signatures are valid for minutes. */
let moment = Date.parse('2026-11-22T16:00:00Z');
const clock = { now: () => timestamp(moment) };

type Answer = { status: number; headers: Record<string, string>; body: string };
type Sent = { method: string; path: string; headers: Record<string, string>; body: Buffer };
type Apps = ReturnType<typeof appsOf>;
type Handler = ReturnType<typeof lambdaHandler>;
type Product = { apps: Apps; slack: Handler };

const closers: (() => Promise<unknown>)[] = [];
let overHttp: (sent: Sent) => Promise<Answer>;
let asText: (sent: Sent) => Promise<Answer>;
let asBase64: (sent: Sent) => Promise<Answer>;

/** Puts a product together on an empty folder, as the start of one machine does, with nothing that runs in the background. */
async function product(): Promise<Product> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'firebreak-entrances-'));
  closers.unshift(() => rm(dataFolder, { recursive: true }));
  const log = createLog(clock, { level: 'silent', format: 'json' });
  const folders = { dataDir: dataFolder, snapshotDir: join(dataFolder, 'status') };
  const platform = await SqlitePlatform.open(
    platformOptions({ ...folders, timeScale: 1 }, log, (name) => SECRETS[name]),
  );
  closers.unshift(() => platform.close());
  const settings = { stage: 'test', timeScale: 1, standIns: [], publicUrl: 'https://firebreak.example.net' };
  const slack = slackApp(slackDeps({ platform, clock, log }));
  return {
    apps: appsOf(assemble({ platform, settings, clock, log }), { platform, clock, log }),
    slack: (async (event: Parameters<typeof requestOf>[0]) =>
      resultOf(await slack(requestOf(event)))) as unknown as Handler,
  };
}

/** Returns the event that API Gateway's HTTP API passes to a function. */
function eventOf({ method, path, headers, body }: Sent, isBase64Encoded: boolean): LambdaEvent {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: decodeURIComponent(rawPath),
    rawQueryString,
    headers,
    requestContext: {
      domainName: headers['host'] ?? '',
      http: { method, path: decodeURIComponent(rawPath), protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: '' },
      stage: '$default',
      requestId: 'request',
    },
    isBase64Encoded,
    ...(body.length > 0 && { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
  } as unknown as LambdaEvent;
}

/** Invokes the handlers of the functions, as `functions/` puts them together. */
function viaEvents({ apps: { app, appsByPrefix }, slack }: Product, isBase64Encoded: boolean) {
  const handlerOf = (one: Apps['app']): Handler => lambdaHandler(() => one);
  const http = handlerOf(app);
  const byPrefix = Object.entries(appsByPrefix).map(([prefix, one]) => [prefix, handlerOf(one)] as const);
  const context = { getRemainingTimeInMillis: () => 20_000 } as unknown as LambdaContext;
  return async (sent: Sent): Promise<Answer> => {
    const other = byPrefix.find(([prefix]) => sent.path.startsWith(prefix))?.[1];
    const handler = sent.path.startsWith('/integrations/slack/') ? slack : (other ?? http);
    const { statusCode: status, headers = {}, body, ...more } = await handler(eventOf(sent, isBase64Encoded), context);
    return {
      status,
      headers: headers as Record<string, string>,
      body: Buffer.from(body, more.isBase64Encoded ? 'base64' : 'utf8').toString(),
    };
  };
}

/** Sends a request with exactly these headers. */
const viaHttp =
  (url: string) =>
  ({ method, path, headers, body }: Sent): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      const outgoing = request({ hostname, port, method, path, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers as Record<string, string>,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });

beforeAll(async () => {
  asText = viaEvents(await product(), false);
  asBase64 = viaEvents(await product(), true);
  const front = await serveFront({
    host: '127.0.0.1',
    port: 0,
    maxConnections: 100,
    trustedProxies: [],
    ...(await product()).apps,
    sandbox: undefined,
    adminToken: 'none',
    metrics: () => '',
    machine: () => expect.unreachable('no request asks for the machine'),
  });
  closers.unshift(() => front.close());
  overHttp = viaHttp(front.url);
});
afterAll(async () => {
  for (const close of closers) await close();
});

const RANDOM =
  /[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=_)[0-9a-f]{26}\b|(?<=page-key=")[0-9a-f]+/g;

/** What a client sees, without the random part of IDs. */
const seen = ({ status, headers, body }: Answer) => ({
  status,
  type: headers['content-type'],
  retryAfter: headers['retry-after'],
  body: body.replaceAll(RANDOM, 'ID'),
});

/** Sends a request through all entrances, and returns the answer that they share. */
async function sameAnswer(sent: Sent): Promise<ReturnType<typeof seen>> {
  const http = seen(await overHttp(sent));
  expect({ text: seen(await asText(sent)), base64: seen(await asBase64(sent)) }).toEqual({ text: http, base64: http });
  return http;
}

/** The recorded request, as a client sends it. Its length is that of the body as it is stored. */
function sentOf({ method = 'POST', path, headers, body }: Recorded, more: Record<string, string> = {}): Sent {
  const bytes = Buffer.from(body);
  const kept = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const left = ['content-length', 'connection', 'accept-encoding', 'transfer-encoding', 'expect'];
  const [receiver = '', query] = path.split('?');
  return {
    method,
    path: [RECEIVERS[receiver] ?? receiver, ...(query === undefined ? [] : [query])].join('?'),
    headers: {
      ...Object.fromEntries(kept.filter(([name]) => !left.includes(name))),
      host: 'firebreak.example.net',
      'content-length': String(bytes.length),
      ...more,
    },
    body: bytes,
  };
}

describe('recorded requests have the same answer through both entrances', () => {
  const accepted: string[] = [];

  test.each(recorded)('%s', async (name, one) => {
    moment = Date.parse(one.receivedAt ?? '2026-11-22T16:00:00Z');
    const asItWasSent = await sameAnswer(sentOf(one));
    const withToken = () => sameAnswer(sentOf(one, { authorization: `Bearer ${SECRETS['FIREBREAK_ADMIN_TOKEN']}` }));
    if (asItWasSent.status < 300 || (await withToken()).status < 300) accepted.push(name);
  });

  test('most of them are accepted', () => {
    expect(accepted.length).toBeGreaterThan(recorded.length * 0.7);
  });
});

describe('bodies', () => {
  const alerts = (bytes: number): Sent =>
    sentOf(
      {
        path: '/v1/alerts/generic',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ service: 'big', severity: 'info', title: 'A'.repeat(bytes), status: 'firing' }),
      },
      { authorization: `Bearer ${SECRETS['FIREBREAK_INGEST_TOKEN']}` },
    );

  test.each([
    ['a megabyte', 1_000_000],
    ['more than a request to Lambda may have', 6 * 1024 * 1024],
  ])('%s has the same answer', async (_, bytes) => {
    expect((await sameAnswer(alerts(bytes))).status).toBeGreaterThanOrEqual(400);
  });

  test.each(['{', '', '\u0000', '{"service":"\ud83d\ude00"}', '[]', 'null'])('%j has the same answer', async (body) => {
    await sameAnswer(
      sentOf(
        { path: '/v1/alerts/alertmanager', headers: { 'content-type': 'application/json' }, body },
        { authorization: `Bearer ${SECRETS['FIREBREAK_INGEST_TOKEN']}` },
      ),
    );
  });

  test.each(['/healthz', '/readyz', '/v1/incidents', '/v1/services/a%2Fb', '/v1/nothing?x=%F0', '/status', '/console'])(
    'GET %s has the same answer',
    async (path) => {
      const authorization = `Bearer ${SECRETS['FIREBREAK_ADMIN_TOKEN']}`;
      await sameAnswer(sentOf({ method: 'GET', path, headers: { accept: '*/*' }, body: '' }, { authorization }));
    },
  );
});

describe('messages of coding agents have the same answer through both entrances', () => {
  const sent = (message: object, more: Record<string, string> = {}): Sent => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, ...message });
    return sentOf(
      { path: '/mcp', headers, body },
      { authorization: `Bearer ${SECRETS['FIREBREAK_ADMIN_TOKEN']}`, ...more },
    );
  };
  const client = { clientInfo: { name: 'test', version: '1' } };
  const check = { name: 'freeze_check', arguments: { service: 'checkout', environment: 'production' } };

  test.each([
    [
      'an initialization',
      { method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, ...client } },
    ],
    ['the tools', { method: 'tools/list' }],
    ['a call', { method: 'tools/call', params: check }],
  ])('%s', async (_, message) => {
    const { status, type, body } = await sameAnswer(sent(message));
    expect([status, type]).toEqual([200, 'application/json']);
    expect(JSON.parse(body)).toMatchObject({ id: 1, result: expect.any(Object) });
  });

  test('a page of another site', async () => {
    expect((await sameAnswer(sent({ method: 'ping' }, { origin: 'https://evil.example' }))).status).toBe(403);
    expect((await sameAnswer(sent({ method: 'ping' }, { origin: 'http://localhost:6274' }))).status).toBe(403);
    expect((await sameAnswer(sent({ method: 'ping' }, { origin: 'https://firebreak.example.net' }))).status).toBe(200);
  });
});

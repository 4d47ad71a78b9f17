import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { LambdaEvent } from 'hono/aws-lambda';
import { declaredBytes, type Streamed } from '../functions/request-body.ts';
import type { Machine } from '../schemas/machine.ts';
import { Connections, RECEIVING } from './connections.ts';
import { processMetrics } from './process-metrics.ts';
import { senderAddress } from './sender-address.ts';
import { BODY_MAX_BYTES, bodyStream, drained, waits } from './request-stream.ts';

type LambdaAnswer = {
  statusCode: number;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
};

/** Takes what Lambda gives it, except for the body, which it reads when it has looked at the rest. */
type Handler = (event: LambdaEvent & Streamed) => Promise<LambdaAnswer>;

const KEPT_MS = 75_000;

const HEALTH = /^\/(healthz|readyz)$/;

/** Serves the deployed Lambda handler over HTTP: each request becomes the event that Lambda would get, and back. */
export async function serveFront(options: {
  host: string;
  port: number;
  maxConnections: number;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  handler: Handler;
  /** By the beginning of their paths, other deployed handlers. */
  others: Readonly<Record<string, Handler>>;
  sandbox: Hono | undefined;
  /** Refuses what may not be done in the sandbox as things are. Undefined: it may. */
  guard: (request: Request) => Response | undefined;
  adminToken: string;
  /** Series of this machine, besides those of the process. */
  metrics: () => string;
  /** Added to the answer of `GET /v1/connections`: no deployed function knows it. */
  machine: () => Promise<Machine>;
}): Promise<{ url: string; close(): Promise<void> }> {
  const ofProcess = processMetrics();
  const addressOf = senderAddress(options.trustedProxies);
  const server = createAdaptorServer({
    fetch: async (request, bindings) => {
      const path = rawPathOf(new URL(request.url).pathname);
      const { incoming, outgoing } = bindings as HttpBindings;
      const near = fromThisMachine(incoming, request);
      if (near && options.sandbox && (path === '/sandbox' || path.startsWith('/sandbox/')))
        return options.guard(request) ?? options.sandbox.fetch(request);
      // Prometheus on this machine needs no token for our metrics.
      const authorization =
        near && path === '/metrics' && !request.headers.has('authorization')
          ? `Bearer ${options.adminToken}`
          : undefined;
      if (!HEALTH.test(path) && connections.refuses()) {
        const detail = 'as many requests as there may be are in progress; try again';
        return send(refused(503, 'unavailable', detail, { 'retry-after': '5' }), incoming, outgoing);
      }
      const declared = declaredBytes(incoming.headers['content-length']);
      if (declared !== undefined && declared > BODY_MAX_BYTES) {
        const detail = `${declared} bytes; at most ${BODY_MAX_BYTES}`;
        return send(refused(413, 'body-too-large', detail), incoming, outgoing);
      }
      const other = Object.entries(options.others).find(([beginning]) => path.startsWith(beginning));
      const handler = other?.[1] ?? options.handler;
      const isSent = (declared ?? 0) > 0 || incoming.headers['transfer-encoding'] !== undefined;
      const hasBody = isSent && !/^(GET|HEAD)$/.test(request.method);
      const stream = hasBody ? bodyStream(incoming, outgoing) : undefined;
      const answer = await handler(Object.assign(toEvent(request, authorization, addressOf(incoming)), { stream }));
      if (path === '/v1/connections') return send(await withMachine(answer, options.machine), incoming, outgoing);
      const more = () => ofProcess() + connections.metrics() + options.metrics();
      return send(path === '/metrics' ? withMore(answer, more) : answer, incoming, outgoing);
    },
    overrideGlobalObjects: false,
    // What is left of a body is looked after here.
    autoCleanupIncoming: false,
    serverOptions: RECEIVING,
  }) as Server;
  const connections = new Connections(server, options.maxConnections);
  // Whether a body is sent at all is told when it is read: the credentials are looked at first.
  server.on('checkContinue', (incoming, outgoing) => {
    waits.add(incoming);
    server.emit('request', incoming, outgoing);
  });
  // Longer than clients keep a connection that they do not use: who closes first must not be a race with a request.
  server.keepAliveTimeout = KEPT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new Error(`port ${options.port} is taken; set PORT to a free one`) : error),
    );
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
  };
}

/** Set by reverse proxies and content delivery networks: with any of them the request was sent from somewhere else. */
const FORWARDED =
  /^(forwarded|via|x-forwarded(-.+)?|x-original-.+|x-real-ip|(x-)?(true-)?client-ip|x-cluster-client-ip|x-envoy-.+|cf-.+|cdn-loop|fastly-.+|fly-.+|x-azure-.+|x-appengine-.+)$/i;

/**
 * From a loopback address, by a loopback name, and not forwarded: a web page that resolves its own name to this machine is
 * not local, nor is whoever comes through a reverse proxy. A proxy that leaves no trace in the headers often speaks
 * HTTP/1.0 (nginx by default), which nothing that runs here does.
 */
function fromThisMachine(incoming: HttpBindings['incoming'], request: Request): boolean {
  const remote = incoming.socket.remoteAddress ?? '';
  const { hostname } = new URL(request.url);
  return (
    incoming.httpVersion !== '1.0' &&
    ![...request.headers.keys()].some((name) => FORWARDED.test(name)) &&
    /^(::1|(::ffff:)?127\.)/.test(remote) &&
    /^(localhost|\[::1\]|127(\.\d+){3})$/.test(hostname) &&
    request.headers.get('sec-fetch-site') !== 'cross-site'
  );
}

/** A refusal of this server itself, before the product has seen the request. */
function refused(status: number, code: string, detail: string, headers: Record<string, string> = {}): LambdaAnswer {
  const request_id = randomUUID();
  const type = `urn:firebreak:problem:${code}`;
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/problem+json',
      'x-request-id': request_id,
      connection: 'close',
      ...headers,
    },
    body: JSON.stringify({ type, title: code.replaceAll('-', ' '), status, code, detail, request_id }),
    isBase64Encoded: false,
  };
}

/**
 * The path of a request as an HTTP API of API Gateway hands it over: decoded once, unlike by a REST API or a function
 * URL, so that `%2F` becomes a separator; and cut at a decoded `?`.
 */
export function rawPathOf(path: string): string {
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    return path; // no percent-encoding of UTF-8
  }
}

function toEvent(request: Request, authorization: string | undefined, sourceIp: string): LambdaEvent {
  const url = new URL(request.url);
  const path = rawPathOf(url.pathname);
  const headers = Object.fromEntries(request.headers);
  const event = {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: url.search.slice(1),
    headers: authorization === undefined ? headers : { ...headers, authorization },
    requestContext: {
      http: {
        method: request.method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      domainName: url.host,
      stage: '$default',
      requestId: '',
    },
    isBase64Encoded: false,
  };
  return event as unknown as LambdaEvent;
}

/** What is true of this process alone is no part of what any instance could tell. */
const withMore = (answer: LambdaAnswer, more: () => string): LambdaAnswer =>
  answer.statusCode === 200 && !answer.isBase64Encoded ? { ...answer, body: answer.body + more() } : answer;

async function withMachine(answer: LambdaAnswer, machine: () => Promise<Machine>): Promise<LambdaAnswer> {
  if (answer.statusCode !== 200 || answer.isBase64Encoded) return answer;
  return { ...answer, body: JSON.stringify({ ...(JSON.parse(answer.body) as object), machine: await machine() }) };
}

/** Written as it is: to make a `Response` of it, and to read that again, takes as long as many an answer. */
async function send(answer: LambdaAnswer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
  const { statusCode, headers = {}, cookies = [], isBase64Encoded } = answer;
  const body = Buffer.from(answer.body, isBase64Encoded ? 'base64' : 'utf8');
  outgoing.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  if (incoming.complete) outgoing.end(body);
  else await sendEarly(body, incoming, outgoing);
  return RESPONSE_ALREADY_SENT;
}

/** The answer to a request of which not all has come, and nobody wants the rest. */
async function sendEarly(body: Buffer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.setHeader('connection', 'close');
  outgoing.setHeader('content-length', body.byteLength);
  if (waits.has(incoming)) return void outgoing.end(body);
  outgoing.write(body);
  await drained(incoming);
  outgoing.end();
}

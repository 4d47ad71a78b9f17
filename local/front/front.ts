import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { LambdaEvent } from 'hono/aws-lambda';
import { declaredBytes, type WithBodyStream } from '../../http/middleware/request-body.ts';
import type { Machine } from '../../schemas/config/machine.ts';
import { Connections, RECEIVE_TIMEOUTS } from './connections.ts';
import { processMetrics } from '../process-metrics.ts';
import { senderAddress } from './sender-address.ts';
import { BODY_MAX_BYTES, bodyStream, drain, awaitsContinue } from './request-stream.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';

type LambdaResponse = {
  statusCode: number;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
};

/** A Lambda handler whose body is a stream, which it reads after it has checked the rest of the request. */
type Handler = (event: LambdaEvent & WithBodyStream) => Promise<LambdaResponse>;

/** Longer than clients keep idle connections, so that the server does not close one while a request is on its way. */
const KEEP_ALIVE_MS = 75_000;

const HEALTH = /^\/(healthz|readyz)$/;

/**
 * Serves the deployed Lambda handler over HTTP: converts each request to the event that Lambda would receive, and the
 * result back.
 */
export async function serveFront(options: {
  host: string;
  port: number;
  maxConnections: number;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is trusted. */
  trustedProxies: readonly string[];
  handler: Handler;
  /** Other deployed handlers, by path prefix. */
  handlersByPrefix: Readonly<Record<string, Handler>>;
  sandbox: Hono | undefined;
  /** Refuses actions in the sandbox that are not allowed now. Undefined: allowed. */
  guard: (request: Request) => Response | undefined;
  adminToken: string;
  /** Metrics of this machine, in addition to those of the process. */
  metrics: () => string;
  /**
   * State of this machine and process for `firebreak doctor`, added to the response of `GET /v1/connections`. Functions on AWS
   * have none.
   */
  machine: () => Promise<Machine>;
}): Promise<{ url: string; close(): Promise<void> }> {
  const readProcessMetrics = processMetrics();
  const addressOf = senderAddress(options.trustedProxies);
  const server = createAdaptorServer({
    fetch: async (request, bindings) => {
      const path = rawPathOf(new URL(request.url).pathname);
      const { incoming, outgoing } = bindings as HttpBindings;
      const isLocal = isFromThisMachine(incoming, request);
      if (isLocal && options.sandbox && (path === '/sandbox' || path.startsWith('/sandbox/')))
        return options.guard(request) ?? options.sandbox.fetch(request);
      // Prometheus on this machine needs no token for Firebreak's metrics.
      const authorization =
        isLocal && path === '/metrics' && !request.headers.has('authorization')
          ? `Bearer ${options.adminToken}`
          : undefined;
      if (!HEALTH.test(path) && connections.refuses()) {
        const detail = 'the limit of concurrent requests is reached; try again';
        return send(refusal(503, 'unavailable', detail, { 'retry-after': '5' }), incoming, outgoing);
      }
      const declared = declaredBytes(incoming.headers['content-length']);
      if (declared !== undefined && declared > BODY_MAX_BYTES) {
        const detail = `the body has ${declared} bytes; the limit is ${BODY_MAX_BYTES}`;
        return send(refusal(413, 'body-too-large', detail), incoming, outgoing);
      }
      const byPrefix = Object.entries(options.handlersByPrefix).find(([prefix]) => path.startsWith(prefix));
      const handler = byPrefix?.[1] ?? options.handler;
      const declaresBody = (declared ?? 0) > 0 || incoming.headers['transfer-encoding'] !== undefined;
      const hasBody = declaresBody && !/^(GET|HEAD)$/.test(request.method);
      const stream = hasBody ? bodyStream(incoming, outgoing) : undefined;
      const response = await handler(Object.assign(toEvent(request, authorization, addressOf(incoming)), { stream }));
      if (path === '/v1/connections') return send(await withMachine(response, options.machine), incoming, outgoing);
      const localMetrics = () => readProcessMetrics() + connections.metrics() + options.metrics();
      return send(path === '/metrics' ? withMetrics(response, localMetrics) : response, incoming, outgoing);
    },
    overrideGlobalObjects: false,
    // unread bodies are handled here
    autoCleanupIncoming: false,
    serverOptions: RECEIVE_TIMEOUTS,
  }) as Server;
  const connections = new Connections(server, options.maxConnections);
  // Send `100 Continue` only when the body is read: credentials are checked first.
  server.on('checkContinue', (incoming, outgoing) => {
    awaitsContinue.add(incoming);
    server.emit('request', incoming, outgoing);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' ? new Error(`port ${options.port} is in use; set PORT to a free port`) : error,
      ),
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

/**
 * Headers of reverse proxies and content delivery networks: with any of them, the request came from another machine.
 */
const FORWARDED =
  /^(forwarded|via|x-forwarded(-.+)?|x-original-.+|x-real-ip|(x-)?(true-)?client-ip|x-cluster-client-ip|x-envoy-.+|cf-.+|cdn-loop|fastly-.+|fly-.+|x-azure-.+|x-appengine-.+)$/i;

/**
 * Returns whether a request comes from a loopback address, to a loopback name, and was not forwarded. This excludes a
 * web page whose own name resolves to this machine, and requests through a reverse proxy. A proxy that adds no headers
 * often uses HTTP/1.0 (nginx by default), which no local client does.
 */
function isFromThisMachine(incoming: HttpBindings['incoming'], request: Request): boolean {
  const remote = incoming.socket.remoteAddress ?? '';
  const { hostname } = new URL(request.url);
  return (
    incoming.httpVersion !== '1.0' &&
    ![...request.headers.keys()].some((name) => FORWARDED.test(name)) &&
    /^(::1|(::ffff:)?127\.)/.test(remote) &&
    isLoopbackHostname(hostname) &&
    request.headers.get('sec-fetch-site') !== 'cross-site'
  );
}

/** Builds a refusal of this server itself, before the product has seen the request. */
function refusal(status: number, code: string, detail: string, headers: Record<string, string> = {}): LambdaResponse {
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
 * Returns the path of a request as API Gateway's HTTP API passes it: decoded once, unlike in a REST API or a function
 * URL, so that `%2F` becomes a separator; and truncated at a decoded `?`.
 */
export function rawPathOf(path: string): string {
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    return path; // not percent-encoded UTF-8
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

/** Adds metrics of this process, which are not part of the deployed function's response. */
const withMetrics = (response: LambdaResponse, localMetrics: () => string): LambdaResponse =>
  response.statusCode === 200 && !response.isBase64Encoded
    ? { ...response, body: response.body + localMetrics() }
    : response;

async function withMachine(response: LambdaResponse, machine: () => Promise<Machine>): Promise<LambdaResponse> {
  if (response.statusCode !== 200 || response.isBase64Encoded) return response;
  return { ...response, body: JSON.stringify({ ...(JSON.parse(response.body) as object), machine: await machine() }) };
}

/** Writes the response directly: creating and reading a `Response` would take as long as handling a short request. */
async function send(response: LambdaResponse, incoming: IncomingMessage, outgoing: ServerResponse): Promise<Response> {
  const { statusCode, headers = {}, cookies = [], isBase64Encoded } = response;
  const body = Buffer.from(response.body, isBase64Encoded ? 'base64' : 'utf8');
  outgoing.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  if (incoming.complete) outgoing.end(body);
  else await sendEarly(body, incoming, outgoing);
  return RESPONSE_ALREADY_SENT;
}

/** Responds to a request whose body was not received completely and is not needed. */
async function sendEarly(body: Buffer, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.setHeader('connection', 'close');
  outgoing.setHeader('content-length', body.byteLength);
  if (awaitsContinue.has(incoming)) return void outgoing.end(body);
  outgoing.write(body);
  await drain(incoming);
  outgoing.end();
}

import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { LambdaEvent } from 'hono/aws-lambda';
import { processMetrics } from './process-metrics.ts';

type LambdaAnswer = {
  statusCode: number;
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
  cookies?: string[];
  body: string;
  isBase64Encoded: boolean;
};

const KEPT_MS = 75_000;

/** Serves the deployed Lambda handler over HTTP: each request becomes the event that Lambda would get, and back. */
export async function serveFront(options: {
  host: string;
  port: number;
  handler: (event: LambdaEvent) => Promise<LambdaAnswer>;
  /** By the beginning of their paths, other deployed handlers. */
  others: Readonly<Record<string, (event: LambdaEvent) => Promise<LambdaAnswer>>>;
  sandbox: Hono | undefined;
  /** Refuses what may not be done in the sandbox as things are. Undefined: it may. */
  guard: (request: Request) => Response | undefined;
  adminToken: string;
  /** Series of this machine, besides those of the process. */
  metrics: () => string;
}): Promise<{ url: string; close(): Promise<void> }> {
  const ofProcess = processMetrics();
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
      const body = await bodyOf(request);
      if (body === undefined) return tooLarge();
      const other = Object.entries(options.others).find(([beginning]) => path.startsWith(beginning));
      const handler = other?.[1] ?? options.handler;
      const answer = await handler(toEvent(request, body, authorization));
      return send(path === '/metrics' ? withMore(answer, () => ofProcess() + options.metrics()) : answer, outgoing);
    },
    overrideGlobalObjects: false,
  }) as Server;
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

/** Lambda takes no larger request either; what is smaller, the product itself refuses by its own limits. */
const BODY_MAX_BYTES = 6 * 1024 * 1024;

/** Of more than that nothing is read, and the sender may see the connection break instead of the answer. */
const READ_MAX_BYTES = 64 * 1024 * 1024;

/** Undefined when it is too large, and then it is not kept: nobody may fill the memory, least of all without a token. */
async function bodyOf(request: Request): Promise<Buffer | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return Buffer.alloc(0); // to look for it takes its time
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const stream: AsyncIterable<Uint8Array> | null = request.body;
  for await (const chunk of stream ?? []) {
    bytes += chunk.byteLength;
    if (bytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > READ_MAX_BYTES) break;
  }
  return bytes > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks);
}

function tooLarge(): Response {
  const [status, code] = [413, 'body-too-large'];
  const problem = {
    type: `urn:firebreak:problem:${code}`,
    title: 'body too large',
    status,
    code,
    detail: `at most ${BODY_MAX_BYTES} bytes`,
    request_id: randomUUID(),
  };
  return new Response(JSON.stringify(problem), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'x-request-id': problem.request_id,
      connection: 'close',
    },
  });
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

function toEvent(request: Request, body: Buffer, authorization: string | undefined): LambdaEvent {
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
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      domainName: url.host,
      stage: '$default',
      requestId: '',
    },
    body: body.toString('base64'),
    isBase64Encoded: true,
  };
  return event as unknown as LambdaEvent;
}

/** What is true of this process alone is no part of what any instance could tell. */
const withMore = (answer: LambdaAnswer, more: () => string): LambdaAnswer =>
  answer.statusCode === 200 && !answer.isBase64Encoded ? { ...answer, body: answer.body + more() } : answer;

/** Written as it is: to make a `Response` of it, and to read that again, takes as long as many an answer. */
function send(answer: LambdaAnswer, outgoing: HttpBindings['outgoing']): Response {
  const { statusCode, headers = {}, cookies = [], body, isBase64Encoded } = answer;
  outgoing.statusCode = statusCode;
  for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  outgoing.end(isBase64Encoded ? Buffer.from(body, 'base64') : body);
  return RESPONSE_ALREADY_SENT;
}

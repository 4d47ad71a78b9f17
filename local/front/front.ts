import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createAdaptorServer, getRequestListener, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Sender } from '../../entrances/http/middleware/credentials.ts';
import { declaredBytes } from '../../entrances/http/middleware/request-body.ts';
import type { Machine } from '../../schemas/config/machine.ts';
import { Connections, RECEIVE_TIMEOUTS } from './connections.ts';
import { EventStreams } from './event-streams.ts';
import { processMetrics } from '../process-metrics.ts';
import { senderAddress } from './sender-address.ts';
import { awaitsContinue, bodyStream, drain } from './request-stream.ts';
import { isLoopbackHostname } from '../../schemas/config/endpoint.ts';
import { encodedPath } from '../../entrances/http/encoded-path.ts';

/** What a function on AWS runs. It reads the body after it has checked the rest of the request. */
export type App = {
  fetch(request: Request, sender: Sender): Response | Promise<Response>;
  /** How long a request may take after it has arrived. */
  timeoutSeconds: number;
};

/** Longer than clients keep idle connections, so that the server does not close one while a request is on its way. */
const KEEP_ALIVE_MS = 75_000;

/** Milliseconds for requests in progress at a stop: as long as a function may take. Node no longer limits how long a sender takes. */
const FINISH_MS = 20_000;

const HEALTH = /^\/(healthz|readyz)$/;

export type FrontOptions = {
  host: string;
  port: number;
  maxConnections: number;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is trusted. */
  trustedProxies: readonly string[];
  app: App;
  /** Apps of other functions, by path prefix. */
  appsByPrefix: Readonly<Record<string, App>>;
  /** Serves what is below `/sandbox` to this machine. */
  sandbox: ((request: Request) => Response | Promise<Response>) | undefined;
  adminToken: string;
  /** Metrics of this machine, in addition to those of the process. */
  metrics: () => string;
  /** Called for a request that this server refuses itself. */
  refused?: (path: string) => unknown;
  /**
   * State of this machine and process for `firebreak doctor`, added to the response of `GET /v1/connections`. Functions on AWS
   * have none.
   */
  machine: () => Promise<Machine>;
};

/**
 * Replaces the `Response` and `Request` of this process by those of the server, which have no streams for a text: an answer
 * takes a seventh less processor time. Only for a program: tests share their process.
 */
export const replaceGlobalObjects = (): unknown => getRequestListener(() => new Response());

/** Serves the apps of the functions over HTTP. They get each request as they do on AWS. */
export async function serveFront(options: FrontOptions): Promise<{ url: string; close(): Promise<void> }> {
  const readProcessMetrics = processMetrics();
  const addressOf = senderAddress(options.trustedProxies);
  const prefixes = Object.entries(options.appsByPrefix);
  const localMetrics = () => readProcessMetrics() + connections.metrics() + options.metrics();
  const server = createAdaptorServer({
    // HTTP/1.0 needs no Host header: old load balancers check health without one. No machine has this name.
    hostname: 'host.invalid',
    fetch: async (request, bindings) => {
      const { incoming, outgoing } = bindings as HttpBindings;
      const { path, url } = urlOnAws(request.url);
      const isForSandbox = path === '/sandbox' || path.startsWith('/sandbox/');
      if (isForSandbox && options.sandbox && isFromThisMachine(incoming, request)) return options.sandbox(request);
      if (!HEALTH.test(path) && connections.refuses()) {
        options.refused?.(path);
        const detail = 'the limit of concurrent requests is reached; try again';
        return send(refusal(503, 'unavailable', detail, { 'retry-after': '5' }), incoming, outgoing);
      }
      const app = prefixes.find(([prefix]) => path.startsWith(prefix))?.[1] ?? options.app;
      const declaresBody =
        (declaredBytes(incoming.headers['content-length']) ?? 0) > 0 ||
        incoming.headers['transfer-encoding'] !== undefined;
      const hasBody = declaresBody && !/^(GET|HEAD)$/.test(request.method);
      const body = hasBody ? bodyStream(incoming, outgoing) : null;
      const headers = headersOnAws(request.headers, incoming);
      // Prometheus on this machine needs no token for Firebreak's metrics.
      if (path === '/metrics' && !headers.has('authorization') && isFromThisMachine(incoming, request))
        headers.set('authorization', `Bearer ${options.adminToken}`);
      // Not a new request: building one takes as long as all the rest of this function.
      const received = Object.defineProperties(request, {
        url: { value: url },
        headers: { value: headers },
        body: { value: body },
      });
      const sender = { requestContext: { http: { sourceIp: addressOf(incoming) } } };
      const response = await inTime(app, received, sender, incoming, () => options.refused?.(path));
      if (path === '/v1/connections') return send(await withMachine(response, options.machine), incoming, outgoing);
      const whole = path === '/metrics' ? await withMetrics(response, localMetrics) : response;
      return send(whole, incoming, outgoing, streams);
    },
    overrideGlobalObjects: false,
    // unread bodies are handled here
    autoCleanupIncoming: false,
    serverOptions: RECEIVE_TIMEOUTS,
  }) as Server;
  const connections = new Connections(server, options.maxConnections);
  const streams = new EventStreams();
  // Send `100 Continue` only when the body is read: credentials are checked first.
  server.on('checkContinue', (incoming, outgoing) => {
    awaitsContinue.add(incoming);
    server.emit('request', incoming, outgoing);
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        new Error(
          error.code === 'EADDRINUSE'
            ? `port ${options.port} is in use; set PORT to a free port`
            : `cannot listen on ${options.host}, port ${options.port} (${error.message}); set HOST to an address of this machine, and PORT to a port that this user may use`,
          { cause: error },
        ),
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
        const giveUp = setTimeout(() => server.closeAllConnections(), FINISH_MS);
        server.close(() => {
          clearTimeout(giveUp);
          resolve();
        });
        streams.close();
        connections.close();
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
    !Object.keys(incoming.headers).some((name) => FORWARDED.test(name)) &&
    /^(::1|(::ffff:)?127\.)/.test(remote) &&
    isLoopbackHostname(hostname) &&
    request.headers.get('sec-fetch-site') !== 'cross-site'
  );
}

/** Builds a refusal of this server itself, before the product has seen the request, or because it takes too long. */
function refusal(status: number, code: string, detail: string, headers: Record<string, string> = {}): Response {
  const request_id = randomUUID();
  const type = `urn:firebreak:problem:${code}`;
  return new Response(JSON.stringify({ type, title: code.replaceAll('-', ' '), status, code, detail, request_id }), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'x-request-id': request_id,
      connection: 'close',
      ...headers,
    },
  });
}

/** Returns the response of an app, or a refusal after its timeout, of which it notifies `refused`, which on AWS begins when the whole request has arrived. */
function inTime(
  app: App,
  request: Request,
  sender: Sender,
  incoming: IncomingMessage,
  refused: () => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const begin = () => {
      const detail = `the request took more than ${app.timeoutSeconds} s, and may still be carried out; try again`;
      const late = () => {
        refused();
        resolve(refusal(503, 'unavailable', detail, { 'retry-after': '5' }));
      };
      timer = setTimeout(late, app.timeoutSeconds * 1000);
    };
    if (request.body === null) begin();
    else incoming.once('end', begin);
    Promise.try(() => app.fetch(request, sender))
      .finally(() => {
        clearTimeout(timer);
        incoming.off('end', begin);
      })
      .then(resolve, reject);
  });
}

/** Adds metrics of this process, which are not part of the deployed function's response. */
const withMetrics = async (response: Response, localMetrics: () => string): Promise<Response> =>
  response.status === 200 ? new Response((await response.text()) + localMetrics(), response) : response;

async function withMachine(response: Response, machine: () => Promise<Machine>): Promise<Response> {
  if (response.status !== 200) return response;
  return new Response(JSON.stringify({ ...((await response.json()) as object), machine: await machine() }), response);
}

async function send(
  response: Response,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  streams?: EventStreams,
): Promise<Response> {
  const events = streams && EventStreams.bodyOf(response);
  // The server sends a text with its header at once. Without a text, it would not tell the length.
  const hasText = response.headers.has('content-type') && incoming.method !== 'HEAD';
  if (!events && hasText && incoming.complete) return response;
  const body = events ? undefined : Buffer.from(await response.arrayBuffer());
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
  if (events) await streams.send(events, outgoing);
  if (body === undefined) return RESPONSE_ALREADY_SENT;
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

/** A URL that stays as it is. Others have, for example, percent-encoded or dot segments. */
const PLAIN = /^https?:\/\/([^/?#]+)(\/[\w\-.~!*()/]*)(\?[^#']*)?$/;

/** Returns a URL as the app of a function gets it, and its decoded path. */
function urlOnAws(url: string): { path: string; url: string } {
  const [, host = '', plain, query = ''] = PLAIN.exec(url) ?? [];
  if (plain !== undefined) return { path: plain, url: `https://${host}${plain}${query}` };
  const parsed = new URL(url);
  const path = rawPathOf(parsed.pathname);
  return { path, url: `https://${parsed.host}${encodedPath(path)}${parsed.search}` };
}

/**
 * Returns the path of a request as API Gateway's HTTP API passes it: decoded once, unlike in a REST API or a function
 * URL, so that `%2F` becomes a separator; and truncated at a decoded `?`.
 */
function rawPathOf(path: string): string {
  try {
    return decodeURIComponent(path).split('?')[0] ?? '';
  } catch {
    return path; // not percent-encoded UTF-8
  }
}

const ASCII = /^[\0-\x7f]+$/;

/** Returns headers as the app of a function gets them: without empty ones, and with values that are not ASCII encoded. */
function headersOnAws(headers: Headers, { rawHeaders }: IncomingMessage): Headers {
  if (rawHeaders.every((text) => ASCII.test(text))) return headers;
  const kept = [...headers].filter(([, value]) => value !== '');
  return new Headers(kept.map(([name, value]) => [name, ASCII.test(value) ? value : encodeURIComponent(value)]));
}

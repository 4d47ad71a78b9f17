import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A request to an emulated AWS service, with its complete body. `path` is as sent, without the query and still
 * percent-encoded. Header names are in lower case.
 */
export type EmulatedRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Aborted when the caller disconnects, so that a long poll doesn't take a message for a caller that has gone. */
  disconnected: AbortSignal;
};

export type EmulatedResponse = { status: number; headers?: Record<string, string>; body?: string | Uint8Array };

/** A running emulation. `url` is the value for `AWS_ENDPOINT_URL_*`. */
export type Endpoint = { url: string; close(): Promise<void> };

/** The response to a request without the access key, in the JSON format of most services. */
export const DENIED: EmulatedResponse = {
  status: 403,
  headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-errortype': 'UnrecognizedClientException' },
  body: JSON.stringify({
    __type: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
  }),
};

/**
 * Serves one emulated AWS service on a free loopback port.
 *
 * Every start has its own access key. Requests with another key get a 403, so that no other local process and no web
 * page can use the emulation. The signature itself is not verified: the access key ID is random for each start and
 * never leaves this process, so it serves as a secret.
 */
export async function serve(options: {
  accessKeyId: string;
  handle: (request: EmulatedRequest) => Promise<EmulatedResponse>;
  /**
   * The response to requests without the access key, with status 403, in the service's error format; JSON by default.
   */
  denied?: EmulatedResponse;
}): Promise<Endpoint> {
  const server = createServer((req, res) => {
    answer(req, res, options).catch((error: unknown) => {
      if (!res.headersSent) res.writeHead(500, { 'content-type': 'application/json' });
      res.end(JSON.stringify({ __type: 'InternalFailure', message: String(error) }));
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  req: IncomingMessage,
  res: ServerResponse,
  { accessKeyId, handle, denied = DENIED }: Parameters<typeof serve>[0],
): Promise<void> {
  if (!signedWith(accessKeyId, req.headers.authorization)) {
    res.writeHead(denied.status, denied.headers);
    res.end(denied.body);
    return;
  }
  const disconnected = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) disconnected.abort(); // an unnecessary abort costs a stack trace
  });
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  // Split manually, because `new URL` resolves `..` and `//`, which are ordinary characters in an S3 object key.
  const [path = '/', ...query] = (req.url ?? '/').split('?');
  const reply = await handle({
    method: req.method ?? 'GET',
    path,
    query: new URLSearchParams(query.join('?')),
    headers: req.headers,
    body: Buffer.concat(chunks),
    disconnected: disconnected.signal,
  });
  res.writeHead(reply.status, reply.headers);
  res.end(reply.body);
}

/**
 * Returns whether the access key ID of a SigV4 `Authorization` header is the expected one. Compares in constant time.
 */
export function signedWith(accessKeyId: string, authorization: string | undefined): boolean {
  const given = /Credential=([^/,\s]+)\//.exec(authorization ?? '')?.[1];
  if (given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(accessKeyId)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Returns the region that a request is signed for: `Credential=<id>/<date>/<region>/<service>/aws4_request`. */
export function regionOf(authorization: string | undefined): string {
  return /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization ?? '')?.[1] ?? 'us-east-1';
}

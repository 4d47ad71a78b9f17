import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * One request to an emulated AWS service, body already read. `path` is as it was sent, without the query and still
 * percent-encoded; header names are lower case.
 */
export type EmulatedRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Aborted when the caller hangs up: a long poll must not take a message for a reader that has gone. */
  gone: AbortSignal;
};

export type EmulatedResponse = { status: number; headers?: Record<string, string>; body?: string | Uint8Array };

/** A running emulation. `url` is what goes into `AWS_ENDPOINT_URL_*`. */
export type Endpoint = { url: string; close(): Promise<void> };

/** The answer to whoever does not have the key, in the JSON of most services. */
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
 * Every start has its own access key, and only requests signed with it are answered (403 otherwise), so that no other
 * local process and no web page can drive the emulation. The signature itself is not recomputed: the key is random
 * per start and never leaves this process, which makes its id as good as a secret here.
 */
export async function serve(options: {
  accessKeyId: string;
  handle: (request: EmulatedRequest) => Promise<EmulatedResponse>;
  /** The answer to others, with status 403, in the form of the service's errors; JSON by default. */
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
  const gone = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) gone.abort(); // to abort for nothing costs a stack trace
  });
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  // Split by hand: `new URL` resolves `..` and `//`, which are ordinary characters in the key of an S3 object.
  const [path = '/', ...query] = (req.url ?? '/').split('?');
  const reply = await handle({
    method: req.method ?? 'GET',
    path,
    query: new URLSearchParams(query.join('?')),
    headers: req.headers,
    body: Buffer.concat(chunks),
    gone: gone.signal,
  });
  res.writeHead(reply.status, reply.headers);
  res.end(reply.body);
}

/** The access key id of a SigV4 `Authorization` header is the expected one. Compared in constant time. */
export function signedWith(accessKeyId: string, authorization: string | undefined): boolean {
  const given = /Credential=([^/,\s]+)\//.exec(authorization ?? '')?.[1];
  if (given === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(accessKeyId)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The region that a request is signed for: `Credential=<id>/<date>/<region>/<service>/aws4_request`. */
export function regionOf(authorization: string | undefined): string {
  return /Credential=[^/]+\/\d+\/([^/]+)\//.exec(authorization ?? '')?.[1] ?? 'us-east-1';
}

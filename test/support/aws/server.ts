import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A running stand-in of an AWS service. `url` is the value for `AWS_ENDPOINT_URL_*`. */
export type Endpoint = { url: string; close(): Promise<void> };

export type AwsRequest = {
  method: string;
  /** With the query, as sent. */
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Aborted when the caller disconnects. */
  disconnected: AbortSignal;
};
export type AwsResponse = { status: number; headers?: Record<string, string>; body?: string | Uint8Array };

/** The region and credentials of tests. No stand-in checks signatures. */
export const AWS_ENV = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'not checked' };

/** Returns the options of an AWS client for an endpoint. */
export const clientOptions = (endpoint: string) => ({
  endpoint,
  region: AWS_ENV.AWS_REGION,
  credentials: { accessKeyId: AWS_ENV.AWS_ACCESS_KEY_ID, secretAccessKey: AWS_ENV.AWS_SECRET_ACCESS_KEY },
});

type Handle = (request: AwsRequest) => Promise<AwsResponse | 'lost'>;

/**
 * Serves HTTP on a free port of the loopback address. An error of `handle` is a response with status 500. `lost`: the
 * connection breaks before the response.
 */
export async function serve(handle: Handle): Promise<Endpoint> {
  const server = createServer((req, res) => {
    answer(req, res, handle).catch((error: unknown) => res.writeHead(500).end(String(error)));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(req: IncomingMessage, res: ServerResponse, handle: Handle): Promise<void> {
  const disconnected = new AbortController();
  res.once('close', () => disconnected.abort());
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { method = 'GET', url: path = '/', headers } = req;
  const body = Buffer.concat(chunks);
  const reply = await handle({ method, path, headers, body, disconnected: disconnected.signal });
  if (reply === 'lost') res.destroy();
  else res.writeHead(reply.status, reply.headers).end(reply.body);
}

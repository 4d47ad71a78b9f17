import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort } from '../../packages/demo/free-port.ts';

/** A received request. */
export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string };

/** A response. `hang`: none. `cut`: the head with this status and one byte, after which the connection is closed. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: string } | { cut: number } | 'hang';

export type Vendor = { url: string; received: Received[] };

/** Called when a request has arrived that gets no response. */
export const leftHanging = new Set<() => void>();

/** Starts an HTTP server that sends these replies in order, and repeats the last one. */
export const vendor = (...replies: [Reply, ...Reply[]]): Promise<Vendor> =>
  vendorThat((_, n) => replies[Math.min(n, replies.length - 1)] ?? 'hang');

/** Starts an HTTP server whose replies depend on the request and the number of earlier requests. */
export async function vendorThat(answers: (request: Received, n: number) => Reply): Promise<Vendor> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const asked = { method, path, headers, body: Buffer.concat(chunks).toString() };
      const reply = answers(asked, received.length);
      received.push(asked);
      if (reply === 'hang') {
        for (const hear of leftHanging) hear();
        return;
      }
      if ('cut' in reply) {
        response.writeHead(reply.cut, { 'content-length': '100' });
        response.write('{', () => response.destroy());
        return;
      }
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers });
      response.end(reply.body ?? '');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** Returns an address without a listener for the duration of the test. */
export const nobody = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

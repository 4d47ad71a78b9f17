import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { freePort } from '../../demo/free-port.ts';

/** One request as it came over the wire. */
export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string };

/** What to answer; `hang`: nothing, ever; `cut`: a head with this status, a byte, and then the connection is gone. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: string } | { cut: number } | 'hang';

export type Vendor = { url: string; received: Received[] };

/** Called when a request has come that will never be answered, or not any further. */
export const leftHanging = new Set<() => void>();

/** Within this the head of an answer has come to whoever asked, in this same process. */
const HEAD_MS = 50;

/** A vendor of a test's own, over real HTTP: it answers one reply after the other, and the last one again and again. */
export const vendor = (...replies: [Reply, ...Reply[]]): Promise<Vendor> =>
  vendorThat((_, n) => replies[Math.min(n, replies.length - 1)] ?? 'hang');

/** One that answers by what it is asked, and how often it was asked before. */
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
        const waiting = [...leftHanging]; // and not those of a later test
        response.write('{', () => {
          response.destroy();
          // What has come is read between a timer and an immediate, however late the timer is.
          setTimeout(() => setImmediate(() => waiting.forEach((hear) => hear())), HEAD_MS);
        });
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

/** An address at which nobody listens, nor comes to while the test goes on. */
export const nobody = async (): Promise<string> => `http://127.0.0.1:${await freePort()}`;

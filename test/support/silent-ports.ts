import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

/** An address at which calls hang, as at an unreachable host. */
export type SilentPort = { url: string; close(): Promise<void> };

/** Accepts connections, reads requests, and never responds. */
export function acceptsAndNeverAnswers(): Promise<SilentPort> {
  return listening(createTcpServer((socket) => void socket.resume()));
}

/**
 * Responds 200 with the start of a body that never ends. With `dripMs`, sends another byte at this interval in
 * milliseconds.
 */
export function neverEndsItsBody(options: { dripMs?: number } = {}): Promise<SilentPort> {
  const timers = new Set<NodeJS.Timeout>();
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    req.resume();
    res.writeHead(200, { 'content-type': 'application/json' }).write('{');
    if (options.dripMs !== undefined) timers.add(setInterval(() => res.write(' '), options.dripMs));
  };
  return listening(createServer(answer), () => timers.forEach((timer) => clearInterval(timer)));
}

/**
 * Lets no connection be established: a thread that listens and does not accept. Once its queue of connections is full,
 * the system does not respond to new ones, like a network that drops packets.
 */
export async function dropsConnections(): Promise<SilentPort> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const queued: Socket[] = [];
  const other = createTcpServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  // Connect one after another until one gets no response, since the length of the system's queue is unknown.
  while (await isEstablished(port, queued, other))
    if (queued.length > 64) throw new Error('the queue does not fill up');
  other.close();
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of queued) socket.destroy();
      await worker.terminate();
    },
  };
}

/**
 * Returns whether the system establishes a connection. It responds to connections of this machine in their order, so the
 * answer is known once later connections to another server are established.
 */
async function isEstablished(port: number, queued: Socket[], other: Server): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  queued.push(socket);
  for (let n = 0; n < LATER_CONNECTIONS && socket.connecting; n += 1) {
    const later = connect((other.address() as AddressInfo).port, '127.0.0.1');
    await once(later, 'connect');
    later.destroy();
    await setImmediate(); // both can be established in the same turn
  }
  return !socket.connecting;
}

/** More than one, since each processor has an order of its own. */
const LATER_CONNECTIONS = 8;

async function listening(server: Server, stop: () => void = () => undefined): Promise<SilentPort> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      stop();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

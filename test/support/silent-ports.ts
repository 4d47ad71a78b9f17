import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
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
  // Connect one after another until one gets no response, since the length of the system's queue is unknown.
  while (await isEstablished(port, queued)) if (queued.length > 64) throw new Error('the queue does not fill up');
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const socket of queued) socket.destroy();
      await worker.terminate();
    },
  };
}

const UNANSWERED_MS = 300;

function isEstablished(port: number, queued: Socket[]): Promise<boolean> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  queued.push(socket);
  return new Promise((resolve) => {
    // Check the network once more: on a busy machine, the response may have arrived unnoticed in the meantime.
    const timer = setTimeout(() => setImmediate(() => setImmediate(() => resolve(!socket.connecting))), UNANSWERED_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

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

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { line } from './process-metrics.ts';

/** Above the limit, for health checks, and to tell others that it is full. */
const RESERVE = 16;

/** Milliseconds for all headers, and for a whole request. The largest body takes a second on a slow line. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_EVERY_MS = 2_000;

/** What `http.createServer` is to be given. Without these Node waits for a minute, and for five. */
export const RECEIVING = {
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: LOOK_EVERY_MS,
};

/**
 * Keeps no more than so many connections. `maxConnections` of Node refuses the newest, so that whoever opens connections
 * and sends nothing keeps everybody else out, health checks included. Here the one goes that has had no request for the
 * longest time. Where all of them have one, a few more are let in, for health checks, and to be told 503.
 */
export class Connections {
  readonly #max: number;
  /** Those without a request in progress, the one that is so for the longest time first. */
  readonly #idle = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #closed = 0;
  #refused = 0;

  constructor(server: Server, max: number) {
    this.#max = max;
    server.on('connection', (socket: Socket) => this.#opened(socket));
    // Before the product's own listener, which asks whether it refuses.
    server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { socket } = incoming;
      this.#idle.delete(socket);
      this.#busy.add(socket);
      outgoing.once('close', () => {
        if (this.#busy.delete(socket) && !socket.destroyed) this.#idle.add(socket);
      });
    });
  }

  /** Whether more requests are in progress than there may be connections, which is counted as one that is refused. */
  refuses(): boolean {
    const full = this.#busy.size > this.#max;
    if (full) this.#refused += 1;
    return full;
  }

  metrics(): string {
    const open = this.#idle.size + this.#busy.size;
    return [
      line('firebreak_http_connections', 'gauge', 'Open connections of clients', open),
      line('firebreak_http_connections_closed_total', 'counter', 'Connections closed to make room', this.#closed),
      line('firebreak_http_requests_refused_total', 'counter', 'Requests refused because it was full', this.#refused),
    ].join('');
  }

  #opened(socket: Socket): void {
    if (this.#idle.size + this.#busy.size >= this.#max) this.#makeRoom();
    if (this.#idle.size + this.#busy.size >= this.#max + RESERVE) {
      this.#closed += 1;
      socket.destroy();
      return;
    }
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#idle.delete(socket);
      this.#busy.delete(socket);
    });
  }

  #makeRoom(): void {
    const [longest] = this.#idle;
    if (longest === undefined) return;
    this.#closed += 1;
    this.#idle.delete(longest);
    longest.destroy();
  }
}

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { metricLine } from '../process-metrics.ts';

/** Connections above the limit, for health checks and 503 responses. */
const RESERVE = 16;

/** Milliseconds for all headers, and for a whole request. The largest body takes a second on a slow line. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const CHECK_EVERY_MS = 2_000;

/** Options for `http.createServer`. Without them, Node waits one minute for the headers and five for the request. */
export const RECEIVE_TIMEOUTS = {
  headersTimeout: HEADERS_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: CHECK_EVERY_MS,
};

/**
 * Limits the number of connections. Node's `maxConnections` refuses the newest connections, so that a client that opens
 * connections and sends nothing would lock out everyone, including health checks. This class closes the connection that
 * has been idle for the longest time. If all have requests in progress, it accepts a few more, for health checks and
 * for 503 responses.
 */
export class Connections {
  readonly #max: number;
  /** Connections without a request in progress, longest idle first. */
  readonly #idle = new Set<Socket>();
  /** The others, with the response in progress. */
  readonly #busy = new Map<Socket, ServerResponse>();
  #isClosing = false;
  #closed = 0;
  #refused = 0;

  constructor(server: Server, max: number) {
    this.#max = max;
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
    // Runs before the product's own listener, which asks whether to refuse.
    server.prependListener('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      const { socket } = incoming;
      this.#idle.delete(socket);
      this.#busy.set(socket, outgoing);
      outgoing.shouldKeepAlive &&= !this.#isClosing;
      outgoing.once('close', () => {
        if (this.#busy.delete(socket) && !socket.destroyed) this.#idle.add(socket);
        if (this.#isClosing) socket.destroySoon();
      });
    });
  }

  /** Closes each connection: now if it is idle, otherwise after its response. A busy client would never leave it. */
  close(): void {
    this.#isClosing = true;
    for (const outgoing of this.#busy.values()) outgoing.shouldKeepAlive = false;
    for (const socket of this.#idle) socket.destroySoon();
  }

  /** Returns whether more requests are in progress than connections are allowed, and counts a refusal if so. */
  refuses(): boolean {
    const full = this.#busy.size > this.#max;
    if (full) this.#refused += 1;
    return full;
  }

  metrics(): string {
    const open = this.#idle.size + this.#busy.size;
    return [
      metricLine('firebreak_http_connections', 'gauge', 'Open client connections', open),
      metricLine(
        'firebreak_http_connections_closed_total',
        'counter',
        'Idle connections closed because the limit was reached',
        this.#closed,
      ),
      metricLine(
        'firebreak_http_connections_refused_total',
        'counter',
        'Requests refused because the connection limit was reached',
        this.#refused,
      ),
    ].join('');
  }

  #onConnection(socket: Socket): void {
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
    const [longestIdle] = this.#idle;
    if (longestIdle === undefined) return;
    this.#closed += 1;
    this.#idle.delete(longestIdle);
    longestIdle.destroy();
  }
}

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** Milliseconds that a client may take to accept what was written to it. */
const ACCEPT_MS = 30_000;

/** Responses that are sent as they come, instead of at once. */
export class EventStreams {
  readonly #open = new Set<ReadableStreamDefaultReader<Uint8Array>>();

  /** Returns the body of a response that is an event stream. */
  static bodyOf(response: Response): ReadableStream<Uint8Array> | null {
    return response.headers.get('content-type')?.startsWith('text/event-stream') ? response.body : null;
  }

  /** Sends the body to its end. Reads no further while the client does not accept it, and gives up if it accepts nothing. */
  async send(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
    const reader = body.getReader();
    this.#open.add(reader);
    const gone = once(outgoing, 'close').then(() => void reader.cancel().catch(() => undefined));
    outgoing.flushHeaders();
    for (let next = await reader.read(); !next.done && !outgoing.destroyed; next = await reader.read())
      if (!outgoing.write(next.value)) await Promise.race([accepted(outgoing), gone]);
    this.#open.delete(reader);
    outgoing.end();
  }

  /** Ends all. Browsers connect again. */
  close(): void {
    for (const reader of this.#open) void reader.cancel().catch(() => undefined);
  }
}

/** Waits until the client has accepted what was written; destroys the connection if that takes too long. */
async function accepted(outgoing: ServerResponse): Promise<void> {
  const timer = setTimeout(() => outgoing.destroy(), ACCEPT_MS).unref();
  await once(outgoing, 'drain').catch(() => undefined);
  clearTimeout(timer);
}

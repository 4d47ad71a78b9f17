import type { IncomingMessage, ServerResponse } from 'node:http';

/** Lambda takes no larger request either; what is smaller, the product itself refuses by its own limits. */
export const BODY_MAX_BYTES = 6 * 1024 * 1024;

/** Of more than that nothing is read, and the sender may see the connection break instead of the answer. */
const DRAINED_MAX_BYTES = 64 * 1024 * 1024;
const DRAINED_MAX_MS = 2_000;

/** A body that is read only when somebody asks for it. */
export function bodyStream(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let bytes = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        if (chunks === undefined) {
          if (waits.delete(incoming)) outgoing.writeContinue();
          const all: AsyncIterable<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
          chunks = all[Symbol.asyncIterator]();
        }
        const next = await chunks.next();
        if (next.done === true) return controller.close();
        bytes += next.value.byteLength;
        if (bytes > BODY_MAX_BYTES) controller.error(new Error(`more than ${BODY_MAX_BYTES} bytes`));
        else controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Requests whose sender waits to be told whether to send the body at all (`Expect: 100-continue`). */
export const waits = new WeakSet<IncomingMessage>();

/**
 * Takes the rest of a request whose answer is written already, and forgets it: a sender that is cut off while it sends
 * often does not see the answer.
 */
export function drained(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, DRAINED_MAX_MS).unref();
    const enough = () => {
      clearTimeout(timer);
      resolve();
    };
    incoming.on('data', (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > DRAINED_MAX_BYTES) enough();
    });
    for (const end of ['end', 'close', 'error'] as const) incoming.once(end, enough);
    incoming.resume();
  });
}

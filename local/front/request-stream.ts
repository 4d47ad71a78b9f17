import type { IncomingMessage, ServerResponse } from 'node:http';
import { REQUEST_MAX_BYTES } from '../../entrances/http/middleware/request-body.ts';

/**
 * Above this, the rest of a request is not read, and the sender may see a broken connection instead of the response.
 */
const DRAINED_MAX_BYTES = 64 * 1024 * 1024;
const DRAINED_MAX_MS = 2_000;

/** Returns a body that is read only on demand. */
export function bodyStream(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let bytes = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        if (chunks === undefined) {
          if (awaitsContinue.delete(incoming)) outgoing.writeContinue();
          const all: AsyncIterable<Uint8Array> = incoming.iterator({ destroyOnReturn: false });
          chunks = all[Symbol.asyncIterator]();
        }
        const next = await chunks.next();
        if (next.done === true) return controller.close();
        // The product stops reading here, and refuses the request.
        if (bytes > REQUEST_MAX_BYTES)
          return controller.error(new Error(`the body has more than ${REQUEST_MAX_BYTES} bytes`));
        bytes += next.value.byteLength;
        controller.enqueue(next.value);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Requests with `Expect: 100-continue`, whose sender waits before it sends the body. */
export const awaitsContinue = new WeakSet<IncomingMessage>();

/**
 * Reads and drops the rest of a request after its response was written: a sender that is cut off while it sends often
 * does not see the response.
 */
export function drain(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, DRAINED_MAX_MS).unref();
    const finish = () => {
      clearTimeout(timer);
      resolve();
    };
    incoming.on('data', (chunk: Uint8Array) => {
      bytes += chunk.byteLength;
      if (bytes > DRAINED_MAX_BYTES) finish();
    });
    for (const end of ['end', 'close', 'error'] as const) incoming.once(end, finish);
    incoming.resume();
  });
}

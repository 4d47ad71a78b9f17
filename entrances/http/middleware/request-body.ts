/** Lambda accepts no larger request; limits of routes are at most this. */
export const REQUEST_MAX_BYTES = 6 * 1024 * 1024;

/** The connection ended before the whole body arrived. */
export class BodyCutOff extends Error {
  override readonly name = 'BodyCutOff';
}

/** There is no room for more bodies of unknown senders now. */
export class NoRoom extends Error {
  override readonly name = 'NoRoom';
}

/** Bytes of bodies in memory, together. */
export class BodyBudget {
  readonly #maxBytes: number;
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws NoRoom */
  take(bytes: number): void {
    if (this.#used + bytes > this.#maxBytes)
      throw new NoRoom(`bodies of unknown senders already take ${this.#used} bytes`);
    this.#used += bytes;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }
}

/**
 * Budget of one instance for all bodies that are read before their sender is known: signatures cover the body. Without
 * it, each connection could take the limit of its route.
 */
export const UNVERIFIED_BODIES = new BodyBudget(32 * 1024 * 1024);

/**
 * Reads a stream to its end, up to a limit.
 *
 * @param budget that the body takes from until it is read completely
 * @returns the bytes, or undefined if there are more than `maxBytes`
 * @throws BodyCutOff if the connection ends before the whole body arrives; NoRoom if the budget is used up
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  budget?: BodyBudget,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let taken = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      bytes += read.value.byteLength;
      if (bytes > maxBytes) {
        await reader.cancel();
        return undefined;
      }
      budget?.take(read.value.byteLength);
      taken += read.value.byteLength;
      chunks.push(read.value);
    }
  } catch (error) {
    if (error instanceof NoRoom) {
      reader.cancel().catch(() => undefined); // not awaited, so that others get its room at once
      throw error;
    }
    throw new BodyCutOff('the connection ended before the whole body arrived', { cause: error });
  } finally {
    budget?.giveBack(taken);
  }
  return new Uint8Array(Buffer.concat(chunks, bytes));
}

/** Returns the length in `Content-Length`, or undefined if it is missing or invalid, as for a chunked body. */
export function declaredBytes(contentLength: string | undefined): number | undefined {
  return contentLength !== undefined && /^\d+$/.test(contentLength) ? Number(contentLength) : undefined;
}

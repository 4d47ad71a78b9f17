/** A body that has not been read yet, where whoever serves the request can wait with that. API Gateway can't. */
export type Streamed = { stream?: ReadableStream<Uint8Array> | undefined };

/** It was not sent to its end. */
export class BodyCutOff extends Error {
  override readonly name = 'BodyCutOff';
}

/**
 * Reads a stream to its end, and no more than a limit.
 * @returns undefined where there is more
 * @throws BodyCutOff
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      bytes += read.value.byteLength;
      if (bytes > maxBytes) {
        await reader.cancel();
        return undefined;
      }
      chunks.push(read.value);
    }
  } catch (error) {
    throw new BodyCutOff('the body could not be read to its end', { cause: error });
  }
  return new Uint8Array(Buffer.concat(chunks, bytes));
}

/** How long a body is said to be. Undefined: it comes in chunks, or nothing is said. */
export function declaredBytes(contentLength: string | undefined): number | undefined {
  return contentLength !== undefined && /^\d+$/.test(contentLength) ? Number(contentLength) : undefined;
}

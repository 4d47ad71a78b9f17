/** A request whose body is not read yet. Only the local server provides it; API Gateway passes complete bodies. */
export type WithBodyStream = { stream?: ReadableStream<Uint8Array> | undefined };

/** The connection ended before the whole body arrived. */
export class BodyCutOff extends Error {
  override readonly name = 'BodyCutOff';
}

/**
 * Reads a stream to its end, up to a limit.
 *
 * @returns the bytes, or undefined if there are more than `maxBytes`
 * @throws BodyCutOff if the connection ends before the whole body arrives
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
    throw new BodyCutOff('the connection ended before the whole body arrived', { cause: error });
  }
  return new Uint8Array(Buffer.concat(chunks, bytes));
}

/** Returns the length in `Content-Length`, or undefined if it is missing or invalid, as for a chunked body. */
export function declaredBytes(contentLength: string | undefined): number | undefined {
  return contentLength !== undefined && /^\d+$/.test(contentLength) ? Number(contentLength) : undefined;
}

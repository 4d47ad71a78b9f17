import { gunzipSync } from 'node:zlib';
import type { Context } from 'hono';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import type { Env } from '../context.ts';
import { readBody } from './body.ts';

/** Limit of a body as sent, compressed or not. Lambda accepts 6 MB, in which binary bodies take a third more. */
const SENT_MAX_BYTES = 4 * 1024 * 1024;

/** Limit of a decompressed body. */
const DECOMPRESSED_MAX_BYTES = 24 * 1024 * 1024;

/**
 * Reads a body that may have `Content-Encoding: gzip`.
 *
 * @throws Refusal 413 if it is too large, 400 if it cannot be decompressed, 415 for other encodings
 */
export async function readDecompressed(c: Context<Env>): Promise<Uint8Array> {
  const sent = await readBody(c, SENT_MAX_BYTES);
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding === 'identity') return sent;
  if (encoding !== 'gzip')
    throw new Refusal(415, 'unsupported-encoding', `Content-Encoding is ${encoding.slice(0, 64)}; send gzip or none`);
  try {
    return gunzipSync(sent, { maxOutputLength: DECOMPRESSED_MAX_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Refusal(
        413,
        'body-too-large',
        `the decompressed body has more than ${DECOMPRESSED_MAX_BYTES} bytes; split it`,
      );
    throw contentRefusal(400, 'not-gzip', 'Content-Encoding is gzip, but the body cannot be decompressed');
  }
}

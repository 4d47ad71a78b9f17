import type { Context } from 'hono';
import { BodyCutOff, declaredBytes, readUpTo } from './request-body.ts';
import type { Env } from '../context.ts';
import { Refusal } from '../../actions/refusal.ts';

/**
 * Reads the request body. Handlers read bodies only through this function, after authentication and up to a limit. The
 * body is read once: later calls, and Hono's own readers, get the same bytes.
 *
 * @throws Refusal 413 if the body is too large: before reading if `Content-Length` says so, otherwise as soon as it
 *   exceeds the limit; 400 if the connection ends before the whole body arrives
 */
export async function readBody(c: Context<Env>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const alreadyRead = c.get('body');
  if (alreadyRead !== undefined) return within(alreadyRead, maxBytes);
  const declared = declaredBytes(c.req.header('content-length'));
  if (declared !== undefined && declared > maxBytes) throw tooLarge(`the body has ${declared} bytes`, maxBytes);
  const body = await read(c, maxBytes);
  c.set('body', body);
  c.req.bodyCache.arrayBuffer = Promise.resolve(body.buffer) as never; // Hono stores promises here, despite the declared type
  return body;
}

async function read(c: Context<Env>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const body = await readUpTo(c.req.raw.body, maxBytes);
    if (body === undefined) throw tooLarge('the body is too large', maxBytes);
    return body;
  } catch (error) {
    if (error instanceof BodyCutOff) throw new Refusal(400, 'body-cut-off', error.message);
    throw error;
  }
}

function within(body: Uint8Array<ArrayBuffer>, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (body.byteLength > maxBytes) throw tooLarge(`the body has ${body.byteLength} bytes`, maxBytes);
  return body;
}

const tooLarge = (what: string, maxBytes: number): Refusal =>
  new Refusal(413, 'body-too-large', `${what}; the limit is ${maxBytes} bytes`);

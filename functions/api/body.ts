import type { Context } from 'hono';
import { BodyCutOff, declaredBytes, readUpTo } from '../request-body.ts';
import type { Env } from './context.ts';
import { Refusal } from './problem.ts';

/**
 * The body's bytes, which no handler reads in any other way: not before it is known who sends them, and no more than a
 * limit. Read once; later calls, and Hono's own readers, get the same.
 *
 * @throws Refusal 413 where it is larger: by what its sender declares, before anything of it is read; else as soon as it is
 */
export async function readBody(c: Context<Env>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const known = c.get('body');
  if (known !== undefined) return within(known, maxBytes);
  const declared = declaredBytes(c.req.header('content-length'));
  if (declared !== undefined && declared > maxBytes) throw tooLarge(`${declared} bytes`, maxBytes);
  const body = await read(c, maxBytes);
  c.set('body', body);
  c.req.bodyCache.arrayBuffer = Promise.resolve(body.buffer) as never; // promises, whatever its type says
  return body;
}

async function read(c: Context<Env>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const body = await readUpTo(c.req.raw.body, maxBytes);
    if (body === undefined) throw tooLarge('it is larger', maxBytes);
    return body;
  } catch (error) {
    if (error instanceof BodyCutOff) throw new Refusal(400, 'body-cut-off', error.message);
    throw error;
  }
}

function within(body: Uint8Array<ArrayBuffer>, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (body.byteLength > maxBytes) throw tooLarge(`${body.byteLength} bytes`, maxBytes);
  return body;
}

const tooLarge = (what: string, maxBytes: number): Refusal =>
  new Refusal(413, 'body-too-large', `${what}; at most ${maxBytes} bytes`);

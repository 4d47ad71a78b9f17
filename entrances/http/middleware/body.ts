import type { Context } from 'hono';
import {
  type BodyBudget,
  BodyCutOff,
  declaredBytes,
  NoRoom,
  readUpTo,
  REQUEST_MAX_BYTES,
  UNVERIFIED_BODIES,
} from './request-body.ts';
import type { Env } from '../context.ts';
import { refusalOf } from '../../../core/actions/input-in-progress.ts';
import { contentRefusal, Refusal } from '../../../core/domain/refusal.ts';
import { utf8Form } from '../../../schemas/parsing/utf-8.ts';

/**
 * Reads the request body. Handlers read bodies only through this function, after authentication and up to a limit. The
 * body is read once: later calls, and Hono's own readers, get the same bytes.
 *
 * @throws Refusal 413 if the body is too large: before reading if `Content-Length` says so, otherwise as soon as it
 *   exceeds the limit; 400 if the connection ends before the whole body arrives; 422 if the same request stalled the
 *   process before
 */
export async function readBody(
  c: Context<Env>,
  routeMaxBytes: number,
  budget?: BodyBudget,
): Promise<Uint8Array<ArrayBuffer>> {
  const maxBytes = Math.min(routeMaxBytes, REQUEST_MAX_BYTES);
  const alreadyRead = c.get('body');
  if (alreadyRead !== undefined) return within(alreadyRead, maxBytes);
  const declared = declaredBytes(c.req.header('content-length'));
  if (declared !== undefined && declared > maxBytes) throw tooLarge(`the body has ${declared} bytes`, maxBytes);
  const body = await read(c, maxBytes, budget);
  const reason = refusalOf({ kind: 'request', method: c.req.method, path: c.req.path, body });
  if (reason !== undefined) throw contentRefusal(422, 'stalled-before', reason);
  c.set('body', body);
  c.req.bodyCache.arrayBuffer = Promise.resolve(body.buffer) as never; // Hono stores promises here, despite the declared type
  return body;
}

/**
 * Reads the body of a sender that is not authenticated yet. All such bodies share a budget.
 *
 * @throws Refusal as for `readBody`; 503 if the budget is used up
 */
export const readUnverifiedBody = (c: Context<Env>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> =>
  readBody(c, maxBytes, UNVERIFIED_BODIES);

/** Reads a form of a sender that is not authenticated yet. @throws Refusal as for the body; 400 if it is not UTF-8 */
export async function readForm(c: Context<Env>, maxBytes: number): Promise<URLSearchParams> {
  const form = utf8Form(await readUnverifiedBody(c, maxBytes));
  if (form === undefined) throw contentRefusal(400, 'not-utf-8', 'the form is not UTF-8');
  return form;
}

async function read(
  c: Context<Env>,
  maxBytes: number,
  budget: BodyBudget | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const body = await readUpTo(c.req.raw.body, maxBytes, budget);
    if (body === undefined) throw tooLarge('the body is too large', maxBytes);
    return body;
  } catch (error) {
    if (error instanceof BodyCutOff) throw contentRefusal(400, 'body-cut-off', error.message);
    if (error instanceof NoRoom)
      throw new Refusal(503, 'unavailable', 'too many requests with signatures arrive at once; try again', {
        'retry-after': '5',
      });
    throw error;
  }
}

function within(body: Uint8Array<ArrayBuffer>, maxBytes: number): Uint8Array<ArrayBuffer> {
  if (body.byteLength > maxBytes) throw tooLarge(`the body has ${body.byteLength} bytes`, maxBytes);
  return body;
}

const tooLarge = (what: string, maxBytes: number): Refusal =>
  new Refusal(413, 'body-too-large', `${what}; the limit is ${maxBytes} bytes`);

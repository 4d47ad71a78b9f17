import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod';

const TITLES = { 400: 'Bad request', 403: 'Forbidden', 422: 'Unprocessable content', 500: 'Internal error' } as const;

/** An RFC 9457 answer, to be thrown. `detail` says what was wrong and where. */
export function problem(status: keyof typeof TITLES, detail: string): HTTPException {
  const body = { type: 'about:blank', title: TITLES[status], status, detail };
  const res = new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });
  return new HTTPException(status, { res, message: detail });
}

/** @throws HTTPException 400 when the body is no JSON */
export async function readJson(c: Context): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch (error) {
    throw problem(400, `the body is no JSON: ${(error as Error).message}`);
  }
}

/** @throws HTTPException 422 that names every key which is not what `schema` says */
export function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const read = schema.safeParse(json);
  if (!read.success) throw problem(422, z.prettifyError(read.error));
  return read.data;
}

/** @throws HTTPException 400 that names every query parameter which is unknown or not what `schema` says */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  const read = schema.safeParse(c.req.query());
  if (!read.success) throw problem(400, z.prettifyError(read.error));
  return read.data;
}

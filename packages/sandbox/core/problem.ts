import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type * as z from 'zod';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

const TITLES = {
  400: 'Bad request',
  403: 'Forbidden',
  409: 'Conflict',
  422: 'Unprocessable content',
  500: 'Internal error',
} as const;

/** Returns an RFC 9457 response to throw. `detail` says what was wrong and where. */
export function problem(status: keyof typeof TITLES, detail: string): HTTPException {
  const body = { type: 'about:blank', title: TITLES[status], status, detail };
  const res = new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/problem+json' } });
  return new HTTPException(status, { res, message: detail });
}

/** @throws HTTPException 400 if the body is not JSON */
export async function readJson(c: Context): Promise<unknown> {
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch (error) {
    throw problem(400, `the body is not valid JSON: ${(error as Error).message}`);
  }
}

/** @throws HTTPException 422 with every key that does not match `schema` */
export function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const read = schema.safeParse(json);
  if (!read.success) throw problem(422, inputProblemText(read.error));
  return read.data;
}

/** @throws HTTPException 400 with every query parameter that is unknown or does not match `schema` */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  const read = schema.safeParse(c.req.query());
  if (!read.success) throw problem(400, inputProblemText(read.error));
  return read.data;
}

import type { Context } from 'hono';
import type * as z from 'zod';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

export const DOCUMENTATION = 'https://docs.github.com/rest';

/** The only user, and the author of all content. */
export const LOGIN = 'firebreak';

export const originOf = (c: Context): string => new URL(c.req.url).origin;

export const repositoryOf = (c: Context): string => `${c.req.param('owner')}/${c.req.param('repo')}`;

/** Formats a time in whole seconds, UTC. */
export const isoSeconds = (millis: number): string => new Date(millis).toISOString().replace(/\.\d{3}Z$/, 'Z');

export const errorResponse = (c: Context, status: 401 | 403 | 404 | 409 | 422, message: string): Response =>
  c.json({ message, documentation_url: DOCUMENTATION, status: String(status) }, status);

export const userJson = (c: Context, login = LOGIN): object => ({
  login,
  id: 1,
  url: `${originOf(c)}/users/${login}`,
  type: 'User',
  site_admin: false,
});

export const notFound = (c: Context): Response => errorResponse(c, 404, 'Not Found');

/** Returns the error for a body whose fields are valid, but which a rule of the resource forbids. */
export function validationError(c: Context, resource: string, message: string): Response {
  const errors = [{ resource, code: 'custom', message }];
  return c.json({ message: 'Validation Failed', errors, documentation_url: DOCUMENTATION, status: '422' }, 422);
}

/** Reads the body, or returns the error response. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<{ body: T } | { refusal: Response }> {
  const text = await c.req.text();
  let json: unknown;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    return {
      refusal: c.json({ message: 'Problems parsing JSON', documentation_url: DOCUMENTATION, status: '400' }, 400),
    };
  }
  const read = schema.safeParse(json);
  if (read.success) return { body: read.data };
  return { refusal: errorResponse(c, 422, `Invalid request.\n\n${inputProblemText(read.error)}`) };
}

import { isDamage, isDiskFailure } from '../../core/stores/storage-errors.ts';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import * as z from 'zod';

/** Problem details of RFC 9457. docs/reference/errors.md has a heading for each `code`. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string(),
    detail: z.string(),
    request_id: z.string(),
  })
  .meta({ id: 'Problem' });

/** Builds an error response. */
export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): Response {
  c.set('refusedAs', code);
  c.set('refusedFor', detail);
  const body = {
    type: `urn:firebreak:problem:${code}`,
    title: code.replaceAll('-', ' '),
    status,
    code,
    detail,
    request_id: requestId(c),
  };
  return c.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json', ...headers });
}

/** Returns the details of a failure. @param otherwise if the disk is not its cause */
export const detailOf = (error: unknown, otherwise: string): string =>
  isDamage(error)
    ? `the request failed, because ${error.message}`
    : isDiskFailure(error)
      ? 'the request failed, because Firebreak cannot write to its disk: it is full or faulty. Try again; Firebreak continues as soon as it can write'
      : otherwise;

/** Returns the ID of the request, or an empty string before it is set. */
export const requestId = (c: Context): string => {
  const id: unknown = c.get('requestId');
  return typeof id === 'string' ? id : '';
};

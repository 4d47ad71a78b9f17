import type { Context, Next } from 'hono';
import type { RouteConfig, RouteHandler } from '@hono/zod-openapi';
import type { Page } from '../../core/domain/ports/common.ts';
import type { Env } from './context.ts';

/** Maximum size of a page of a list, in bytes. A response of AWS Lambda has at most 6 MB. */
export const PAGE_MAX_BYTES = 4.5 * 1024 * 1024;

/** Bytes that a list of large items reads for a page: other requests wait while it is parsed and formatted. */
export const READ_MAX_BYTES = 1024 * 1024;

type Handler = (c: Context<Env>, next: Next) => Promise<Response>;

/**
 * Returns the handler of a list whose pages have at most `PAGE_MAX_BYTES`: a larger page is read again with fewer items, and
 * its `next_cursor` leads to the rest. An item that is larger alone is left out, and `left_out` counts it.
 */
export function inBytes<R extends RouteConfig>(handler: RouteHandler<R, Env>): RouteHandler<R, Env> {
  const read = handler as unknown as Handler;
  const handle: Handler = async (c, next) => {
    const response = await read(c, next);
    if (response.status !== 200) return response;
    const body = await response.arrayBuffer();
    if (body.byteLength <= PAGE_MAX_BYTES) return new Response(body, response);
    const { items, next_cursor } = pageIn(body);
    const count = items.length;
    if (count <= 1) return c.json({ items: [], next_cursor, left_out: count });
    const limit = Math.max(1, Math.floor((count * 0.9 * PAGE_MAX_BYTES) / body.byteLength));
    c.req.addValidatedData('query', { ...(c.req.valid('query' as never) as object), limit });
    return handle(c, next);
  };
  return handle as unknown as RouteHandler<R, Env>;
}

const pageIn = (body: ArrayBuffer): Page<unknown> => JSON.parse(Buffer.from(body).toString()) as Page<unknown>;

import { randomBytes, randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import type { Deps } from '../../domain/ports/deps.ts';
import { TRACEPARENT } from '../../schemas/parsing/traceparent.ts';
import type { Env } from '../context.ts';

/** Gives each request an ID, a trace, and a log. By default, browsers and proxies do not store responses. */
export const identifyRequest =
  ({ log }: Pick<Deps, 'log'>): MiddlewareHandler<Env> =>
  async (c, next) => {
    const requestId = safeId(c.req.header('x-request-id')) ?? randomUUID();
    const trace = traceOf(c.req.header('traceparent')) ?? randomBytes(16).toString('hex');
    c.set('requestId', requestId);
    c.set('trace', trace);
    c.set('log', log.with({ request_id: requestId, trace, method: c.req.method, path: c.req.path }));
    await next();
    c.res.headers.set('x-request-id', requestId);
    // Static files with a hash in their name have set their own header.
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  };

/** Returns the ID if it is safe to log and to echo. */
const safeId = (id: string | undefined): string | undefined =>
  id !== undefined && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;

/** Returns the trace ID of a W3C `traceparent` header. */
const traceOf = (header: string | undefined): string | undefined => TRACEPARENT.exec(header ?? '')?.[1];

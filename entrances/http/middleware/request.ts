import { randomUUID } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { whileInProgress } from '../../../core/actions/input-in-progress.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { TRACEPARENT } from '../../../schemas/parsing/traceparent.ts';
import type { Env } from '../context.ts';
import { addressOf } from './credentials.ts';
import { routeOf } from './refusals.ts';

/** Gives each request an ID, a trace, and a log. By default, browsers and proxies do not store responses. */
export const identifyRequest =
  ({ log }: Pick<Deps, 'log'>): MiddlewareHandler<Env> =>
  async (c, next) => {
    const requestId = safeId(c.req.header('x-request-id')) ?? randomUUID();
    const trace = traceOf(c.req.header('traceparent')) ?? randomUUID().replaceAll('-', ''); // Node keeps bytes for many UUIDs
    c.set('requestId', requestId);
    c.set('trace', trace);
    c.set('log', log.with({ request_id: requestId, trace, method: c.req.method, path: c.req.path }));
    await whileInProgress(
      () => ({
        kind: 'request',
        method: c.req.method,
        path: c.req.path,
        route: routeOf(c),
        request_id: requestId,
        source: c.get('source'),
        address: addressOf(c),
        content_type: c.req.header('content-type') ?? '',
        event: c.req.header('x-github-event'),
        body: c.get('body'),
      }),
      next,
    );
    c.res.headers.set('x-request-id', requestId);
    // Static files with a hash in their name have set their own header.
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  };

/** Returns the ID if it is safe to log and to echo. */
const safeId = (id: string | undefined): string | undefined =>
  id !== undefined && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;

/** Returns the trace ID of a W3C `traceparent` header. */
const traceOf = (header: string | undefined): string | undefined => TRACEPARENT.exec(header ?? '')?.[1];

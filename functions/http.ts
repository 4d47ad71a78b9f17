import type { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { deps } from '../aws/deps.ts';
import { api } from '../http/app.ts';
import type { Streamed } from '../http/middleware/request-body.ts';

type Handler = ReturnType<typeof handle>;
let app: Handler | undefined;

/** The Lambda handler of the HTTP API. Builds its dependencies at the first request, not on import. */
export const handler = (event: LambdaEvent & Streamed, context: LambdaContext): ReturnType<Handler> =>
  (app ??= handle(withStreams(api(deps()))))(withEncodedPath(event), context);

/** Accepts bodies as streams, which are read only after authentication and up to a limit. */
function withStreams(inner: ReturnType<typeof api>): Hono {
  const fetch = (request: Request, env: { event: Streamed }) => {
    const { stream } = env.event;
    // A stream requires `duplex`, which undici supports and the DOM types lack.
    const init = stream && { body: stream, duplex: 'half' };
    return inner.fetch(init === undefined ? request : new Request(request, init as RequestInit), env);
  };
  return { fetch } as unknown as Hono;
}

/**
 * Encodes the path again. API Gateway (HTTP API) passes it decoded, and a URL is built from it: a `#` in a name would
 * end the path, and `%41` would be decoded twice.
 */
export function withEncodedPath<E extends LambdaEvent>(event: E): E {
  if (!('rawPath' in event)) return event;
  const rawPath = event.rawPath.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return { ...event, rawPath };
}

/** Stores counts that are only in memory, before the process ends. */
export const beforeEnd = async (): Promise<void> => {
  if (app !== undefined) await deps().freezeDecisions.flush();
};

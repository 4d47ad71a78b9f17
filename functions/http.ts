import type { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { deps } from '../aws/deps.ts';
import { api } from './api/app.ts';
import type { Streamed } from './request-body.ts';

type Handler = ReturnType<typeof handle>;
let app: Handler | undefined;

/** The Lambda behind the public address. Importing it does nothing; what it needs is built at the first request. */
export const handler = (event: LambdaEvent & Streamed, context: LambdaContext): ReturnType<Handler> =>
  (app ??= handle(withStreams(api(deps()))))(withEncodedPath(event), context);

/** The same, where a body may come as a stream: it is read only when it is known who sends it, and no further than a limit. */
function withStreams(inner: ReturnType<typeof api>): Hono {
  const fetch = (request: Request, env: { event: Streamed }) => {
    const { stream } = env.event;
    // A stream needs the duplex that undici knows and the types of the DOM do not.
    const init = stream && { body: stream, duplex: 'half' };
    return inner.fetch(init === undefined ? request : new Request(request, init as RequestInit), env);
  };
  return { fetch } as unknown as Hono;
}

/**
 * An HTTP API of API Gateway hands the path over decoded, and a URL is made of it: a `#` in a name would end the path, and
 * a `%41` would be decoded once more.
 */
export function withEncodedPath<E extends LambdaEvent>(event: E): E {
  if (!('rawPath' in event)) return event;
  const rawPath = event.rawPath.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return { ...event, rawPath };
}

/** Writes what is only counted in memory, for a process that is about to end and is told so before. */
export const beforeEnd = async (): Promise<void> => {
  if (app !== undefined) await deps().freezeDecisions.flush();
};

import type { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import type { Env } from './context.ts';
import type { WithBodyStream } from './middleware/request-body.ts';

type Handler = ReturnType<typeof handle>;
type App = Pick<Hono<Env>, 'fetch'>;

/** Returns the Lambda handler of an app, which is built at the first request, not on import. */
export function lambdaHandler(
  buildApp: () => App,
): (event: LambdaEvent & WithBodyStream, context: LambdaContext) => ReturnType<Handler> {
  let handler: Handler | undefined;
  return (event, context) => (handler ??= handle(withStreams(buildApp())))(withEncodedPath(event), context);
}

/** Passes bodies to the app as streams, which are read only after authentication and up to a limit. */
function withStreams(app: App): Hono {
  const fetch = (request: Request, env: { event: WithBodyStream }) => {
    const { stream } = env.event;
    // A stream requires `duplex`, which undici supports and the DOM types lack.
    const init = stream && { body: stream, duplex: 'half' };
    return app.fetch(init === undefined ? request : new Request(request, init as RequestInit), env);
  };
  return { fetch } as unknown as Hono;
}

/**
 * Encodes the path again. API Gateway (HTTP API) passes it decoded, and a URL is built from it: a `#` in a name would
 * end the path, and `%41` would be decoded twice.
 */
function withEncodedPath<E extends LambdaEvent>(event: E): E {
  if (!('rawPath' in event)) return event;
  const rawPath = event.rawPath.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return { ...event, rawPath };
}

import type { Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { loadedOnce } from '../../core/domain/concurrency.ts';
import type { Env } from './context.ts';
import { encodedPath } from './encoded-path.ts';

type Handler = ReturnType<typeof handle>;
type App = { fetch(...request: never[]): ReturnType<Hono<Env>['fetch']> };

/** Returns the Lambda handler of an app, which is built at the first request, not on import, and at the next one if that fails. */
export function lambdaHandler(
  buildApp: () => App | Promise<App>,
): (event: LambdaEvent, context: LambdaContext) => ReturnType<Handler> {
  const handler = loadedOnce(async () => handle((await buildApp()) as Hono));
  return async (event, context) => (await handler())(withEncodedPath(event), context);
}

/**
 * Encodes the path again. API Gateway (HTTP API) passes it decoded, and a URL is built from it: a `#` in a name would
 * end the path, and `%41` would be decoded twice.
 */
const withEncodedPath = <E extends LambdaEvent>(event: E): E =>
  'rawPath' in event ? { ...event, rawPath: encodedPath(event.rawPath) } : event;

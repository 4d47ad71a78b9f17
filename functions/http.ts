import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { deps } from '../aws/deps.ts';
import { api } from './api/app.ts';

type Handler = ReturnType<typeof handle>;
let app: Handler | undefined;

/** The Lambda behind the public address. Importing it does nothing; what it needs is built at the first request. */
export const handler = (event: LambdaEvent, context: LambdaContext): ReturnType<Handler> =>
  (app ??= handle(api(deps())))(withEncodedPath(event), context);

/**
 * An HTTP API of API Gateway hands the path over decoded, and a URL is made of it: a `#` in a name would end the path, and
 * a `%41` would be decoded once more.
 */
export function withEncodedPath(event: LambdaEvent): LambdaEvent {
  if (!('rawPath' in event)) return event;
  const rawPath = event.rawPath.toWellFormed().split('/').map(encodeURIComponent).join('/');
  return { ...event, rawPath };
}

/** Writes what is only counted in memory, for a process that is about to end and is told so before. */
export const beforeEnd = async (): Promise<void> => {
  if (app !== undefined) await deps().freezeDecisions.flush();
};

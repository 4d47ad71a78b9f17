import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { deps } from '../aws/deps.ts';
import { api } from './api/app.ts';

type Handler = ReturnType<typeof handle>;
let app: Handler | undefined;

/** The Lambda behind the public address. Importing it does nothing; what it needs is built at the first request. */
export const handler = (event: LambdaEvent, context: LambdaContext): ReturnType<Handler> =>
  (app ??= handle(api(deps())))(event, context);

/** Writes what is only counted in memory, for a process that is about to end and is told so before. */
export const beforeEnd = async (): Promise<void> => {
  if (app !== undefined) await deps().freezeDecisions.flush();
};

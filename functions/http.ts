import { deps } from '../aws/deps.ts';
import { api } from '../http/app.ts';
import { lambdaHandler } from '../http/lambda.ts';

let used = false;

/** The Lambda handler of the HTTP API. */
export const handler = lambdaHandler(() => {
  used = true;
  return api(deps());
});

/** Stores counts that are only in memory, before the process ends. */
export const beforeEnd = async (): Promise<void> => {
  if (used) await deps().freezeDecisions.flush();
};

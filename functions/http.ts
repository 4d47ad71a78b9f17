import { deps } from '../aws/deps.ts';
import { api } from '../http/app.ts';
import { lambdaHandler } from '../http/lambda.ts';

/** Whether this process has handled a request, and therefore has dependencies to flush. */
let used = false;

/** The Lambda handler of the HTTP API. */
export const handler = lambdaHandler(() => {
  used = true;
  return api(deps());
});

/**
 * Stores the counts of repeated freeze checks that are only in memory. The local runtime calls it before its process ends.
 * On AWS, an instance that ends loses up to a minute of counts.
 */
export const beforeEnd = async (): Promise<void> => {
  if (used) await deps().freezeDecisions.flush();
};

import { deps } from '../aws/deps.ts';
import { lambdaHandler } from '../http/lambda.ts';
import { subscriptionsApp } from '../http/status/subscriptions/routes.ts';

/** The Lambda handler of the pages on which readers subscribe to a status page. It may write subscriptions only. */
export const handler = lambdaHandler(() => subscriptionsApp(deps()));

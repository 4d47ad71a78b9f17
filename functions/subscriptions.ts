import { deps } from '../assembly/aws.ts';
import { lambdaHandler } from '../http/lambda.ts';
import { subscriptionsApp } from '../http/status/subscriptions/routes.ts';

/**
 * The Lambda handler of the pages on which readers subscribe to a status page. Its IAM role allows it to write only
 * subscriptions.
 */
export const handler = lambdaHandler(() => subscriptionsApp(deps()));

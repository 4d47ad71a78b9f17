import { deps } from './assembly/aws.ts';
import { featureApp } from './assembly/features.ts';
import { lambdaHandler } from '../entrances/http/lambda.ts';

/**
 * The Lambda handler of the pages on which readers subscribe to a status page. Its IAM role allows it to write only
 * subscriptions.
 */
export const handler = lambdaHandler(() => featureApp('subscriptions', deps()));

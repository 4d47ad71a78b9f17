import { deps } from './assembly/aws.ts';
import { featureApp } from './assembly/features.ts';
import { lambdaHandler } from '../entrances/http/lambda.ts';

/**
 * The Lambda handler of the public status pages. Separate from the API, so that everybody can open them during an
 * incident without taking capacity from it, and because it may read nothing but public records.
 */
export const handler = lambdaHandler(() => featureApp('status', deps()));

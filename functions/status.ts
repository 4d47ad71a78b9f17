import { deps } from '../assembly/aws.ts';
import { lambdaHandler } from '../http/lambda.ts';
import { statusApp } from '../http/status/routes.ts';

/**
 * The Lambda handler of the public status pages. Separate from the API, so that everybody can open them during an
 * incident without taking capacity from it, and because it may read nothing but public records.
 */
export const handler = lambdaHandler(() => statusApp(deps()));

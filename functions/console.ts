import { deps } from '../assembly/aws.ts';
import { lambdaHandler } from '../http/lambda.ts';
import { consoleApp } from '../http/web/routes.ts';
import { signIn } from '../integrations/oidc/sign-in.ts';

/**
 * The Lambda handler of the console. Separate from the API, so that open pages, which ask for updates every few
 * seconds, take no capacity from the receivers of alerts.
 */
export const handler = lambdaHandler(() => consoleApp({ ...deps(), signIn: signIn(deps()) }));

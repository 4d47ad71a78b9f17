import { deps } from './assembly/aws.ts';
import { lambdaHandler } from '../entrances/http/lambda.ts';
import { consoleApp } from '../entrances/console/routes.ts';
import { signIn } from '../vendors/oidc/sign-in.ts';

/**
 * The Lambda handler of the console. Separate from the API, so that open pages, which ask for updates every few
 * seconds, take no capacity from the receivers of alerts.
 */
export const handler = lambdaHandler(() => consoleApp({ ...deps(), signIn: signIn(deps()) }));

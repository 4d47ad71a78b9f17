import { deps } from './assembly/aws.ts';
import { api } from '../entrances/http/app.ts';
import { lambdaHandler } from '../entrances/http/lambda.ts';

/** The Lambda handler of the HTTP API. An instance that ends loses up to a minute of counts of repeated freeze checks. */
export const handler = lambdaHandler(() => api(deps()));

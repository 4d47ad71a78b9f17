import { Hono, type Context } from 'hono';
import { ZodError } from 'zod';
import { callerOf } from './caller.ts';
import { codeDeployApi } from './codedeploy.ts';
import { type AwsOperations, ecsApi } from './ecs.ts';
import { lambdaApi } from './lambda.ts';
import { AwsRefusal } from './refusal.ts';
import { route53Api } from './route53.ts';
import { awsSandbox } from './sandbox.ts';
import { assumeRole } from './sts.ts';
import { documentTables } from '../core/exchanges.ts';
import type { StandIn, StandInDeps } from '../core/stand-in.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/**
 * The parts of AWS that are rollback targets (Lambda aliases, ECS services, CodeDeploy groups, and weighted records of
 * Route 53), and the roles that grant access to them. One address serves all APIs, and can be set as `endpoint` of the
 * SDKs.
 */
export const aws = {
  vendor: 'aws',
  tables: documentTables,
  credentialKeys: [],
  settings: (url) => ({
    AWS_TARGETS_URL: url,
    // The stand-in takes any; the SDK sends no request without them.
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'sandbox',
    AWS_SECRET_ACCESS_KEY: 'sandbox',
  }),
  throttled: () => new AwsRefusal('ThrottlingException', 'Rate exceeded').toJson(),
  app: (deps) =>
    new Hono()
      .route(
        '/2015-03-31/functions',
        lambdaApi(deps).onError((error) => refusalOf(error).toRest()),
      )
      .route(
        '/2013-04-01',
        route53Api(deps).onError((error) => refusalOf(error).toXml()),
      )
      .post('/', (c) => (c.req.header('x-amz-target') === undefined ? query(c, deps) : rpc(c, deps))),
  sandbox: awsSandbox,
  view: null,
} as const satisfies StandIn;

/** The APIs by the first part of `X-Amz-Target`: the service name in the scope of a signature, and the operations. */
const APIS: Record<string, { service: string; open(deps: StandInDeps): AwsOperations }> = {
  AmazonEC2ContainerServiceV20141113: { service: 'ecs', open: ecsApi },
  CodeDeploy_20141006: { service: 'codedeploy', open: codeDeployApi },
};

/** Handles a call in AWS JSON 1.1. */
async function rpc(c: Context, deps: StandInDeps): Promise<Response> {
  try {
    const [target = '', operation = ''] = (c.req.header('x-amz-target') ?? '').split('.');
    const api = APIS[target];
    const caller = callerOf(c.req.raw, api?.service ?? '');
    const handle = api?.open(deps)[operation];
    if (!handle) throw new AwsRefusal('UnknownOperationException', `${operation} is not supported by the stand-in`);
    const answer = handle(JSON.parse(await c.req.text()), caller);
    return Response.json(answer, { headers: { 'content-type': 'application/x-amz-json-1.1' } });
  } catch (error) {
    return refusalOf(error).toJson();
  }
}

/** Handles a call in the query protocol, with form parameters and XML. Only STS uses it. */
async function query(c: Context, deps: StandInDeps): Promise<Response> {
  try {
    return assumeRole(c.req.raw, new URLSearchParams(await c.req.text()), deps.now());
  } catch (error) {
    return refusalOf(error).toXml();
  }
}

/** @throws any other error, which is a bug in the stand-in */
function refusalOf(error: unknown): AwsRefusal {
  if (error instanceof AwsRefusal) return error;
  if (error instanceof ZodError) return new AwsRefusal('ValidationException', inputProblemText(error));
  if (error instanceof SyntaxError) return new AwsRefusal('SerializationException', error.message);
  throw error;
}

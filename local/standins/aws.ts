import { Hono, type Context } from 'hono';
import { ZodError } from 'zod';
import { functionTables } from './aws-functions.ts';
import { lambdaApi } from './aws-lambda.ts';
import { AwsRefusal } from './aws-refusal.ts';
import { lambdaSandbox, shownFunctions } from './aws-sandbox.ts';
import { assumeRole } from './aws-sts.ts';
import type { StandIn, StandInDeps } from './stand-in.ts';

/**
 * The parts of AWS that services are deployed to: aliases of Lambda, and the roles by which one gets there. One
 * address serves all of its APIs, as the SDKs take it for `endpoint`.
 */
export const aws = {
  vendor: 'aws',
  tables: functionTables,
  credentialKeys: [],
  throttled: () => new AwsRefusal('ThrottlingException', 'Rate exceeded').toJson(),
  app: (deps) =>
    new Hono()
      .route(
        '/2015-03-31/functions',
        lambdaApi(deps).onError((error) => refusalOf(error).toRest()),
      )
      .post('/', (c) => query(c, deps)),
  sandbox: (deps) => new Hono().route('/lambda', lambdaSandbox(deps)),
  view: (deps) => ({ functions: shownFunctions(deps) }),
} as const satisfies StandIn;

/** STS is the one that still speaks forms and XML. */
async function query(c: Context, deps: StandInDeps): Promise<Response> {
  try {
    return assumeRole(c.req.raw, new URLSearchParams(await c.req.text()), deps.now());
  } catch (error) {
    return refusalOf(error).toXml();
  }
}

/** @throws what is no refusal, but a mistake of the stand-in */
function refusalOf(error: unknown): AwsRefusal {
  if (error instanceof AwsRefusal) return error;
  if (error instanceof ZodError) return new AwsRefusal('ValidationException', error.message);
  throw error;
}

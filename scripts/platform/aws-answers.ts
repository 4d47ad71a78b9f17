import { createHash } from 'node:crypto';

/** Inputs and outputs of a resource, as plain JSON. */
export type Values = Record<string, unknown>;

export const ACCOUNT = '123456789012';
/** The Region of a stage whose file names none. */
export const REGION = 'eu-central-1';

let region = REGION;

/** Answers from now on as this Region does. */
export function answerAs(name: string): void {
  region = name;
}

/** Returns AWS's response to the creation of a resource: only the fields that other resources refer to. */
export function createdResource(type: string, name: string, inputs: Values): { id: string; state: Values } {
  const physicalName = typeof inputs['name'] === 'string' ? inputs['name'] : name;
  const { id, ...outputs } = outputsOf(type, name, physicalName, inputs);
  return { id, state: { ...inputs, ...outputs } };
}

const arn = (service: string, rest: string, at: string = region): string =>
  `arn:aws:${service}:${at}:${ACCOUNT}:${rest}`;
const hash = (text: string, length = 10): string => createHash('sha256').update(text).digest('hex').slice(0, length);
const invocation = (functionArn: string): string =>
  `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${functionArn}/invocations`;

function outputsOf(type: string, name: string, physicalName: string, inputs: Values): Values & { id: string } {
  switch (type) {
    case 'aws:lambda/function:Function': {
      const functionArn = arn('lambda', `function:${physicalName}`);
      const version = inputs['publish'] === true ? '1' : '$LATEST';
      const qualified = `${functionArn}:${version}`;
      return {
        id: physicalName,
        name: physicalName,
        arn: functionArn,
        version,
        qualifiedArn: qualified,
        invokeArn: invocation(functionArn),
      };
    }
    case 'aws:lambda/alias:Alias': {
      const aliasArn = `${arn('lambda', `function:${text(inputs['functionName'])}`)}:${physicalName}`;
      return { id: aliasArn, name: physicalName, arn: aliasArn, invokeArn: invocation(aliasArn) };
    }
    case 'aws:sqs/queue:Queue': {
      const url = `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${physicalName}`;
      return { id: url, name: physicalName, url, arn: arn('sqs', physicalName) };
    }
    case 'aws:dynamodb/table:Table':
      return { id: physicalName, name: physicalName, arn: arn('dynamodb', `table/${physicalName}`) };
    case 'aws:s3/bucket:Bucket': {
      const bucket = text(inputs['bucket'] ?? physicalName);
      const bucketDomainName = `${bucket}.s3.amazonaws.com`;
      return { id: bucket, bucket, arn: `arn:aws:s3:::${bucket}`, region, bucketDomainName };
    }
    case 'aws:sns/topic:Topic':
      return { id: arn('sns', physicalName), name: physicalName, arn: arn('sns', physicalName) };
    case 'aws:iam/role:Role':
      return { id: physicalName, name: physicalName, arn: arn('iam', `role/${physicalName}`, '') };
    case 'aws:apigatewayv2/api:Api': {
      const id = hash(name);
      const apiEndpoint = `https://${id}.execute-api.${region}.amazonaws.com`;
      return { id, name: physicalName, apiEndpoint, executionArn: arn('execute-api', id) };
    }
    case 'random:index/randomBytes:RandomBytes': {
      const bytes = createHash('sha256').update(name).digest();
      return { id: hash(name), base64: bytes.toString('base64'), hex: bytes.toString('hex') };
    }
    default: {
      const [, service = '', kind = ''] = /^aws:([^/]+)\/([^:]+):/.exec(type) ?? [];
      return service === ''
        ? { id: hash(name) }
        : { id: `${physicalName}-id`, name: physicalName, arn: arn(service, `${kind}/${physicalName}`) };
    }
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** @throws Error for an unknown call */
export function calledFunction(token: string, args: Values): Values {
  switch (token) {
    case 'aws:index/getRegion:getRegion':
      return { id: region, name: region, region };
    case 'aws:index/getPartition:getPartition':
      return { id: 'aws', partition: 'aws', dnsSuffix: 'amazonaws.com' };
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { id: ACCOUNT, accountId: ACCOUNT, arn: arn('iam', 'user/deployer', ''), userId: 'AIDAEXAMPLE' };
    case 'aws:iam/getPolicyDocument:getPolicyDocument':
      return { ...args, ...policyDocument(args) };
    default:
      throw new Error(`scripts/platform/aws-answers.ts: no response defined for ${token}`);
  }
}

type StatementArgs = {
  effect?: string;
  actions?: string[];
  notActions?: string[];
  resources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
};

/** The provider computes the document locally, too. */
function policyDocument(args: Values): { id: string; json: string } {
  const statements = (args['statements'] ?? []) as StatementArgs[];
  const Statement = statements.map(({ effect, actions, notActions, resources, principals, conditions }) => ({
    Effect: effect ?? 'Allow',
    ...(actions && { Action: actions }),
    ...(notActions && { NotAction: notActions }),
    ...(resources && { Resource: resources }),
    ...(principals && {
      Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])),
    }),
    ...(conditions && { Condition: conditionsOf(conditions) }),
  }));
  const json = JSON.stringify({ Version: '2012-10-17', Statement });
  return { id: hash(json), json };
}

function conditionsOf(conditions: NonNullable<StatementArgs['conditions']>): Values {
  const tests = [...new Set(conditions.map(({ test }) => test))];
  const valuesFor = (test: string) =>
    conditions.filter((one) => one.test === test).map(({ variable, values }) => [variable, values] as const);
  return Object.fromEntries(tests.map((test) => [test, Object.fromEntries(valuesFor(test))]));
}

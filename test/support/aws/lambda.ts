import {
  type DurableExecutionClient,
  DurableExecutionClientError,
  type DurableLambdaHandler,
} from '@aws/durable-execution-sdk-js';
import { Database } from '../../../platforms/sqlite/database.ts';
import { SqliteExecutions, type SqliteExecutionsOptions } from '../../../platforms/sqlite/executions.ts';
import { operationOf } from '../../../platforms/sqlite/operations.ts';
import { type AwsRequest, type AwsResponse, type Endpoint, serve } from './server.ts';

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:workflow:1/durable-execution/';
const INVOCATION = 'b3c7';

type Body = {
  CheckpointToken: string;
  ClientToken?: string;
  Updates?: Parameters<DurableExecutionClient['checkpoint']>[0]['Updates'];
};

/** The last checkpoint of an execution, and the token that the next one needs. */
type Checkpoint = { next: string; clientToken?: string | undefined; response?: AwsResponse };

export type LambdaOptions = Pick<SqliteExecutionsOptions, 'timeScale' | 'log'> & {
  /** The deployed function. It sends its checkpoints to this endpoint. */
  handler: DurableLambdaHandler;
};

/**
 * Starts a stand-in of the part of Lambda's API that concerns durable executions, by its reference (2026-11). The
 * executions themselves are those of platform SQLite, in memory.
 *
 * As on AWS, an execution has an ARN, callbacks have opaque IDs, a checkpoint is valid once, with the token of the one
 * before it, and its repetition by the client gets the same response. A start with the name of an execution that has ended
 * returns its ARN, and has no effect.
 *
 * @returns also `isExecuting`: whether an execution has not ended
 */
export async function startLambda({
  handler,
  timeScale,
  log,
}: LambdaOptions): Promise<Endpoint & { isExecuting(): boolean }> {
  const database = Database.inMemory();
  const inputs = new Map<string, string>();
  const checkpoints = new Map<string, Checkpoint>();
  let transport!: DurableExecutionClient;
  const executions = new SqliteExecutions({
    database,
    handler: (client) => {
      transport = client;
      return (event, context) => {
        const { DurableExecutionArn: name, CheckpointToken, InitialExecutionState: state } = event;
        checkpoints.set(name, { next: CheckpointToken });
        const InitialExecutionState = JSON.parse(JSON.stringify(state, withCallbackId)) as typeof state;
        return handler({ CheckpointToken, InitialExecutionState, DurableExecutionArn: arnOf(name) }, context);
      };
    },
    timeScale,
    executionTimeoutSeconds: 365 * 86_400,
    retentionDays: 14,
    maxConcurrent: 10,
    log,
  });
  await executions.resume();

  const start = async (request: AwsRequest): Promise<AwsResponse> => {
    const name = String(request.headers['x-amz-durable-execution-name']);
    const input = request.body.toString();
    if (request.headers['x-amz-invocation-type'] !== 'Event' || !request.path.includes('Qualifier='))
      return refusal(400, 'InvalidParameterValueException', 'not an asynchronous invocation of a version');
    if ((inputs.get(name) ?? input) !== input)
      return refusal(409, 'DurableExecutionAlreadyStartedException', 'started with another payload');
    await executions.start(name, JSON.parse(input) as object);
    inputs.set(name, input);
    return { status: 202, headers: { 'x-amz-durable-execution-arn': arnOf(name) } };
  };

  const read = async (arn: string): Promise<AwsResponse> => {
    const name = nameOf(arn);
    const status = await executions.status(name);
    if (status === 'unknown') return refusal(404, 'ResourceNotFoundException', arn);
    return json({ DurableExecutionArn: arn, DurableExecutionName: name, Status: status.toUpperCase() });
  };

  const complete = async (id: string): Promise<AwsResponse> => {
    const callback = Buffer.from(id, 'base64url').toString();
    const row = database.sql.get(
      "SELECT operation FROM operations WHERE execution || '.' || id = ? AND execution IN (SELECT name FROM executions WHERE ended_at IS NULL)",
      callback,
    );
    if (row === undefined) return refusal(404, 'ResourceNotFoundException', id);
    if (operationOf(row).Status !== 'STARTED') return refusal(400, 'InvalidParameterValueException', 'closed');
    await executions.completeCallback(callback);
    return json({});
  };

  const checkpoint = async (arn: string, { CheckpointToken, ClientToken, Updates }: Body): Promise<AwsResponse> => {
    const name = nameOf(arn);
    const last = checkpoints.get(name);
    if (last?.response !== undefined && last.clientToken === ClientToken) return last.response;
    if (last?.next !== CheckpointToken)
      return refusal(400, 'InvalidParameterValueException', 'Invalid Checkpoint Token');
    const [invocation = '', n = '0'] = CheckpointToken.split('/');
    const answer = await transport.checkpoint({
      DurableExecutionArn: name,
      CheckpointToken: invocation,
      Updates: Updates ?? [],
    });
    const next = `${invocation}/${Number(n) + 1}`;
    const response = json({ ...answer, CheckpointToken: next });
    // Unless the next invocation has begun meanwhile.
    if (checkpoints.get(name) === last) checkpoints.set(name, { next, clientToken: ClientToken, response });
    return response;
  };

  const state = async (arn: string, token: string): Promise<AwsResponse> => {
    const [CheckpointToken = ''] = token.split('/');
    return json(await transport.getExecutionState({ DurableExecutionArn: nameOf(arn), CheckpointToken }));
  };

  const { url, close } = await serve(async (request) => {
    const { pathname, searchParams } = new URL(request.path, 'http://lambda');
    const [, date = '', kind = '', id = '', operation = ''] = pathname.split('/').map(decodeURIComponent);
    try {
      switch (`${request.method} ${date} ${kind} ${operation}`) {
        case 'POST 2015-03-31 functions invocations':
          return await start(request);
        case 'GET 2025-12-01 durable-executions ':
          return await read(id);
        case 'POST 2025-12-01 durable-executions checkpoint':
          return await checkpoint(id, JSON.parse(request.body.toString()) as Body);
        case 'GET 2025-12-01 durable-executions state':
          return await state(id, searchParams.get('CheckpointToken') ?? '');
        case 'POST 2025-12-01 durable-execution-callbacks succeed':
          return await complete(id);
        default:
          return refusal(404, 'ResourceNotFoundException', `${request.method} ${pathname}`);
      }
    } catch (error) {
      // These are the client's fault: an execution that it no longer owns, or an update that is not valid.
      if (error instanceof DurableExecutionClientError)
        return refusal(400, 'InvalidParameterValueException', error.message);
      throw error;
    }
  });
  return {
    url,
    isExecuting: () => database.sql.get('SELECT 1 FROM executions WHERE ended_at IS NULL') !== undefined,
    close: async () => {
      await executions.close();
      await close();
      await database.close();
    },
  };
}

const arnOf = (name: string): string => `${ARN}${name}/${INVOCATION}`;

const nameOf = (arn: string): string => arn.slice(ARN.length).split('/')[0] ?? '';

const refusal = (status: number, type: string, Message: string): AwsResponse => ({
  ...json({ Type: 'User', Message, message: Message }, status),
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': type },
});

const json = (body: unknown, status = 200): AwsResponse => ({
  status,
  headers: { 'content-type': 'application/json' },
  // In Lambda's API, times are seconds since the Unix epoch.
  body: JSON.stringify(body, (key, value: unknown) =>
    key.endsWith('Timestamp') && typeof value === 'string' ? Date.parse(value) / 1000 : withCallbackId(key, value),
  ),
});

const withCallbackId = (key: string, value: unknown): unknown =>
  key === 'CallbackId' && typeof value === 'string' ? Buffer.from(value).toString('base64url') : value;

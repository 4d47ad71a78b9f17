import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, onTestFinished, test } from 'vitest';
import { s3Blobs } from '../../../platforms/aws/s3-blobs.ts';
import { awsClient, DURABLE_LIMITS, type Limits, SHARED_LIMITS, SLACK_LIMITS } from '../../../platforms/aws/client.ts';
import { enginesOf } from '../../../functions/assembly/deps/queues.ts';
import { inboundQueue } from '../../../core/stores/queues/queues.ts';
import { LambdaExecutions } from '../../../platforms/aws/lambda-executions.ts';
import { SqsQueues } from '../../../platforms/aws/sqs-queues.ts';
import { FUNCTIONS } from '../../../functions/assembly/functions.ts';
import { Table } from '../../../core/stores/table.ts';
import { put } from '../../../platforms/store.ts';
import { clientSettings } from '../../../vendors/aws/access.ts';
import {
  acceptsAndNeverAnswers,
  dropsConnections,
  neverEndsItsBody,
  type SilentPort,
} from '../../support/silent-ports.ts';
import { DynamoStore } from '../../../platforms/aws/dynamodb-store.ts';

const credentials = { accessKeyId: 'client-test', secretAccessKey: 'not checked' };

/** Short, so that the test is fast; long enough that only the tested limit ends a call. */
const NEVER_MS = 60_000;
const BRIEF: Limits = { connectMs: 20, attemptMs: 20, callMs: NEVER_MS, maxAttempts: 2 };

async function at(port: Promise<SilentPort>): Promise<string> {
  const { url, close } = await port;
  onTestFinished(close);
  return url;
}

/** The calls that the product makes with each of its clients. */
function calls(endpoint: string, limits: Limits): Record<string, () => Promise<unknown>> {
  const place = { endpoint, region: 'eu-central-1', credentials };
  const blobs = s3Blobs(awsClient(S3Client, limits, { ...place, forcePathStyle: true }), 'bucket', limits);
  const table = new Table(new DynamoStore(awsClient(DynamoDBClient, limits, place), 'firebreak'));
  const urls = { people: `${endpoint}/000000000000/people.fifo` };
  const people = inboundQueue(new SqsQueues(awsClient(SQSClient, limits, place), urls));
  const workflow = { functionName: 'workflow', qualifier: 'live' };
  const executions = new LambdaExecutions(awsClient(LambdaClient, limits, place), workflow);
  const { engine } = enginesOf(executions, 'test');
  const ssm = awsClient(SSMClient, limits, place);
  return {
    'a read of the table': () => table.get({ pk: 'A', sk: 'B' }),
    'a write of the table': () => table.transact([put({ pk: 'A', sk: 'B' })]),
    'a message': () => people.send({ key: 'command:1' } as never, 'group'),
    'a blob read': () => blobs.get('config/current.json'),
    'a blob written': () => blobs.put('signals/1.json', '{}', 'application/json'),
    'a run started': () => engine.start('inc_1' as never, 1),
    'secrets read': () => ssm.send(new GetParametersByPathCommand({ Path: '/firebreak/test' })),
  };
}

const failuresOf = async (all: Record<string, () => Promise<unknown>>): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      Object.entries(all).map(async ([name, call]) => [
        name,
        await call().then(
          () => 'answered',
          (error: unknown) => (error instanceof Error ? error.name : String(error)),
        ),
      ]),
    ),
  ) as Record<string, string>;

const eachIs = (all: Record<string, unknown>, what: unknown) =>
  Object.fromEntries(Object.keys(all).map((name) => [name, what]));

describe('every AWS call ends', () => {
  test('at a port that accepts connections and never responds', async () => {
    const all = calls(await at(acceptsAndNeverAnswers()), { ...BRIEF, connectMs: NEVER_MS });
    expect(await failuresOf(all)).toEqual(eachIs(all, 'TimeoutError'));
  });

  test('at a port where no connection is established', async () => {
    const all = calls(await at(dropsConnections()), { ...BRIEF, attemptMs: NEVER_MS });
    expect(await failuresOf(all)).toEqual(eachIs(all, 'TimeoutError'));
  });

  test('when a body stops in the middle', async () => {
    const all = calls(await at(neverEndsItsBody()), BRIEF);
    expect(Object.values(await failuresOf(all))).not.toContain('answered');
  });

  test('when a body arrives byte by byte without an end', async () => {
    const url = await at(neverEndsItsBody({ dripMs: 2 }));
    const all = calls(url, { connectMs: NEVER_MS, attemptMs: NEVER_MS, callMs: 60 });
    const { 'a blob read': stream, ...others } = await failuresOf(all);
    expect(stream).not.toBe('answered');
    expect(Object.values(others)).not.toContain('answered');
  });

  test('a rollback target has limits too', async () => {
    const endpoint = await at(acceptsAndNeverAnswers());
    const settings = clientSettings({ region: 'eu-central-1', roleArn: undefined, endpoint });
    expect(settings.requestHandler).toEqual({
      connectionTimeout: 3000,
      requestTimeout: 10_000,
      socketTimeout: 10_000,
      throwOnRequestTimeout: true,
    });
  });
});

describe('limits', () => {
  const { slack, ...shared } = FUNCTIONS;

  test.each([
    ...Object.entries(shared).map(([name, { timeoutSeconds }]) => [name, SHARED_LIMITS, timeoutSeconds] as const),
    ['slack', SLACK_LIMITS, slack.timeoutSeconds] as const,
    ['checkpoints of the workflow', DURABLE_LIMITS, shared['incident-response'].timeoutSeconds] as const,
  ])('of %s: a call takes at most a third of its timeout and leaves time for another attempt', (_, limits, seconds) => {
    expect(limits.callMs).toBeLessThanOrEqual((seconds * 1000) / 3);
    expect(limits.attemptMs).toBeLessThanOrEqual(limits.callMs / 2);
    expect(limits.connectMs).toBeLessThanOrEqual(limits.attemptMs);
  });
});

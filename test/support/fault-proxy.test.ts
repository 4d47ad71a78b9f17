import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  CheckpointDurableExecutionCommand,
  InvokeCommand,
  LambdaClient,
  SendDurableExecutionCallbackSuccessCommand,
} from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import {
  BatchGetCommand,
  BatchWriteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startDynamoDb } from './aws/dynamodb.ts';
import { startQueuesAndBlobs } from './aws/queues-and-blobs.ts';
import { clientOptions as defaults, type Endpoint, serve } from './aws/server.ts';
import { startSsm } from './aws/ssm.ts';
import { type FaultRates, faultProxy, type Service } from './fault-proxy.ts';

const SEED = 7;

/**
 * Client options. `attempts` is the number of attempts until failure: 2 if the SDK considers the error retryable,
 * otherwise 1.
 */
const clientOptions = (endpoint: string) => ({ ...defaults(endpoint), maxAttempts: 2 });

async function proxyTo<S extends Service>(
  upstream: string,
  service: S,
  rates: FaultRates<S>,
  more: { seed?: number; staleMs?: number } = {},
) {
  const proxy = await faultProxy({ upstream, service, seed: SEED, rates, lateMs: 20, ...more });
  onTestFinished(() => proxy.close());
  return proxy;
}

describe('DynamoDB', () => {
  const TableName = 'faulty';
  let dynamodb: Endpoint;
  let direct: DynamoDBDocumentClient;

  beforeAll(async () => {
    dynamodb = await startDynamoDb();
    direct = documents(dynamodb.url);
    await direct.send(createTable(TableName));
  });

  afterAll(() => dynamodb.close());

  const documents = (url: string) => DynamoDBDocumentClient.from(new DynamoDBClient(clientOptions(url)));
  const createTable = (name: string) =>
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: ['pk', 'state'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-state',
          KeySchema: [{ AttributeName: 'state', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
  const put = (pk: string, more: object = {}) => new PutCommand({ TableName, Item: { pk, ...more } });
  const get = (pk: string, ConsistentRead = false) => new GetCommand({ TableName, Key: { pk }, ConsistentRead });
  const transaction = (pk: string) =>
    new TransactWriteCommand({
      ClientRequestToken: randomUUID(),
      TransactItems: [{ Put: { TableName, Item: { pk } } }, { Put: { TableName, Item: { pk: `${pk}-2` } } }],
    });
  const stored = async (pk: string) => (await direct.send(get(pk, true))).Item;

  async function faulty(rates: FaultRates<'dynamodb'>, more: { seed?: number; staleMs?: number } = {}) {
    const proxy = await proxyTo(dynamodb.url, 'dynamodb', rates, more);
    return { proxy, db: documents(proxy.url) };
  }

  test.each([
    ['throughput-exceeded', 'ProvisionedThroughputExceededException', 400, 2],
    ['throttled', 'ThrottlingException', 400, 2],
    ['internal-error', 'InternalServerError', 500, 2],
    ['transaction-conflict', 'TransactionConflictException', 400, 1],
  ] as const)('%s: a put fails with %s and is not applied', async (fault, name, httpStatusCode, attempts) => {
    const { proxy, db } = await faulty({ [fault]: 1 });
    await expect(db.send(put(fault))).rejects.toMatchObject({ name, $metadata: { httpStatusCode, attempts } });
    expect(await stored(fault)).toBeUndefined();
    expect(proxy.log).toHaveLength(attempts);
    expect(proxy.log[0]).toEqual({ at: expect.any(String), operation: 'PutItem', n: 1, fault });
  });

  test('transaction-conflict: a transaction is canceled with the reason of one item, not retried, not applied', async () => {
    const { db } = await faulty({ 'transaction-conflict': 1 });
    const cancelled = await db.send(transaction('conflict')).catch((error: unknown) => error);
    expect(cancelled).toMatchObject({ name: 'TransactionCanceledException', $metadata: { attempts: 1 } });
    const { CancellationReasons } = cancelled as { CancellationReasons: { Code: string }[] };
    expect(CancellationReasons.map(({ Code }) => Code).toSorted()).toEqual(['None', 'TransactionConflict']);
    expect(await stored('conflict')).toBeUndefined();
    expect(await stored('conflict-2')).toBeUndefined();
  });

  test('transaction-in-progress: only transactions get it; retried and not applied', async () => {
    const { db } = await faulty({ 'transaction-in-progress': 1 });
    await expect(db.send(transaction('in-progress'))).rejects.toMatchObject({
      name: 'TransactionInProgressException',
      $metadata: { attempts: 2 },
    });
    expect(await stored('in-progress')).toBeUndefined();
    await db.send(put('in-progress'));
  });

  test('lost-answer: the write is applied, and the client gets a broken connection and retries', async () => {
    const { proxy, db } = await faulty({ 'lost-answer': 1 });
    await expect(db.send(put('lost'))).rejects.toMatchObject({ code: 'ECONNRESET', $metadata: { attempts: 2 } });
    expect(await stored('lost')).toEqual({ pk: 'lost' });
    expect(proxy.log.map(({ fault }) => fault)).toEqual(['lost-answer', 'lost-answer']);
    await db.send(get('lost'));
  });

  test('late-answer: the write is applied before the response arrives', async () => {
    const proxy = await faultProxy({
      upstream: dynamodb.url,
      service: 'dynamodb',
      seed: SEED,
      rates: { 'late-answer': 1 },
      lateMs: 1e9, // never within this test
    });
    const unanswered = documents(proxy.url)
      .send(put('late'))
      .then(
        () => 'answered',
        () => 'broken off',
      );
    await expect.poll(() => stored('late')).toEqual({ pk: 'late' });
    await proxy.close();
    expect(await unanswered).toBe('broken off');
  });

  test('partial-batch: half of a batch is applied, and the rest is returned as unprocessed', async () => {
    const { db } = await faulty({ 'partial-batch': 1 });
    const pks = ['b1', 'b2', 'b3'];
    const write = await db.send(
      new BatchWriteCommand({ RequestItems: { [TableName]: pks.map((pk) => ({ PutRequest: { Item: { pk } } })) } }),
    );
    expect(write.UnprocessedItems?.[TableName]).toEqual([{ PutRequest: { Item: { pk: 'b3' } } }]);
    expect([await stored('b2'), await stored('b3')]).toEqual([{ pk: 'b2' }, undefined]);

    const RequestItems = { [TableName]: { Keys: ['b1', 'b2'].map((pk) => ({ pk })), ConsistentRead: true } };
    const read = await db.send(new BatchGetCommand({ RequestItems }));
    expect(read.Responses?.[TableName]).toEqual([{ pk: 'b1' }]);
    expect(read.UnprocessedKeys?.[TableName]).toEqual({ Keys: [{ pk: 'b2' }], ConsistentRead: true });
  });

  describe('stale-read', () => {
    const FOREVER_MS = 1e9;
    const open = new QueryCommand({
      TableName,
      IndexName: 'by-state',
      KeyConditionExpression: '#state = :open',
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: { ':open': 'open' },
    });

    test('reads without consistency, and all index reads, return the state before the latest writes', async () => {
      await direct.send(put('stale', { state: 'open', version: 1 }));
      const { proxy, db } = await faulty({ 'stale-read': 1 }, { staleMs: FOREVER_MS });
      await db.send(put('stale', { state: 'closed', version: 2 }));
      await db.send(transaction('stale-new'));
      expect((await db.send(open)).Items).toEqual([{ pk: 'stale', state: 'open', version: 1 }]);
      expect((await db.send(get('stale'))).Item).toMatchObject({ version: 1 });
      expect((await db.send(get('stale-new'))).Item).toBeUndefined();
      const keys = { Keys: [{ pk: 'stale' }] };
      const batch = await db.send(new BatchGetCommand({ RequestItems: { [TableName]: keys } }));
      expect(batch.Responses?.[TableName]).toMatchObject([{ version: 1 }]);
      expect(proxy.log.map(({ operation }) => operation)).toEqual(['Query', 'GetItem', 'GetItem', 'BatchGetItem']);
    });

    test('consistent and transactional reads are never stale', async () => {
      const { proxy, db } = await faulty({ 'stale-read': 1 }, { staleMs: FOREVER_MS });
      await db.send(put('strong', { version: 2 }));
      expect((await db.send(get('strong', true))).Item).toMatchObject({ version: 2 });
      const keys = { Keys: [{ pk: 'strong' }], ConsistentRead: true };
      const batch = await db.send(new BatchGetCommand({ RequestItems: { [TableName]: keys } }));
      expect(batch.Responses?.[TableName]).toMatchObject([{ version: 2 }]);
      const { Responses } = await db.send(
        new TransactGetCommand({ TransactItems: [{ Get: { TableName, Key: { pk: 'strong' } } }] }),
      );
      expect(Responses).toMatchObject([{ Item: { version: 2 } }]);
      expect(proxy.log).toEqual([]);
    });

    test('a write is visible after the lag, even if its response was lost, and a table created meanwhile has a copy', async () => {
      const made = `made-${randomUUID()}`;
      const { db } = await faulty({ 'stale-read': 1, 'lost-answer': 1 }, { staleMs: 10 });
      await db.send(createTable(made));
      const read = () =>
        db.send(new GetCommand({ TableName: made, Key: { pk: 'x' } })).then(({ Item }) => Item?.['n'] as unknown);
      const write = (n: number) => db.send(new PutCommand({ TableName: made, Item: { pk: 'x', n } })).catch(() => {});
      await write(1);
      await expect.poll(read).toBe(1);
      await write(2);
      await expect.poll(read).toBe(2);
    });
  });

  /** Runs ten puts and ten gets, and returns their results and the faults. */
  async function play(seed: number, inPairs: boolean) {
    const rates = { 'transaction-conflict': 0.3, 'lost-answer': 0.2, 'internal-error': 0.2 };
    const { proxy } = await faulty(rates, { seed });
    const db = DynamoDBDocumentClient.from(new DynamoDBClient({ ...clientOptions(proxy.url), maxAttempts: 1 }));
    const puts = Array.from({ length: 10 }, (_, n) => () => db.send(put(`played-${n}`)));
    const gets = Array.from({ length: 10 }, (_, n) => () => db.send(get(`played-${n}`)));
    const order = inPairs ? puts.flatMap((write, n) => [write, gets[n] ?? write]) : [...puts, ...gets];
    for (const step of order) await step().catch(() => {});
    const of = (operation: string) => proxy.log.filter((entry) => entry.operation === operation);
    return [...of('PutItem'), ...of('GetItem')].map(({ operation, n, fault }) => `${operation} ${n}: ${fault}`);
  }

  test('a seed gives the same faults for any interleaving of operations; another seed gives others', async () => {
    const first = await play(1, false);
    expect(new Set(first.map((line) => line.split(': ')[1])).size).toBe(3);
    expect(first.length).toBeLessThan(20);
    expect(await play(1, false)).toEqual(first);
    expect(await play(1, true)).toEqual(first);
    expect(await play(2, false)).not.toEqual(first);
  });

  test('without rates, and after heal(), everything passes; with a rate of 1.5, the proxy does not start', async () => {
    const { proxy, db } = await faulty({ 'internal-error': 1 });
    await expect(db.send(put('healed'))).rejects.toThrow();
    proxy.heal();
    await db.send(put('healed'));
    expect(proxy.log).toHaveLength(2);
    await expect(faulty({ throttled: 1.5 })).rejects.toThrow(RangeError);
  });

  test('a stopped program behind the proxy is a refused connection to the product, not an AWS error', async () => {
    const proxy = await proxyTo('http://127.0.0.1:9', 'dynamodb', {});
    await expect(documents(proxy.url).send(get('x'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

test('if a caller disconnects, the proxy disconnects from the program behind it, so that no long poll continues', async () => {
  const asked = Promise.withResolvers<AbortSignal>();
  const upstream = await serve(async ({ disconnected: gone }) => {
    asked.resolve(gone);
    await once(gone, 'abort');
    return { status: 200 };
  });
  onTestFinished(() => upstream.close());
  const proxy = await proxyTo(upstream.url, 'sqs', {});
  const caller = new AbortController();
  const QueueUrl = `${proxy.url}/000000000000/q`;
  const polling = new SQSClient(clientOptions(proxy.url)).send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }),
    { abortSignal: caller.signal },
  );
  const gone = await asked.promise;
  caller.abort();
  await expect(polling).rejects.toThrow();
  await expect.poll(() => gone.aborted).toBe(true);
});

describe('SQS', () => {
  let endpoint: Endpoint;
  let direct: SQSClient;

  beforeAll(async () => {
    endpoint = await startQueuesAndBlobs();
    direct = new SQSClient(clientOptions(endpoint.url));
  });

  afterAll(() => endpoint.close());

  const receive = (QueueUrl: string | undefined) =>
    new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 60, MessageSystemAttributeNames: ['All'] });

  /** Creates a queue that the product uses through the proxy. */
  async function faulty(rates: FaultRates<'sqs'>, fifo = false) {
    const proxy = await proxyTo(endpoint.url, 'sqs', rates);
    const sqs = new SQSClient(clientOptions(proxy.url));
    const QueueName = `q-${randomUUID()}${fifo ? '.fifo' : ''}`;
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName, Attributes: fifo ? { FifoQueue: 'true' } : {} }),
    );
    const directly = (await direct.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl;
    return { proxy, sqs, QueueUrl, directly };
  }

  test.each([
    ['throttled', 'RequestThrottled', 400],
    ['internal-error', 'InternalFailure', 500],
  ] as const)('%s: a send fails with %s, is retried, and is not applied', async (fault, name, httpStatusCode) => {
    const { proxy, sqs, QueueUrl, directly } = await faulty({ [fault]: 1 });
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toMatchObject({
      name,
      $metadata: { httpStatusCode, attempts: 2 },
    });
    expect((await direct.send(receive(directly))).Messages).toBeUndefined();
    expect(proxy.log[1]).toEqual({ at: expect.any(String), operation: 'SendMessage', n: 2, fault });
  });

  test('lost-answer: a retried send without deduplication creates two messages; a delete is applied', async () => {
    const { proxy, sqs, QueueUrl, directly } = await faulty({ 'lost-answer': 1 });
    await expect(sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }))).rejects.toMatchObject({
      code: 'ECONNRESET',
      $metadata: { attempts: 2 },
    });
    const { Messages = [] } = await direct.send(
      new ReceiveMessageCommand({ QueueUrl: directly, MaxNumberOfMessages: 10, VisibilityTimeout: 0 }),
    );
    expect(Messages.map(({ Body }) => Body)).toEqual(['x', 'x']);
    const [first] = (await sqs.send(receive(QueueUrl))).Messages ?? [];
    const deleting = sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    await expect(deleting).rejects.toMatchObject({ code: 'ECONNRESET' });
    const operations = proxy.log.map(({ operation }) => operation);
    expect(operations).toEqual(['SendMessage', 'SendMessage', 'DeleteMessage', 'DeleteMessage']);
    const left = await direct.send(new ReceiveMessageCommand({ QueueUrl: directly, MaxNumberOfMessages: 10 }));
    expect(left.Messages?.map(({ MessageId }) => MessageId)).not.toContain(first?.MessageId);
    expect(left.Messages).toHaveLength(1);
  });

  test('lost-receive: the message is in flight, and no consumer has it', async () => {
    const { sqs, QueueUrl, directly } = await faulty({ 'lost-receive': 1 });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    await expect(sqs.send(receive(QueueUrl))).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await direct.send(receive(directly))).Messages).toBeUndefined();
  });

  test('duplicate-delivery: a message is delivered again after its delete, with a higher receive count', async () => {
    const { proxy, sqs, QueueUrl } = await faulty({ 'duplicate-delivery': 1 });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    const [first] = (await sqs.send(receive(QueueUrl))).Messages ?? [];
    expect(proxy.log).toEqual([]); // no message was delivered before that could be repeated
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    const [again] = (await sqs.send(receive(QueueUrl))).Messages ?? [];
    expect(again).toMatchObject({
      MessageId: first?.MessageId,
      Body: 'x',
      Attributes: { ApproximateReceiveCount: '2' },
    });
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again?.ReceiptHandle }));
    expect(proxy.log).toMatchObject([{ operation: 'ReceiveMessage', n: 2, fault: 'duplicate-delivery' }]);
  });

  test('duplicate-delivery: never for a FIFO queue', async () => {
    const { proxy, sqs, QueueUrl } = await faulty({ 'duplicate-delivery': 1 }, true);
    const message = { MessageBody: 'x', MessageGroupId: 'g', MessageDeduplicationId: 'd' };
    await sqs.send(new SendMessageCommand({ QueueUrl, ...message }));
    expect((await sqs.send(receive(QueueUrl))).Messages).toHaveLength(1);
    expect((await sqs.send(receive(QueueUrl))).Messages).toBeUndefined();
    expect(proxy.log).toEqual([]);
  });

  test('visible-again: a message is delivered to another consumer before the first one deletes it', async () => {
    const { proxy, sqs, QueueUrl } = await faulty({ 'visible-again': 1 }, true);
    expect((await sqs.send(receive(QueueUrl))).Messages).toBeUndefined();
    expect(proxy.log).toEqual([]); // there was nothing to deliver
    await sqs.send(
      new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'g', MessageDeduplicationId: 'd' }),
    );
    const [first] = (await sqs.send(receive(QueueUrl))).Messages ?? [];
    const [second] = (await sqs.send(receive(QueueUrl))).Messages ?? [];
    expect([first, second].map((one) => [one?.Body, one?.Attributes?.['ApproximateReceiveCount']])).toEqual([
      ['x', '1'],
      ['x', '2'],
    ]);
  });

  test('empty-receive: no message is returned although there is one, which stays', async () => {
    const { sqs, QueueUrl, directly } = await faulty({ 'empty-receive': 1 });
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    expect((await sqs.send(receive(QueueUrl))).Messages).toBeUndefined();
    expect((await direct.send(receive(directly))).Messages).toHaveLength(1);
  });

  test('a client with the endpoint from its environment, which follows queue URLs, stays with the proxy', async () => {
    const { proxy } = await faulty({ throttled: 1 });
    vi.stubEnv('AWS_ENDPOINT_URL_SQS', proxy.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { endpoint: _, ...options } = clientOptions(proxy.url);
    const sqs = new SQSClient(options);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: `q-${randomUUID()}` }));
    const found = await sqs.send(new GetQueueUrlCommand({ QueueName: QueueUrl?.split('/').at(-1) }));
    expect(found.QueueUrl).toBe(QueueUrl);
    const sent = sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    await expect(sent).rejects.toHaveProperty('name', 'RequestThrottled');
  });
});

describe('Lambda', () => {
  const DurableExecutionArn = 'arn:aws:lambda:us-east-1:123456789012:function:f:1/durable-execution/run-1/1';
  const answers: Record<string, { status: number; body: string }> = {
    invocations: { status: 202, body: '' },
    checkpoint: { status: 200, body: '{"CheckpointToken":"t2","NewExecutionState":{"Operations":[]}}' },
    succeed: { status: 200, body: '{}' },
  };
  let upstream: Endpoint;
  const received: string[] = [];

  beforeAll(async () => {
    upstream = await serve(async ({ path, headers, body }) => {
      const last = path.split('?')[0]?.split('/').at(-1) ?? '';
      const name = String(headers['x-amz-durable-execution-name'] ?? '');
      received.push(`${last} ${name} ${body.toString()}`.trim());
      return answers[last] ?? { status: 404, body: '{}' };
    });
  });

  afterAll(() => upstream.close());

  async function faulty(rates: FaultRates<'lambda'>) {
    received.length = 0;
    const proxy = await proxyTo(upstream.url, 'lambda', rates);
    return { proxy, lambda: new LambdaClient(clientOptions(proxy.url)) };
  }

  const start = new InvokeCommand({
    FunctionName: 'f:1',
    InvocationType: 'Event',
    DurableExecutionName: 'run-1',
    Payload: '{"run":1}',
  });
  const checkpoint = () =>
    new CheckpointDurableExecutionCommand({ DurableExecutionArn, CheckpointToken: 't1', Updates: [] });
  const ring = () => new SendDurableExecutionCallbackSuccessCommand({ CallbackId: 'c1' });

  test.each([
    ['too-many-requests', 'TooManyRequestsException', 429],
    ['internal-error', 'ServiceException', 500],
  ] as const)('%s: the client gets %s and retries; nothing is applied', async (fault, name, httpStatusCode) => {
    const { proxy, lambda } = await faulty({ [fault]: 1 });
    await expect(lambda.send(start)).rejects.toMatchObject({ name, $metadata: { httpStatusCode, attempts: 2 } });
    await expect(lambda.send(checkpoint())).rejects.toMatchObject({ name, $metadata: { attempts: 2 } });
    expect(received).toEqual([]);
    const operations = proxy.log.map(({ operation, n }) => `${operation} ${n}`);
    const checkpoints = ['CheckpointDurableExecution 1', 'CheckpointDurableExecution 2'];
    expect(operations).toEqual(['Invoke(Event) 1', 'Invoke(Event) 2', ...checkpoints]);
  });

  test.each([
    ['an asynchronous invoke', () => start, 'invocations run-1 {"run":1}'],
    ['a checkpoint', checkpoint, expect.stringMatching(/^checkpoint .*"CheckpointToken":"t1"/)],
    ['a callback', ring, 'succeed'],
  ])(
    'lost-answer: %s arrives, and the client gets a broken connection and sends it again',
    async (_, command, arrived) => {
      const { lambda } = await faulty({ 'lost-answer': 1 });
      const sent = (lambda.send as (command: unknown) => Promise<unknown>).call(lambda, command());
      await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET', $metadata: { attempts: 2 } });
      expect(received).toEqual([arrived, arrived]);
      expect(received[0]).toBe(received[1]);
    },
  );

  test('lost-answer: not for a synchronous invoke', async () => {
    const { proxy, lambda } = await faulty({ 'lost-answer': 1 });
    await lambda.send(new InvokeCommand({ FunctionName: 'f:1', Payload: '{}' }));
    expect(proxy.log).toEqual([]);
  });

  test('late-answer: it arrives completely', async () => {
    const { proxy, lambda } = await faulty({ 'late-answer': 1 });
    expect(await lambda.send(checkpoint())).toMatchObject({ CheckpointToken: 't2' });
    expect(proxy.log).toMatchObject([{ operation: 'CheckpointDurableExecution', n: 1, fault: 'late-answer' }]);
  });
});

describe('SSM', () => {
  const read = () => new GetParametersCommand({ Names: ['/p/slack'], WithDecryption: true });

  async function faulty(rates: FaultRates<'ssm'>) {
    const ssm = await startSsm(() => ({ '/p/slack': 'xoxb' }));
    onTestFinished(() => ssm.close());
    const proxy = await proxyTo(ssm.url, 'ssm', rates);
    return { proxy, client: new SSMClient(clientOptions(proxy.url)) };
  }

  test.each([
    ['throttled', { name: 'ThrottlingException', $metadata: { attempts: 2 } }],
    ['internal-error', { name: 'InternalServerError', $metadata: { attempts: 2, httpStatusCode: 500 } }],
    ['lost-answer', { code: 'ECONNRESET', $metadata: { attempts: 2 } }],
  ] as const)('%s: the client gets the error unchanged, and retries', async (fault, seen) => {
    const { proxy, client } = await faulty({ [fault]: 1 });
    await expect(client.send(read())).rejects.toMatchObject(seen);
    expect(proxy.log.map(({ operation, n }) => `${operation} ${n}`)).toEqual(['GetParameters 1', 'GetParameters 2']);
  });

  test('late-answer: it arrives completely', async () => {
    const { proxy, client } = await faulty({ 'late-answer': 1 });
    expect(await client.send(read())).toMatchObject({ Parameters: [{ Value: 'xoxb' }] });
    expect(proxy.log).toMatchObject([{ fault: 'late-answer' }]);
  });
});

describe('S3', () => {
  const object = { Bucket: 'faulty', Key: 'config/current.json' };

  async function faulty(rates: FaultRates<'s3'>) {
    const s3 = await startQueuesAndBlobs(object.Bucket);
    onTestFinished(() => s3.close());
    const proxy = await proxyTo(s3.url, 's3', rates);
    const [client, direct] = [proxy.url, s3.url].map(
      (url) => new S3Client({ ...clientOptions(url), forcePathStyle: true }),
    ) as [S3Client, S3Client];
    return { proxy, client, direct };
  }

  test.each([
    ['slow-down', { name: 'SlowDown', $metadata: { attempts: 2, httpStatusCode: 503 } }],
    ['internal-error', { name: 'InternalError', $metadata: { attempts: 2, httpStatusCode: 500 } }],
  ] as const)('%s: the client gets the error unchanged and retries; nothing is written', async (fault, seen) => {
    const { proxy, client, direct } = await faulty({ [fault]: 1 });
    await expect(client.send(new PutObjectCommand({ ...object, Body: '{}' }))).rejects.toMatchObject(seen);
    await expect(client.send(new GetObjectCommand(object))).rejects.toMatchObject(seen);
    await expect(direct.send(new GetObjectCommand(object))).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(proxy.log.map(({ operation, n }) => `${operation} ${n}`)).toEqual([
      'PutObject 1',
      'PutObject 2',
      'GetObject 1',
      'GetObject 2',
    ]);
  });

  test('lost-answer: the data is written, but the client gets no response', async () => {
    const { client, direct } = await faulty({ 'lost-answer': 1 });
    await expect(client.send(new PutObjectCommand({ ...object, Body: '{}' }))).rejects.toMatchObject({
      code: 'ECONNRESET',
      $metadata: { attempts: 2 },
    });
    expect(await (await direct.send(new GetObjectCommand(object))).Body?.transformToString()).toBe('{}');
  });

  test('late-answer: it arrives completely', async () => {
    const { proxy, client } = await faulty({ 'late-answer': 1 });
    await client.send(new PutObjectCommand({ ...object, Body: '{"version":1}' }));
    const { Body } = await client.send(new GetObjectCommand(object));
    expect(await Body?.transformToString()).toBe('{"version":1}');
    expect(proxy.log).toMatchObject([{ operation: 'PutObject' }, { operation: 'GetObject' }]);
  });
});

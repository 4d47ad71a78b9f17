import { LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
  type SendMessageCommandInput,
} from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../local/aws/endpoint.ts';
import { batchResultOf, startEventSource, type EventSource } from '../../../local/aws/event-source.ts';
import { longestChain } from '../../../local/aws/lambda/invoke/lineage.ts';
import type { LocalFunction } from '../../../local/aws/lambda/lambda.ts';
import { startSqs } from '../../../local/aws/sqs/server.ts';
import { sqsRedelivery } from '../../../aws/clients/redelivery.ts';
import { handleBatch, NO_DEADLINE } from '../../../jobs/queues/queue-batch.ts';
import { silent } from '../../support/fake-deps.ts';
import { ACCESS_KEY_ID, Bench, until } from './durable/bench.ts';

describe('an SQS event source mapping', () => {
  let bench: Bench;
  let sqsEndpoint: Endpoint;
  let sqs: SQSClient;
  let running: { stop(): Promise<void> } | undefined;
  let logged: object[];

  beforeEach(async () => {
    bench = new Bench();
    logged = [];
    sqsEndpoint = await startSqs({ file: ':memory:', accessKeyId: ACCESS_KEY_ID });
    sqs = new SQSClient({
      endpoint: sqsEndpoint.url,
      region: 'us-east-1',
      credentials: bench.credentials,
      maxAttempts: 1,
    });
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    sqs.destroy();
    await sqsEndpoint.close();
    await bench.remove();
  });

  const createQueue = async (QueueName: string, Attributes: Record<string, string> = {}) => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    return QueueUrl;
  };
  const send = (QueueUrl: string, body: string, more: Partial<SendMessageCommandInput> = {}) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: body, ...more }));
  const fifo = (queueUrl: string, body: string, MessageGroupId: string) =>
    send(queueUrl, body, { MessageGroupId, MessageDeduplicationId: body });

  /** Returns the number of messages in the queue, visible or not. */
  const left = async (QueueUrl: string) => {
    const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
    );
    return AttributeNames.reduce((sum, name) => sum + Number(Attributes[name]), 0);
  };
  const empty = (queueUrl: string) => until(async () => ((await left(queueUrl)) === 0 ? true : undefined));

  /**
   * Starts a function `consumer` and its mapping.
   * @returns the batches that it receives
   */
  const consume = async (
    queueUrl: string,
    handler: (event: SQSEvent, call: number) => Promise<unknown>,
    more: Partial<EventSource> = {},
    settings: Partial<LocalFunction> = {},
  ) => {
    const batches: SQSEvent[] = [];
    await bench.start({
      consumer: {
        ...settings,
        timeoutSeconds: 5,
        handler: (event) => handler(event as SQSEvent, batches.push(event as SQSEvent)),
      },
    });
    bench.resume();
    running = startEventSource({ ...source(queueUrl), ...more });
    return batches;
  };
  const source = (queueUrl: string): EventSource => ({
    queueUrl,
    functionName: 'consumer',
    sqs,
    lambda: bench.lambda,
    batchSize: 10,
    maxConcurrency: 1,
    log: (entry: object) => logged.push(entry),
  });
  const bodies = (batches: SQSEvent[]) => batches.map(({ Records }) => Records.map(({ body }) => body));

  test("a message has Lambda's format, and is deleted after the function has responded", async () => {
    const queueUrl = await createQueue('signals');
    await send(queueUrl, '{"n":1}', {
      MessageAttributes: {
        kind: { DataType: 'String', StringValue: 'page' },
        raw: { DataType: 'Binary', BinaryValue: Buffer.from('x') },
      },
    });
    let leftWhileRunning: number | undefined;
    const batches = await consume(queueUrl, async () => {
      leftWhileRunning = await left(queueUrl);
    });
    await empty(queueUrl);
    expect(leftWhileRunning).toBe(1);
    expect(batches).toEqual([
      {
        Records: [
          {
            messageId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
            receiptHandle: expect.any(String) as string,
            body: '{"n":1}',
            attributes: expect.objectContaining({
              ApproximateReceiveCount: '1',
              SentTimestamp: expect.stringMatching(/^\d{13}$/) as string,
            }) as object,
            messageAttributes: {
              kind: { dataType: 'String', stringValue: 'page', stringListValues: [], binaryListValues: [] },
              raw: { dataType: 'Binary', binaryValue: 'eA==', stringListValues: [], binaryListValues: [] },
            },
            md5OfBody: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
            eventSource: 'aws:sqs',
            eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:signals',
            awsRegion: 'us-east-1',
          },
        ],
      },
    ]);
  });

  test('a function that wakes itself through its queue is called 16 times; the 17th call is dropped', async () => {
    const queueUrl = await createQueue('signals', { VisibilityTimeout: '600' });
    const batches = await consume(queueUrl, (_, call) => send(queueUrl, `after call ${call}`));
    await send(queueUrl, 'first');
    const dropped = await until(async () => logged.find((entry) => 'because' in entry));
    expect(dropped).toMatchObject({ because: expect.stringContaining('RecursiveInvocationException') as string });
    expect(bodies(batches).at(-1)).toEqual(['after call 15']);
    expect(batches).toHaveLength(16);
    expect(await left(queueUrl)).toBe(1);
  });

  test('a function with permission to recurse is called without a limit', async () => {
    const queueUrl = await createQueue('signals', { VisibilityTimeout: '600' });
    const batches = await consume(
      queueUrl,
      async (_, call) => {
        if (call < 20) await send(queueUrl, `after call ${call}`);
      },
      {},
      { recursionAllowed: true },
    );
    await send(queueUrl, 'first');
    await empty(queueUrl);
    expect(batches).toHaveLength(20);
    expect(batches.at(-1)?.Records[0]?.attributes.AWSTraceHeader).toMatch(/;Lineage=consumer:19$/);
    expect(longestChain(['Root=1;Lineage=a:2', undefined, 'Root=2;Lineage=b:1|a:9', 'Root=3'])).toMatch(/^Root=2/);
  });

  test('a batch contains at most the configured number of messages', async () => {
    const queueUrl = await createQueue('signals');
    for (const body of ['a', 'b', 'c', 'd', 'e']) await send(queueUrl, body);
    const batches = await consume(queueUrl, async () => undefined, { batchSize: 2 });
    await empty(queueUrl);
    expect(Math.max(...batches.map(({ Records }) => Records.length))).toBeLessThanOrEqual(2);
    expect(bodies(batches).flat().toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a function that throws fails its whole batch, which is delivered again after its visibility timeout', async () => {
    const queueUrl = await createQueue('signals', { VisibilityTimeout: '1' });
    for (const body of ['a', 'b']) await send(queueUrl, body);
    const batches = await consume(queueUrl, async (_, call) => {
      if (call === 1) throw new Error('table is throttled');
    });
    await empty(queueUrl);
    const times = new Map<string, number>();
    for (const body of bodies(batches).flat()) times.set(body, (times.get(body) ?? 0) + 1);
    expect((times.get('a') ?? 0) + (times.get('b') ?? 0)).toBeGreaterThan(2);
    expect(batches.at(-1)?.Records[0]?.attributes.ApproximateReceiveCount).toBe('2');
    expect(logged).toContainEqual(
      expect.objectContaining({ event: 'messages-failed', because: expect.stringContaining('throttled') as string }),
    );
  });

  test('only the reported messages are delivered again', async () => {
    const queueUrl = await createQueue('signals', { VisibilityTimeout: '1' });
    for (const body of ['good', 'bad', 'fine']) await send(queueUrl, body);
    const failures = new Set(['bad']);
    const batches = await consume(queueUrl, async ({ Records }) => {
      const failed = Records.filter(({ body }) => failures.delete(body));
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await empty(queueUrl);
    expect(bodies(batches).flat().toSorted()).toEqual(['bad', 'bad', 'fine', 'good']);
  });

  test('in a FIFO group, no message overtakes a reported one; other groups continue', async () => {
    const queueUrl = await createQueue('signals.fifo', { FifoQueue: 'true', VisibilityTimeout: '1' });
    for (const body of ['a1', 'a2', 'a3']) await fifo(queueUrl, body, 'a');
    for (const body of ['b1', 'b2']) await fifo(queueUrl, body, 'b');
    const failures = new Set(['a2']);
    const done: string[] = [];
    await consume(queueUrl, async ({ Records }) => {
      const broken = Records.find(({ body }) => failures.delete(body));
      const failed = Records.filter(({ body }) => broken !== undefined && body[0] === 'a' && body >= broken.body);
      done.push(...Records.filter((one) => !failed.includes(one)).map(({ body }) => body));
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    await empty(queueUrl);
    expect(done.filter((body) => body.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect(done.filter((body) => body.startsWith('b'))).toEqual(['b1', 'b2']);
  });

  test('a transient failure takes one second instead of the visibility timeout, in FIFO and standard queues', async () => {
    const ordered = await createQueue('signals.fifo', { FifoQueue: 'true', VisibilityTimeout: '120' });
    const wakes = await createQueue('wakes', { VisibilityTimeout: '120' });
    for (const body of ['a1', 'a2', 'b1']) await fifo(ordered, body, body[0] ?? '');
    await send(wakes, 'w1');
    const failures = new Set(['a1', 'w1']);
    const done: string[] = [];
    const deps = { redelivery: sqsRedelivery(sqs, [ordered, wakes]), log: silent };
    const handler = (event: SQSEvent) =>
      handleBatch(deps, event, NO_DEADLINE, async ({ body }) => {
        if (failures.delete(body)) throw new Error('ProvisionedThroughputExceededException');
        done.push(body);
        return true;
      });
    await consume(ordered, handler);
    await empty(ordered);
    await running?.stop();
    running = startEventSource(source(wakes));
    await empty(wakes);
    expect(done.filter((body) => body.startsWith('a'))).toEqual(['a1', 'a2']);
    expect(done.toSorted()).toEqual(['a1', 'a2', 'b1', 'w1']);
  });

  test('batches run concurrently, up to the limit', async () => {
    const queueUrl = await createQueue('signals');
    for (let n = 0; n < 8; n += 1) await send(queueUrl, String(n));
    let now = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    await consume(
      queueUrl,
      async () => {
        now += 1;
        most = Math.max(most, now);
        if (now === 3) full.resolve();
        await full.promise;
        await new Promise((resolve) => setTimeout(resolve, 20));
        now -= 1;
      },
      { batchSize: 1, maxConcurrency: 3 },
    );
    await empty(queueUrl);
    expect(most).toBe(3);
  });

  test('a missing queue is polled until it exists', async () => {
    const queueUrl = new URL('/000000000000/late', sqsEndpoint.url).href;
    const batches = await consume(queueUrl, async () => undefined);
    await until(async () => logged.find((entry) => 'event' in entry && entry.event === 'queue-not-readable'));
    await createQueue('late');
    await send(queueUrl, 'at last');
    await empty(queueUrl);
    expect(bodies(batches)).toEqual([['at last']]);
  });

  test('messages stay in the queue while Lambda is down', async () => {
    const queueUrl = await createQueue('signals', { VisibilityTimeout: '1' });
    await send(queueUrl, 'kept');
    const nowhere = new LambdaClient({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: bench.credentials,
      maxAttempts: 1,
    });
    await consume(queueUrl, async () => undefined, { lambda: nowhere });
    await until(async () => logged.find((entry) => 'event' in entry && entry.event === 'messages-failed'));
    expect(await left(queueUrl)).toBe(1);
    nowhere.destroy();
  });

  test('a stop ends the long poll at once, and waits for a running call', async () => {
    const queueUrl = await createQueue('signals');
    let finished = false;
    let entered = () => {};
    const begun = new Promise<void>((resolve) => {
      entered = resolve;
    });
    await consume(queueUrl, async () => {
      entered();
      await new Promise((resolve) => setTimeout(resolve, 50));
      finished = true;
    });
    await send(queueUrl, 'last');
    await begun;
    await running?.stop();
    expect([finished, await left(queueUrl)]).toEqual([true, 0]);
  });
});

describe("the function's report about its batch", () => {
  const message = (MessageId: string, group?: string): Message => ({
    MessageId,
    ...(group && { Attributes: { MessageGroupId: group } }),
  });
  const failedOf = (messages: Message[], payload: string) =>
    batchResultOf(messages, payload).failed.map(({ MessageId }) => MessageId);
  const reported = (...ids: unknown[]) =>
    JSON.stringify({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });
  const batch = [message('1'), message('2'), message('3')];
  const all = ['1', '2', '3'];

  test.each([
    ['nothing', ''],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['no failures', '{"batchItemFailures":[]}'],
    ['null for failures', '{"batchItemFailures":null}'],
  ])('%s: all succeeded', (_, payload) => {
    expect(failedOf(batch, payload)).toEqual([]);
  });

  test.each([
    ['an id that is not in the batch', reported('2', '9')],
    ['an empty id', reported('')],
    ['null for an id', reported(null)],
    ['a number for an id', reported(2)],
    ['another key', '{"batchItemFailures":[{"messageId":"2"}]}'],
    ['no list', '{"batchItemFailures":"2"}'],
    ['null for a failure', '{"batchItemFailures":[null]}'],
    ['no JSON', 'oops'],
    ['a text', '"ok"'],
  ])('%s: all failed', (_, payload) => {
    expect(failedOf(batch, payload)).toEqual(all);
  });

  test('a failure in a standard queue affects only its message', () => {
    expect(failedOf(batch, reported('2'))).toEqual(['2']);
  });

  test('a failure in a FIFO group affects only its message: the function must report the following ones', () => {
    const grouped = [
      message('a1', 'a'),
      message('b1', 'b'),
      message('a2', 'a'),
      message('b2', 'b'),
      message('a3', 'a'),
    ];
    expect(failedOf(grouped, reported('a2'))).toEqual(['a2']);
    expect(failedOf(grouped, reported('a1', 'b2'))).toEqual(['a1', 'b2']);
  });
});

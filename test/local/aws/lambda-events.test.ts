import { InvokeCommand } from '@aws-sdk/client-lambda';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../local/aws/endpoint.ts';
import { startSqs } from '../../../local/aws/sqs/server.ts';
import { ACCESS_KEY_ID, Bench, until } from './durable/bench.ts';

describe('events', () => {
  let bench: Bench;
  let sqsEndpoint: Endpoint;
  let sqs: SQSClient;
  let deadLetterQueueUrl: string;

  beforeEach(async () => {
    bench = new Bench();
    sqsEndpoint = await startSqs({ file: ':memory:', accessKeyId: ACCESS_KEY_ID });
    sqs = new SQSClient({ endpoint: sqsEndpoint.url, region: 'us-east-1', credentials: bench.credentials });
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead-letters' }));
    deadLetterQueueUrl = QueueUrl;
  });
  afterEach(async () => {
    await bench.remove();
    sqs.destroy();
    await sqsEndpoint.close();
  });

  const send = async (FunctionName: string, event: unknown) => {
    const { StatusCode } = await bench.lambda.send(
      new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) }),
    );
    return StatusCode;
  };

  const deadLetter = () =>
    until(async () => {
      const { Messages } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl: deadLetterQueueUrl, MessageAttributeNames: ['All'], WaitTimeSeconds: 1 }),
      );
      return Messages?.[0];
    });

  test('an event is accepted before it runs', async () => {
    const seen: unknown[] = [];
    await bench.start({ note: { handler: async (event) => seen.push(event), timeoutSeconds: 1 } });
    expect(await send('note', { n: 1 })).toBe(202);
    expect(seen).toEqual([]); // nothing runs before `resume`
    bench.resume();
    await until(async () => seen[0]);
    expect(seen).toEqual([{ n: 1 }]);
  });

  test('an accepted event survives a restart', async () => {
    const seen: unknown[] = [];
    const functions = { note: { handler: async (event: unknown) => seen.push(event), timeoutSeconds: 1 } };
    await bench.start(functions);
    await send('note', { n: 1 });
    await bench.stop();
    await bench.start(functions);
    bench.resume();
    await until(async () => seen[0]);
    await bench.stop();
    await bench.start(functions);
    bench.resume();
    await send('note', { n: 2 });
    await until(async () => seen[1]);
    expect(seen).toEqual([{ n: 1 }, { n: 2 }]); // and is not repeated after it has run
  });

  test('a failure is retried twice, and then goes to the dead-letter queue with its event', async () => {
    let calls = 0;
    const handler = async () => {
      calls += 1;
      throw new Error(`failure ${calls}`);
    };
    await bench.start({ note: { handler, timeoutSeconds: 1, deadLetterQueueUrl } }, { timeScale: 10_000, sqs });
    bench.resume();
    await send('note', { n: 1 });
    const { Body, MessageAttributes } = await deadLetter();
    expect(calls).toBe(3);
    expect(Body).toBe('{"n":1}');
    expect(MessageAttributes).toMatchObject({
      RequestID: { StringValue: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
      ErrorCode: { StringValue: '200' },
      ErrorMessage: { StringValue: 'failure 3' },
    });
  });

  test('an event that exceeds the limit of its chain goes to the dead-letter queue at once', async () => {
    const seen: string[] = [];
    const handler = async (event: unknown) => {
      seen.push(JSON.stringify(event));
      await send('note', { n: seen.length });
    };
    await bench.start({ note: { handler, timeoutSeconds: 1, deadLetterQueueUrl } }, { sqs });
    bench.resume();
    await send('note', { n: 0 });
    const { Body, MessageAttributes } = await deadLetter();
    expect(Body).toBe('{"n":16}');
    expect(MessageAttributes?.['ErrorMessage']?.StringValue).toContain('recursive loop');
    expect(seen).toHaveLength(16);
  });

  test('a successful second attempt is the last', async () => {
    let calls = 0;
    const handler = async () => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
    };
    await bench.start({ note: { handler, timeoutSeconds: 1, deadLetterQueueUrl } }, { timeScale: 60_000, sqs });
    bench.resume();
    await send('note', { n: 1 });
    await until(async () => (calls === 2 ? true : undefined));
    await bench.stop();
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: deadLetterQueueUrl }));
    expect([calls, Messages]).toEqual([2, undefined]);
  });

  test('a running event is not started again when others arrive', async () => {
    const seen: unknown[] = [];
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const handler = async (event: unknown) => {
      seen.push(event);
      if (event === 'slow') await finished;
    };
    await bench.start({ note: { handler, timeoutSeconds: 5 } });
    bench.resume();
    for (const event of ['slow', 'b', 'c', 'd']) {
      await send('note', event);
      await until(async () => (seen.includes(event) ? true : undefined));
    }
    finish();
    expect(seen).toEqual(['slow', 'b', 'c', 'd']);
  });

  test('events above the reserved concurrency wait', async () => {
    let running = 0;
    let most = 0;
    let done = 0;
    const full = Promise.withResolvers<void>();
    const handler = async () => {
      running += 1;
      most = Math.max(most, running);
      if (running === 2) full.resolve();
      await full.promise;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      done += 1;
    };
    await bench.start({ note: { handler, timeoutSeconds: 30, reservedConcurrency: 2 } });
    bench.resume();
    await Promise.all(Array.from({ length: 8 }, (_, n) => send('note', { n })));
    await until(async () => (done === 8 ? true : undefined));
    expect(most).toBe(2);
  });

  test('the input of a failed execution goes to the dead-letter queue', async () => {
    const workflow = bench.durable(
      async () => {
        throw new Error('no known good version');
      },
      { deadLetterQueueUrl },
    );
    await bench.start({ workflow }, { sqs });
    bench.resume();
    const arn = await bench.begin('workflow', { incident: 'i1' });
    const { Body, MessageAttributes } = await deadLetter();
    expect(Body).toBe('{"incident":"i1"}');
    expect(MessageAttributes).toMatchObject({
      RequestID: { StringValue: arn },
      ErrorMessage: { StringValue: 'no known good version' },
    });
  });

  test('a dead letter waits until its queue is available', async () => {
    const handler = async () => {
      throw new Error('always');
    };
    const functions = { note: { handler, timeoutSeconds: 1, deadLetterQueueUrl } };
    const nowhere = new SQSClient({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: bench.credentials,
      maxAttempts: 1,
    });
    await bench.start(functions, { timeScale: 1_000_000, sqs: nowhere });
    bench.resume();
    await send('note', { n: 1 });
    await until(async () =>
      bench.logged.find((entry) => 'event' in entry && entry.event === 'dead-letter-not-delivered'),
    );
    await bench.stop();
    nowhere.destroy();
    await bench.start(functions, { sqs });
    bench.resume();
    expect((await deadLetter()).Body).toBe('{"n":1}');
  });
});

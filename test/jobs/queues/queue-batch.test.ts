import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import type { Redelivery } from '../../../domain/ports/system.ts';
import { handleBatch, type BatchOptions, NO_DEADLINE } from '../../../jobs/queues/queue-batch.ts';
import { QUEUE } from '../../../aws/resources.ts';
import { silent } from '../../support/fake-deps.ts';

/** Creates messages from their bodies. The letter is the group. */
const batch = (bodies: readonly string[], receives = 1): SQSEvent => ({
  Records: bodies.map(
    (body) =>
      ({
        messageId: `id-${body}`,
        receiptHandle: `handle-${body}`,
        body,
        attributes: { MessageGroupId: body[0], ApproximateReceiveCount: String(receives) },
        eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:signals.fifo',
      }) as unknown as SQSRecord,
  ),
});

const never = new Promise<boolean>(() => undefined);

type Play = BatchOptions & { receives?: number; remaining?: number; redelivery?: Redelivery };

/** @returns the started and the reported messages, and the delays of retries in seconds */
async function play(bodies: readonly string[], handle: (body: string) => Promise<boolean>, options: Play = {}) {
  const again: Record<string, number> = {};
  const redelivery: Redelivery = options.redelivery ?? {
    schedule: async (messages) => {
      for (const { receiptHandle, afterSeconds } of messages) again[receiptHandle.slice(7)] = afterSeconds;
    },
  };
  const begun: string[] = [];
  const { remaining } = options;
  const deadline = remaining === undefined ? NO_DEADLINE : { getRemainingTimeInMillis: () => remaining };
  const answer = await handleBatch(
    { redelivery, log: silent },
    batch(bodies, options.receives),
    deadline,
    ({ body }) => {
      begun.push(body);
      return handle(body);
    },
    options,
  );
  return { begun, failed: answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier.slice(3)), again };
}

describe('a failed message is delivered again within seconds', () => {
  test('together with only the later ones of its group', async () => {
    const { failed, again } = await play(['a1', 'b1', 'a2', 'a3', 'b2'], async (body) => body !== 'a2');
    expect(failed).toEqual(['a2', 'a3']);
    expect(again).toEqual({ a2: 1, a3: 1 });
  });

  test('also if the handler throws', async () => {
    const { failed, again } = await play(['a1', 'b1'], async (body) => {
      if (body === 'a1') throw new Error('throttled');
      return true;
    });
    expect({ failed, again }).toEqual({ failed: ['a1'], again: { a1: 1 } });
  });

  test.each([
    [1, 1],
    [2, 2],
    [3, 4],
    [6, 32],
    [7, 60],
    [15, 60],
  ])('after %i receives, in %i s', async (receives, seconds) => {
    expect((await play(['a1'], async () => false, { receives })).again).toEqual({ a1: seconds });
  });

  test('without dead letters during a ten-minute outage', async () => {
    let seconds = 0;
    for (let receives = 1; receives < QUEUE.maxReceives; receives += 1)
      seconds += (await play(['a1'], async () => false, { receives })).again['a1'] ?? 0;
    expect(seconds).toBeGreaterThanOrEqual(600);
  });

  test('with the batch reported even if SQS refuses the delay', async () => {
    const redelivery = { schedule: () => Promise.reject(new Error('AccessDenied')) };
    expect((await play(['a1', 'b1'], async (body) => body === 'b1', { redelivery })).failed).toEqual(['a1']);
  });
});

describe('one group does not block others', () => {
  test('all groups start in parallel, and each keeps its order', async () => {
    const gate = Promise.withResolvers<boolean>();
    const playing = play(
      ['a1', 'a2', 'b1', 'c1'],
      async (body) => (body === 'c1' ? gate.resolve(true) : await gate.promise) ?? true,
    );
    expect(await playing).toEqual({ begun: ['a1', 'b1', 'c1', 'a2'], failed: [], again: {} });
  });

  test.each([
    ['the batch time limit has ended', { patienceMs: 0 }],
    ['the function is about to time out', { remaining: 3000 }],
  ])('a hanging group is returned when %s, and the others complete', async (_, limits) => {
    const { failed, again } = await play(
      ['a1', 'a2', 'b1', 'b2'],
      async (body) => (body === 'a1' ? never : true),
      limits,
    );
    expect(failed).toEqual(['a1', 'a2']);
    expect(again).toEqual({ a1: 1, a2: 1 });
  });

  test('a message that ends after its return does not start the next of its group', async () => {
    const late = Promise.withResolvers<boolean>();
    const { begun, failed } = await play(['a1', 'a2'], () => late.promise, { patienceMs: 0 });
    late.resolve(true);
    await late.promise;
    await new Promise(setImmediate);
    expect({ begun, failed }).toEqual({ begun: ['a1'], failed: ['a1', 'a2'] });
  });
});

test('records without a group are independent', async () => {
  const { Records } = batch(['a1', 'a2']);
  for (const { attributes } of Records) delete attributes.MessageGroupId;
  const answer = await handleBatch(
    { redelivery: { schedule: async () => undefined }, log: silent },
    { Records },
    NO_DEADLINE,
    async ({ body }) => body !== 'a1',
  );
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'id-a1' }] });
});

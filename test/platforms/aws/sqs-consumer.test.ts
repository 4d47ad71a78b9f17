import type { ChangeMessageVisibilityBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { expect, test } from 'vitest';
import { sqsHandler } from '../../../platforms/aws/sqs-consumer.ts';
import type { Batch, FailedMessage } from '../../../platforms/queues.ts';

const record = (body: string, queue = 'signals.fifo'): SQSRecord =>
  ({
    messageId: `id-${body}`,
    receiptHandle: `handle-${body}`,
    body,
    attributes: { MessageGroupId: body[0], ApproximateReceiveCount: '3' },
    eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${queue}`,
  }) as unknown as SQSRecord;

/** Returns the response, the batch that the consumer got, and the changes of visibility timeouts. */
async function handle(records: SQSRecord[], failed: readonly FailedMessage[], refusal?: Error) {
  const batches: Batch[] = [];
  const delays: [string | undefined, string | undefined, number | undefined][] = [];
  const refusals: unknown[] = [];
  const client = {
    send: async ({ input }: ChangeMessageVisibilityBatchCommand) => {
      if (refusal) throw refusal;
      for (const one of input.Entries ?? []) delays.push([input.QueueUrl, one.ReceiptHandle, one.VisibilityTimeout]);
      return {};
    },
  } as unknown as SQSClient;
  const handler = sqsHandler(
    () => async (batch) => {
      batches.push(batch);
      return failed;
    },
    () => ({
      client,
      urls: ['http://sqs/1/other.fifo', 'http://sqs/1/signals.fifo'],
      onRefusal: (e) => refusals.push(e),
    }),
  );
  const event: SQSEvent = { Records: records };
  const response = await handler(event, { getRemainingTimeInMillis: () => 5000 });
  return { response, batch: batches[0], delays, refusals };
}

test('the consumer gets messages with their groups and numbers of deliveries, and the time that is left', async () => {
  const { batch, response } = await handle([record('a1'), record('b1')], []);
  expect(batch?.messages).toEqual([
    { id: 'id-a1', body: 'a1', group: 'a', deliveries: 3 },
    { id: 'id-b1', body: 'b1', group: 'b', deliveries: 3 },
  ]);
  expect(batch?.remainingMs()).toBe(5000);
  expect(response).toEqual({ batchItemFailures: [] });
});

test('failed messages are reported, and delivered again after their delay', async () => {
  const { response, delays } = await handle([record('a1'), record('a2')], [{ id: 'id-a2', afterSeconds: 4 }]);
  expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'id-a2' }] });
  expect(delays).toEqual([['http://sqs/1/signals.fifo', 'handle-a2', 4]]);
});

test('later messages of a failed one fail with it, though they were not reported', async () => {
  const { response, delays } = await handle(
    ['a1', 'a2', 'b1', 'a3'].map((body) => record(body)),
    [
      { id: 'id-a3', afterSeconds: 9 },
      { id: 'id-a2', afterSeconds: 4 },
    ],
  );
  expect(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['id-a2', 'id-a3']);
  expect(delays.map(([, receipt, seconds]) => [receipt, seconds])).toEqual([
    ['handle-a2', 4],
    ['handle-a3', 4],
  ]);
});

test.each([
  ['SQS refuses the delay', record('a1'), new Error('AccessDenied')],
  ['the queue is unknown', record('a1', 'unknown.fifo'), undefined],
])('failed messages are reported even if %s', async (_, failing, refusal) => {
  const { response, refusals } = await handle([failing], [{ id: 'id-a1', afterSeconds: 1 }], refusal);
  expect(response).toEqual({ batchItemFailures: [{ itemIdentifier: 'id-a1' }] });
  expect(refusals).toHaveLength(1);
});

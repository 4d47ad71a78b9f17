import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { withLaterOnes } from '../messages.ts';
import type { Consumer, FailedMessage, Message } from '../queues.ts';

export type SqsConsumerOptions = {
  client: SQSClient;
  /** An event names a queue by its ARN, but SQS needs its URL. */
  urls: readonly string[];
  /** Called if SQS refuses to deliver a failed message earlier than after the queue's visibility timeout. */
  onRefusal: (error: unknown) => void;
};

/** Returns the handler of a Lambda function whose event source is SQS, with `ReportBatchItemFailures`. */
export const sqsHandler =
  (consumer: () => Consumer, options: () => SqsConsumerOptions) =>
  async ({ Records }: SQSEvent, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<SQSBatchResponse> => {
    const remainingMs = () => context.getRemainingTimeInMillis();
    const messages = Records.map(messageOf);
    const failed = withLaterOnes(messages, await consumer()({ messages, remainingMs }));
    if (failed.length > 0) await delay(Records, failed, options());
    return { batchItemFailures: failed.map(({ id }) => ({ itemIdentifier: id })) };
  };

const messageOf = ({ messageId: id, body, attributes }: SQSRecord): Message => ({
  id,
  body,
  group: attributes.MessageGroupId,
  deliveries: Number(attributes.ApproximateReceiveCount),
});

async function delay(
  records: readonly SQSRecord[],
  failed: readonly FailedMessage[],
  { client, urls, onRefusal }: SqsConsumerOptions,
): Promise<void> {
  const seconds = new Map(failed.map(({ id, afterSeconds }) => [id, afterSeconds]));
  const ofQueues = Map.groupBy(
    records.filter(({ messageId }) => seconds.has(messageId)),
    ({ eventSourceARN: arn }) => arn.slice(arn.lastIndexOf(':') + 1),
  );
  for (const [name, ofQueue] of ofQueues) {
    try {
      const QueueUrl = urls.find((url) => url.endsWith(`/${name}`));
      if (QueueUrl === undefined) throw new Error(`unknown queue ${name}`);
      const Entries = ofQueue.map(({ messageId, receiptHandle }, index) => ({
        Id: String(index),
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: seconds.get(messageId) ?? 0,
      }));
      const { Failed = [] } = await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
      const [first] = Failed;
      if (first !== undefined)
        throw new Error(`SQS refused ${Failed.length} visibility changes: ${first.Code} ${first.Message}`);
    } catch (error) {
      onRefusal(error);
    }
  }
}

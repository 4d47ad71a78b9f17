import { ChangeMessageVisibilityBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Redelivery } from '../../domain/ports/system.ts';

/**
 * Changes the redelivery time with ChangeMessageVisibility. `urls`: the queues; a Lambda event names a queue by its
 * ARN, but SQS needs its URL.
 */
export function sqsRedelivery(client: SQSClient, urls: readonly string[]): Redelivery {
  const byName = new Map(urls.map((url) => [url.slice(url.lastIndexOf('/') + 1), url]));
  return {
    async schedule(messages) {
      for (const [arn, ofQueue] of Map.groupBy(messages, ({ queueArn }) => queueArn)) {
        const QueueUrl = byName.get(arn.slice(arn.lastIndexOf(':') + 1));
        if (QueueUrl === undefined) throw new Error(`unknown queue ${arn}`);
        const Entries = ofQueue.map(({ receiptHandle, afterSeconds }, index) => ({
          Id: String(index),
          ReceiptHandle: receiptHandle,
          VisibilityTimeout: afterSeconds,
        }));
        const { Failed = [] } = await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
        const [first] = Failed;
        if (first !== undefined)
          throw new Error(`SQS refused ${Failed.length} visibility changes: ${first.Code} ${first.Message}`);
      }
    },
  };
}

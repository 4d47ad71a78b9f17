import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { QueueStats } from '../../domain/ports/system.ts';

/** Reads the statistics of queues from SQS. The age of the oldest message is available only in CloudWatch. */
export function sqsQueueStats(client: SQSClient, urls: Readonly<Record<string, string>>): QueueStats {
  return {
    read: () =>
      Promise.all(
        Object.entries(urls).map(async ([queue, QueueUrl]) => {
          const { Attributes = {} } = await client.send(
            new GetQueueAttributesCommand({
              QueueUrl,
              AttributeNames: [
                'ApproximateNumberOfMessages',
                'ApproximateNumberOfMessagesNotVisible',
                'ApproximateNumberOfMessagesDelayed',
              ],
            }),
          );
          return {
            queue,
            visible: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
            inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
            delayed: Number(Attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
          };
        }),
      ),
  };
}

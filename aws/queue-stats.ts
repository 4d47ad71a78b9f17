import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { QueueStats } from '../domain/ports.ts';

/** What SQS tells of a queue. How old its oldest message is, it tells CloudWatch alone. */
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

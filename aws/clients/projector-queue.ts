import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { ProjectionTargetName, WakeMessage } from '../../schemas/incidents/projection.ts';
import type { ProjectorQueue } from '../table/incidents/projections.ts';

/** Longest delay of an SQS message. */
const DELAY_MAX_SECONDS = 900;

/**
 * Returns a function that sends a message to the target's own queue. The message only wakes the projector, which reads
 * from the table what has changed.
 */
export function sqsProjectorQueue(
  client: SQSClient,
  urls: Readonly<Record<ProjectionTargetName, string>>,
): ProjectorQueue {
  return async (target, afterSeconds) => {
    const wake: WakeMessage = { target };
    await client.send(
      new SendMessageCommand({
        QueueUrl: urls[target],
        MessageBody: JSON.stringify(wake),
        DelaySeconds: Math.min(Math.ceil(afterSeconds), DELAY_MAX_SECONDS),
      }),
    );
  };
}

import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Target, Wake } from '../../schemas/incidents/projection.ts';
import type { Environment } from '../secrets/env.ts';
import type { ProjectorQueue } from '../table/incidents/projections.ts';

/** Longest delay of an SQS message. */
const DELAY_MAX_SECONDS = 900;

/** Sends a message to the target's own queue. Its subject is in the table. */
export function sqsProjectorQueue(client: SQSClient, env: Environment): ProjectorQueue {
  const urls: Record<Target, string> = {
    slack: env.FIREBREAK_QUEUE_SLACK,
    statuspage: env.FIREBREAK_QUEUE_STATUSPAGE,
    grafana: env.FIREBREAK_QUEUE_GRAFANA,
    tickets: env.FIREBREAK_QUEUE_TICKETS,
    webhooks: env.FIREBREAK_QUEUE_WEBHOOKS,
  };
  return async (target, afterSeconds) => {
    const wake: Wake = { target };
    await client.send(
      new SendMessageCommand({
        QueueUrl: urls[target],
        MessageBody: JSON.stringify(wake),
        DelaySeconds: Math.min(Math.ceil(afterSeconds), DELAY_MAX_SECONDS),
      }),
    );
  };
}

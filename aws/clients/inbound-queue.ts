import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { InboundQueue } from '../../domain/ports/messages.ts';
import { sha256 } from '../hash.ts';
import { messageBody } from './queue.ts';

/** Sends to one SQS FIFO queue. Keys and groups can be any text, but SQS allows few characters, so they are hashed. */
export const sqsInboundQueue = (client: SQSClient, url: string): InboundQueue => ({
  async send(event, group) {
    await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: messageBody(event),
        MessageGroupId: sha256(group).slice(0, 32),
        MessageDeduplicationId: sha256(event.key),
      }),
    );
  },
});

import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { PeopleQueue } from '../domain/ports.ts';
import { sha256 } from './hash.ts';

/** SQS refuses U+FFFE and U+FFFF, which people can type and JSON leaves as they are. */
const messageBody = (heard: unknown): string =>
  JSON.stringify(heard).replace(/[\uFFFE\uFFFF]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);

/** One SQS FIFO queue. Keys and groups are any text, and SQS takes few characters: their hashes stand for them. */
export const sqsPeopleQueue = (client: SQSClient, url: string): PeopleQueue => ({
  async send(heard, group) {
    await client.send(
      new SendMessageCommand({
        QueueUrl: url,
        MessageBody: messageBody(heard),
        MessageGroupId: sha256(group).slice(0, 32),
        MessageDeduplicationId: sha256(heard.key),
      }),
    );
  },
});

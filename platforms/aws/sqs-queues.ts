import {
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { refuseInvalid } from '../messages.ts';
import type { DeadMessage, MessageCounts, NewMessage, Queues } from '../queues.ts';

/** SQS accepts 10 messages and 256 KiB per batch; one large message fills a batch. */
const BATCH_MAX_MESSAGES = 10;
const BATCH_MAX_BYTES = 240 * 1024;

const RedrivePolicy = z.object({ deadLetterTargetArn: z.string() });

/** Seconds for which a message that is sent again is not received by another one that does the same. */
const REDRIVE_SECONDS = 30;

/** Sends to SQS queues: FIFO queues for messages with a group, standard queues for the others. */
export class SqsQueues implements Queues {
  readonly #client: SQSClient;
  readonly #urls: Readonly<Record<string, string>>;

  constructor(client: SQSClient, urls: Readonly<Record<string, string>>) {
    this.#client = client;
    this.#urls = urls;
  }

  async send(queue: string, messages: readonly NewMessage[]): Promise<void> {
    const QueueUrl = this.#url(queue);
    refuseInvalid(messages);
    for (const Entries of batches(messages.map(entryOf))) {
      const { Failed = [] } = await this.#client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
      const [first] = Failed;
      if (first !== undefined)
        throw new Error(
          `SQS accepted ${Entries.length - Failed.length} of ${Entries.length} messages: ${first.Code} ${first.Message}`,
        );
    }
  }

  /** The age of the oldest message is available only in CloudWatch. */
  async counts(queue: string): Promise<MessageCounts> {
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({
        QueueUrl: this.#url(queue),
        AttributeNames: [
          'ApproximateNumberOfMessages',
          'ApproximateNumberOfMessagesNotVisible',
          'ApproximateNumberOfMessagesDelayed',
        ],
      }),
    );
    return {
      visible: Number(Attributes['ApproximateNumberOfMessages'] ?? 0),
      inFlight: Number(Attributes['ApproximateNumberOfMessagesNotVisible'] ?? 0),
      delayed: Number(Attributes['ApproximateNumberOfMessagesDelayed'] ?? 0),
    };
  }

  async dead(queue: string): Promise<DeadMessage[]> {
    return (await this.#receiveDead(await this.#deadUrl(queue), 0)).map(({ receipt: _receipt, ...message }) => message);
  }

  /** A message whose deletion fails is delivered twice, as any other can be. */
  async redrive(queue: string): Promise<number> {
    const QueueUrl = await this.#deadUrl(queue);
    for (let count = 0; ;) {
      const messages = await this.#receiveDead(QueueUrl, REDRIVE_SECONDS);
      if (messages.length === 0) return count;
      await this.send(
        queue,
        messages.map(({ id, body, group }) => ({ body, ...(group !== undefined && { group, id: `redrive-${id}` }) })),
      );
      for (const { receipt: ReceiptHandle } of messages)
        await this.#client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      count += messages.length;
    }
  }

  async #receiveDead(QueueUrl: string, VisibilityTimeout: number): Promise<(DeadMessage & { receipt: string })[]> {
    const { Messages = [] } = await this.#client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        VisibilityTimeout,
        MaxNumberOfMessages: BATCH_MAX_MESSAGES,
        MessageSystemAttributeNames: ['MessageGroupId'],
      }),
    );
    return Messages.map(({ MessageId = '', Body = '', ReceiptHandle = '', Attributes }) => ({
      id: MessageId,
      body: Body,
      group: Attributes?.MessageGroupId,
      receipt: ReceiptHandle,
    }));
  }

  /** Returns the address of the dead-letter queue, which the queue itself names. */
  async #deadUrl(queue: string): Promise<string> {
    const { Attributes = {} } = await this.#client.send(
      new GetQueueAttributesCommand({ QueueUrl: this.#url(queue), AttributeNames: ['RedrivePolicy'] }),
    );
    const { deadLetterTargetArn: arn } = RedrivePolicy.parse(JSON.parse(Attributes['RedrivePolicy'] ?? '{}'));
    const { QueueUrl } = await this.#client.send(
      new GetQueueUrlCommand({ QueueName: arn.slice(arn.lastIndexOf(':') + 1) }),
    );
    if (QueueUrl === undefined) throw new Error(`SQS returned no address of ${arn}`);
    return QueueUrl;
  }

  #url(queue: string): string {
    const url = this.#urls[queue];
    if (url === undefined) throw new Error(`unknown queue ${queue}`);
    return url;
  }
}

const entryOf = ({ body, group, id, delaySeconds }: NewMessage, index: number): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: accepted(body),
  ...(group !== undefined && { MessageGroupId: group }),
  ...(id !== undefined && { MessageDeduplicationId: id }),
  ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
});

/** SQS refuses U+FFFE and U+FFFF, which labels and people's texts can contain and which JSON does not escape. */
const accepted = (json: string): string =>
  json.replace(/[\uFFFE\uFFFF]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);

function batches(entries: readonly SendMessageBatchRequestEntry[]): SendMessageBatchRequestEntry[][] {
  const all: SendMessageBatchRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.MessageBody ?? '');
    const last = all.at(-1);
    if (last === undefined || last.length === BATCH_MAX_MESSAGES || bytes + size > BATCH_MAX_BYTES) {
      all.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return all;
}

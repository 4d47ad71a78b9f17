import { once } from 'node:events';
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

export type EventSource = {
  client: SQSClient;
  url: string;
  handler: (event: SQSEvent, context: { getRemainingTimeInMillis(): number }) => Promise<SQSBatchResponse>;
  batchSize: number;
  concurrency: number;
  /** Called when a batch was processed, and its messages are deleted or wait. */
  onSettled: () => void;
};

/**
 * Does what an event source mapping of Lambda does with `ReportBatchItemFailures`, for a handler in this process.
 *
 * @returns `stop` abandons handlers that are still running
 */
export function startSqsEventSource(source: EventSource): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const pollers = Array.from({ length: source.concurrency }, async () => {
    while (!stopping.signal.aborted) await poll(source, stopping.signal);
  });
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(pollers);
    },
  };
}

async function poll(source: EventSource, stopping: AbortSignal): Promise<void> {
  const { client, url: QueueUrl } = source;
  const messages = await receive(source, stopping);
  if (messages.length === 0) return;
  const failed = await Promise.race([failedOf(source, messages), abandoned(messages, stopping)]);
  const Entries = messages
    .filter(({ MessageId }) => !failed.includes(MessageId))
    .map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
  if (Entries.length > 0) await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  source.onSettled();
}

async function receive({ client, url: QueueUrl, batchSize }: EventSource, stopping: AbortSignal): Promise<Message[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: batchSize,
    WaitTimeSeconds: 20,
    MessageSystemAttributeNames: ['All'],
  });
  try {
    const { Messages = [] } = await client.send(command, { abortSignal: stopping });
    return Messages;
  } catch (error) {
    if (stopping.aborted) return [];
    throw error;
  }
}

const idsOf = (messages: Message[]) => messages.map(({ MessageId }) => MessageId);

async function failedOf({ handler, url }: EventSource, messages: Message[]): Promise<(string | undefined)[]> {
  try {
    const { batchItemFailures } = await handler({ Records: messages.map((one) => recordOf(one, url)) }, CONTEXT);
    return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
  } catch {
    return idsOf(messages);
  }
}

async function abandoned(messages: Message[], stopping: AbortSignal): Promise<(string | undefined)[]> {
  if (!stopping.aborted) await once(stopping, 'abort');
  return idsOf(messages);
}

const CONTEXT = { getRemainingTimeInMillis: () => 20_000 };

const recordOf = (
  { MessageId = '', ReceiptHandle = '', Body = '', Attributes = {} }: Message,
  url: string,
): SQSRecord => ({
  messageId: MessageId,
  receiptHandle: ReceiptHandle,
  body: Body,
  attributes: Attributes as SQSRecord['attributes'],
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${url.slice(url.lastIndexOf('/') + 1)}`,
  awsRegion: 'us-east-1',
});

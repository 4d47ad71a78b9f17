import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';

export type EventSource = {
  client: SQSClient;
  url: string;
  batchSize: number;
  /** Rejects if the invocation fails: the whole batch is then delivered again. */
  invoke: (event: SQSEvent) => Promise<SQSBatchResponse>;
};

/** Seconds of a long poll. */
const POLL_SECONDS = 20;

/**
 * Invokes a function with the messages of a queue, as an event source mapping of Lambda does with
 * `ReportBatchItemFailures`. Failed messages are delivered again at once: no test waits for their delay.
 *
 * @returns what stops it, after the batch that is being processed
 */
export function pollQueue(source: EventSource): () => Promise<void> {
  const stopping = new AbortController();
  const polling = (async () => {
    while (!stopping.signal.aborted) await pollOnce(source, stopping.signal);
  })();
  return async () => {
    stopping.abort();
    await polling;
  };
}

async function pollOnce({ client, url: QueueUrl, batchSize, invoke }: EventSource, stopping: AbortSignal) {
  const receive = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: batchSize,
    WaitTimeSeconds: POLL_SECONDS,
    MessageSystemAttributeNames: ['All'],
  });
  // Errors are those of a fault proxy: the next poll tries again.
  const { Messages = [] } = await client.send(receive, { abortSignal: stopping }).catch(() => ({ Messages: [] }));
  if (Messages.length === 0) return;
  const failed = await invoke({ Records: Messages.map((one) => recordOf(one, QueueUrl)) }).then(
    ({ batchItemFailures }) => new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)),
    () => new Set(Messages.map(({ MessageId = '' }) => MessageId)),
  );
  const entries = (isFailed: boolean) =>
    Messages.filter(({ MessageId = '' }) => failed.has(MessageId) === isFailed).map(({ ReceiptHandle }, n) => ({
      Id: String(n),
      ReceiptHandle,
    }));
  const [processed, again] = [entries(false), entries(true)];
  // Without an effect, the messages come again after the queue's visibility timeout.
  if (processed.length > 0)
    await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: processed })).catch(() => undefined);
  const Entries = again.map((one) => ({ ...one, VisibilityTimeout: 0 }));
  if (again.length > 0)
    await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries })).catch(() => undefined);
}

const recordOf = (
  { MessageId = '', ReceiptHandle = '', Body = '', Attributes = {}, MD5OfBody = '' }: Message,
  url: string,
): SQSRecord => ({
  messageId: MessageId,
  receiptHandle: ReceiptHandle,
  body: Body,
  attributes: Attributes as SQSRecord['attributes'],
  messageAttributes: {},
  md5OfBody: MD5OfBody,
  eventSource: 'aws:sqs',
  eventSourceARN: `arn:aws:sqs:us-east-1:000000000000:${url.slice(url.lastIndexOf('/') + 1)}`,
  awsRegion: 'us-east-1',
});

import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  type Message,
  type MessageAttributeValue,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSEvent, SQSMessageAttribute, SQSRecord } from 'aws-lambda';
import { queueArn, REGION } from './lambda/arns.ts';
import { longestChain } from './lambda/invoke/lineage.ts';

export type EventSource = {
  queueUrl: string;
  functionName: string;
  sqs: SQSClient;
  lambda: LambdaClient;
  /** Messages per invocation of the function, 1 to 10. */
  batchSize: number;
  /** Concurrent invocations of the function, at least 1. */
  maxConcurrency: number;
  log?: (entry: object) => void;
};

/** The maximum wait time of an SQS receive request. */
const LONG_POLL_SECONDS = 20;

/** Milliseconds between attempts while the queue can't be read, doubling from the first to the maximum value. */
const BACK_OFF_FIRST_MS = 100;
const BACK_OFF_MAX_MS = 5_000;

/** Attempts to delete messages. After that, they are delivered again. */
const DELETE_ATTEMPTS = 3;

/**
 * Runs an SQS event source mapping with `ReportBatchItemFailures`: reads the queue, invokes the function through the
 * Lambda API, waits for the response, and then deletes the successful messages. Failed messages become visible again
 * after their visibility timeout, which the function can change.
 *
 * @returns `stop` resolves when no invocation is running; all messages received by then have been processed
 */
export function startEventSource(source: EventSource): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const pollers = Array.from({ length: source.maxConcurrency }, () => poll(source, stopping.signal));
  return {
    stop: async () => {
      stopping.abort();
      await Promise.all(pollers);
    },
  };
}

async function poll(source: EventSource, stopping: AbortSignal): Promise<void> {
  let backOffMs = BACK_OFF_FIRST_MS;
  while (!stopping.aborted) {
    try {
      const messages = await receive(source, stopping);
      if (messages.length > 0) await deliver(source, messages);
      backOffMs = BACK_OFF_FIRST_MS;
    } catch (error) {
      if (stopping.aborted) return;
      source.log?.({
        event: 'queue-not-readable',
        queueUrl: source.queueUrl,
        error: String(error),
        retryInMs: backOffMs,
      });
      await sleep(backOffMs, undefined, { signal: stopping }).catch(() => undefined);
      backOffMs = Math.min(backOffMs * 2, BACK_OFF_MAX_MS);
    }
  }
}

async function receive({ sqs, queueUrl, batchSize }: EventSource, stopping: AbortSignal): Promise<Message[]> {
  const command = new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: Math.min(batchSize, 10),
    WaitTimeSeconds: LONG_POLL_SECONDS,
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  });
  const { Messages = [] } = await sqs.send(command, { abortSignal: stopping });
  return Messages;
}

/** Delivers a batch. Never rejects: a failed batch is logged and delivered again. */
async function deliver(source: EventSource, messages: Message[]): Promise<void> {
  const { functionName, queueUrl, log } = source;
  const result = await invokeFunction(source, messages);
  if (result.failed.length > 0) {
    const messageIds = result.failed.map(({ MessageId }) => MessageId);
    log?.({ event: 'messages-failed', function: functionName, queueUrl, messageIds, because: result.because });
  }
  if (result.succeeded.length > 0) await deleteAll(source, result.succeeded);
}

/** The result of a batch. */
export type BatchResult = { succeeded: Message[]; failed: Message[]; because?: string };

async function invokeFunction(
  { lambda, functionName, queueUrl }: EventSource,
  messages: Message[],
): Promise<BatchResult> {
  const event: SQSEvent = { Records: messages.map((message) => recordOf(message, queueUrl)) };
  try {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(event) });
    continueTrace(command, longestChain(messages.map(({ Attributes }) => Attributes?.AWSTraceHeader)));
    const response = await lambda.send(command);
    const payload = Buffer.from(response.Payload ?? []).toString();
    if (response.FunctionError) return { succeeded: [], failed: messages, because: payload };
    return batchResultOf(messages, payload);
  } catch (error) {
    return { succeeded: [], failed: messages, because: String(error) };
  }
}

/** Passes on the trace header of a message, in which Lambda counts calls to detect recursive loops. */
function continueTrace(command: InvokeCommand, traceHeader: string | undefined): void {
  if (traceHeader === undefined) return;
  command.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: Record<string, string> }).headers, { 'X-Amzn-Trace-Id': traceHeader });
      return next(args);
    },
    { step: 'build', name: 'continueTrace' },
  );
}

/**
 * Reads the function's response as Lambda does. An empty report means that all messages succeeded. A report that is
 * malformed, or names a message outside the batch, means that all messages failed.
 *
 * This also applies to FIFO queues: an unreported message is deleted even if an earlier message of its group failed.
 * The function must report the later messages of the group too.
 */
export function batchResultOf(messages: Message[], payload: string): BatchResult {
  const reported = reportedFailures(payload);
  const batchIds = new Set(messages.map(({ MessageId }) => MessageId));
  const isInvalid = reported === undefined || reported.find((id) => !batchIds.has(id)) !== undefined;
  if (isInvalid) return { succeeded: [], failed: messages, because: `Invalid batch item failure report: ${payload}` };
  const failed = messages.filter(({ MessageId = '' }) => reported.includes(MessageId));
  const succeeded = messages.filter((message) => !failed.includes(message));
  return failed.length === 0 ? { succeeded, failed } : { succeeded, failed, because: 'reported in batchItemFailures' };
}

/** Returns the reported IDs; undefined if the response is not in the format that Lambda requires. */
function reportedFailures(payload: string): string[] | undefined {
  if (payload === '') return [];
  try {
    const response: unknown = JSON.parse(payload);
    if (response === null) return [];
    if (typeof response !== 'object') return undefined;
    const failures = (response as { batchItemFailures?: unknown }).batchItemFailures ?? [];
    if (!Array.isArray(failures)) return undefined;
    const ids = failures.map((failure: { itemIdentifier?: unknown } | null) => failure?.itemIdentifier);
    return ids.every((id): id is string => typeof id === 'string' && id !== '') ? ids : undefined;
  } catch {
    return undefined;
  }
}

async function deleteAll({ sqs, queueUrl, log }: EventSource, messages: Message[]): Promise<void> {
  let remaining = messages;
  for (let attempt = 1; attempt <= DELETE_ATTEMPTS && remaining.length > 0; attempt += 1) {
    try {
      const Entries = remaining.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      const { Failed = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
      const failed = new Set(Failed.map(({ Id }) => Id));
      remaining = remaining.filter((_, index) => failed.has(String(index)));
    } catch (error) {
      log?.({ event: 'delete-failed', queueUrl, attempt, error: String(error) });
    }
  }
  // These messages were processed and will be delivered again. Functions must handle that on AWS too.
  if (remaining.length > 0)
    log?.({ event: 'messages-not-deleted', queueUrl, messageIds: remaining.map(({ MessageId }) => MessageId) });
}

/** Converts a message to the record that Lambda passes to a function. */
function recordOf(message: Message, queueUrl: string): SQSRecord {
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: (message.Attributes ?? {}) as SQSRecord['attributes'],
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, attributeOf(value)]),
    ),
    md5OfBody: message.MD5OfBody ?? '',
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn(queueUrl),
    awsRegion: REGION,
  };
}

const attributeOf = ({
  StringValue,
  BinaryValue,
  DataType = 'String',
}: MessageAttributeValue): SQSMessageAttribute => ({
  ...(StringValue !== undefined && { stringValue: StringValue }),
  ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
  stringListValues: [],
  binaryListValues: [],
  dataType: DataType,
});

import { createHash, randomUUID } from 'node:crypto';
import { isFifo, MESSAGE_MAX_BYTES } from './attributes.ts';
import { checkBatch, forEachEntry } from './batch.ts';
import { queueByUrl, type RequestContext, type Operation, type Sqs } from './context.ts';
import type { Sent } from './deduplication.ts';
import {
  batchRequestTooLong,
  invalidMessageContents,
  invalidParameter,
  invalidValue,
  missingParameter,
} from './errors.ts';
import * as inputs from './input.ts';
import type { OutgoingMessage } from './input.ts';
import { checkMessageAttributes, hasInvalidCharacters, md5OfAttributes, sizeOf } from './message-attributes.ts';
import type { Queue } from './queue-store.ts';

const DELAY_MAX_SECONDS = 900;
const NO_DEDUPLICATION_ID =
  'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly';

export const sendMessage: Operation = (sqs, input, context) => {
  const request = inputs.parseInput(inputs.SendMessage, input);
  return send(sqs, queueByUrl(sqs, request.QueueUrl), traced(request, context));
};

export const sendMessageBatch: Operation = (sqs, input, context) => {
  const { QueueUrl, Entries: entries } = inputs.parseInput(inputs.SendMessageBatch, input);
  const queue = queueByUrl(sqs, QueueUrl);
  checkBatch(entries);
  if (isFifo(queue.attributes)) checkFifoBatch(queue, entries);
  const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (bytes > MESSAGE_MAX_BYTES) throw batchRequestTooLong(MESSAGE_MAX_BYTES, bytes);
  return forEachEntry(entries, (entry) => send(sqs, queue, traced(entry, context)));
};

type Traced = OutgoingMessage & { traceHeader: string | null };

/** Returns the message with its trace header. A header in the message takes precedence over that of the request. */
const traced = (message: OutgoingMessage, { traceHeader }: RequestContext): Traced => ({
  ...message,
  traceHeader: message.MessageSystemAttributes['AWSTraceHeader']?.StringValue ?? traceHeader ?? null,
});

/** For these two errors, AWS fails the complete batch, with another error code than for a single message. */
function checkFifoBatch(queue: Queue, entries: readonly OutgoingMessage[]): void {
  for (const entry of entries) {
    if (entry.MessageDeduplicationId === undefined && !deduplicatesByContent(queue)) {
      throw invalidParameter(NO_DEDUPLICATION_ID);
    }
    if (entry.MessageGroupId === undefined) {
      throw invalidParameter('The request must contain the parameter MessageGroupId.');
    }
  }
}

function send(sqs: Sqs, queue: Queue, message: Traced): object {
  checkContents(queue, message);
  const fifo = isFifo(queue.attributes);
  if (fifo) checkFifo(queue, message);
  else checkStandard(message);
  const now = sqs.now();
  const sent = fifo ? sendOnce(sqs, queue, message, now) : store(sqs, queue, message, undefined, now);
  const md5OfMessageAttributes = md5OfAttributes(message.MessageAttributes);
  const md5OfSystemAttributes = md5OfAttributes(message.MessageSystemAttributes);
  return {
    MessageId: sent.messageId,
    MD5OfMessageBody: createHash('md5').update(message.MessageBody).digest('hex'),
    ...(md5OfMessageAttributes === undefined ? {} : { MD5OfMessageAttributes: md5OfMessageAttributes }),
    ...(md5OfSystemAttributes === undefined ? {} : { MD5OfMessageSystemAttributes: md5OfSystemAttributes }),
    ...(fifo ? { SequenceNumber: sequenceNumber(sent.seq) } : {}),
  };
}

/**
 * Sends a message. If a message was already sent with this deduplication ID, returns the result of that one instead.
 */
function sendOnce(sqs: Sqs, queue: Queue, message: Traced, now: number): Sent {
  const groupId = message.MessageGroupId ?? '';
  const dedupId = message.MessageDeduplicationId ?? createHash('sha256').update(message.MessageBody).digest('hex');
  const earlier = sqs.deduplication.find(queue, groupId, dedupId, now);
  if (earlier !== undefined) return earlier;
  const sent = store(sqs, queue, message, dedupId, now);
  sqs.deduplication.remember(queue, groupId, dedupId, sent, now);
  return sent;
}

function store(sqs: Sqs, queue: Queue, message: Traced, dedupId: string | undefined, now: number): Sent {
  // A FIFO queue has one delay for all messages. A message can only specify 0, which has no effect.
  const ownDelay = isFifo(queue.attributes) ? undefined : message.DelaySeconds;
  const delaySeconds = ownDelay ?? Number(queue.attributes['DelaySeconds']);
  const messageId = randomUUID();
  const seq = sqs.messages.add(queue, {
    messageId,
    groupId: message.MessageGroupId ?? null,
    dedupId: dedupId ?? null,
    body: message.MessageBody,
    attributes: message.MessageAttributes,
    traceHeader: message.traceHeader,
    sentAt: now,
    visibleAt: now + delaySeconds * 1000,
  });
  sqs.arrivals.announce(queue.id);
  return { messageId, seq };
}

function checkContents(queue: Queue, message: OutgoingMessage): void {
  if (message.MessageBody === '') throw missingParameter('MessageBody');
  if (hasInvalidCharacters(message.MessageBody)) throw invalidMessageContents();
  checkMessageAttributes(message.MessageAttributes);
  const unknown = Object.keys(message.MessageSystemAttributes).find((name) => name !== 'AWSTraceHeader');
  if (unknown !== undefined) throw invalidParameter(`Message system attribute name '${unknown}' is invalid.`);
  checkMessageAttributes(message.MessageSystemAttributes);
  const maxBytes = Number(queue.attributes['MaximumMessageSize']);
  if (bytesOf(message) > maxBytes) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxBytes} bytes.`,
    );
  }
}

function checkStandard({ DelaySeconds: delay, ...message }: OutgoingMessage): void {
  if (delay !== undefined && (!Number.isInteger(delay) || delay < 0 || delay > DELAY_MAX_SECONDS)) {
    throw invalidValue(delay, 'DelaySeconds', `DelaySeconds must be >= 0 and <= ${DELAY_MAX_SECONDS}.`);
  }
  if (message.MessageDeduplicationId !== undefined) {
    throw invalidValue(
      message.MessageDeduplicationId,
      'MessageDeduplicationId',
      'The request includes a parameter that is not valid for this queue type.',
    );
  }
  if (message.MessageGroupId !== undefined) checkId('MessageGroupId', message.MessageGroupId);
}

function checkFifo(queue: Queue, message: OutgoingMessage): void {
  if (message.DelaySeconds !== undefined && message.DelaySeconds !== 0) {
    const reason = 'The request include parameter that is not valid for this queue type.'; // AWS's exact text
    throw invalidValue(message.DelaySeconds, 'DelaySeconds', reason);
  }
  if (message.MessageGroupId === undefined) throw missingParameter('MessageGroupId');
  checkId('MessageGroupId', message.MessageGroupId);
  if (message.MessageDeduplicationId !== undefined) checkId('MessageDeduplicationId', message.MessageDeduplicationId);
  else if (!deduplicatesByContent(queue)) throw invalidParameter(NO_DEDUPLICATION_ID);
}

function checkId(parameter: 'MessageGroupId' | 'MessageDeduplicationId', id: string): void {
  if (!/^[!-~]{1,128}$/.test(id)) {
    const reason = `${parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.`;
    throw invalidValue(id, parameter, reason);
  }
}

const deduplicatesByContent = (queue: Queue): boolean => queue.attributes['ContentBasedDeduplication'] === 'true';

/** Returns the size of the body and the attributes. System attributes don't count. */
const bytesOf = (message: OutgoingMessage): number =>
  Buffer.byteLength(message.MessageBody) + sizeOf(message.MessageAttributes);

/** Returns 20 digits, so that the numbers can also be compared as text. */
export const sequenceNumber = (seq: number): string => String(seq).padStart(20, '0');

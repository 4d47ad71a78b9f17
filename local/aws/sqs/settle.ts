import { isFifo } from './attributes.ts';
import { checkBatch, forEachEntry } from './batch.ts';
import { queueByUrl, type Operation, type Sqs } from './context.ts';
import { invalidValue } from './errors.ts';
import * as inputs from './input.ts';
import type { Message } from './message-store.ts';
import type { Queue } from './queue-store.ts';
import { readHandle } from './receipt.ts';

const VISIBILITY_MAX_SECONDS = 43_200;

export const deleteMessage: Operation = (sqs, input) => {
  const { QueueUrl, ReceiptHandle } = inputs.parseInput(inputs.DeleteMessage, input);
  return remove(sqs, queueByUrl(sqs, QueueUrl), ReceiptHandle);
};

export const deleteMessageBatch: Operation = (sqs, input) => {
  const { QueueUrl, Entries } = inputs.parseInput(inputs.DeleteMessageBatch, input);
  const queue = queueByUrl(sqs, QueueUrl);
  checkBatch(Entries);
  return forEachEntry(Entries, (entry) => remove(sqs, queue, entry.ReceiptHandle));
};

export const changeMessageVisibility: Operation = (sqs, input) => {
  const { QueueUrl, ReceiptHandle, VisibilityTimeout } = inputs.parseInput(inputs.ChangeMessageVisibility, input);
  return changeVisibility(sqs, queueByUrl(sqs, QueueUrl), ReceiptHandle, VisibilityTimeout);
};

export const changeMessageVisibilityBatch: Operation = (sqs, input) => {
  const { QueueUrl, Entries } = inputs.parseInput(inputs.ChangeMessageVisibilityBatch, input);
  const queue = queueByUrl(sqs, QueueUrl);
  checkBatch(Entries);
  return forEachEntry(Entries, (entry) => changeVisibility(sqs, queue, entry.ReceiptHandle, entry.VisibilityTimeout));
};

/** @throws SqsError InvalidParameterValue for a value outside 0 to 43,200 s */
export function checkVisibilityTimeout(seconds: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > VISIBILITY_MAX_SECONDS) {
    const reason = `Must be >= 0 and <= ${VISIBILITY_MAX_SECONDS}, if provided.`;
    throw invalidValue(seconds, 'VisibilityTimeout', reason);
  }
}

/**
 * Deletes a message. Succeeds if the message is already deleted. In a standard queue, also succeeds for a handle of an
 * earlier receive, but then keeps the message, which belongs to the later receiver. A FIFO queue refuses an expired
 * handle.
 */
function remove(sqs: Sqs, queue: Queue, handle: string): object {
  const { seq, receive } = readHandle(queue, handle);
  const message = sqs.messages.find(queue, seq);
  if (message === undefined) return {};
  if (isFifo(queue.attributes)) checkNotExpired(message, receive, handle, sqs.now());
  if (message.receives !== receive) return {};
  sqs.messages.remove(message);
  sqs.arrivals.announce(queue.id); // the rest of its group may be available now
  return {};
}

function changeVisibility(sqs: Sqs, queue: Queue, handle: string, seconds: number): object {
  checkVisibilityTimeout(seconds);
  const { seq, receive } = readHandle(queue, handle);
  const message = sqs.messages.find(queue, seq);
  const now = sqs.now();
  if (message !== undefined && isFifo(queue.attributes)) checkNotExpired(message, receive, handle, now);
  if (message === undefined || message.receives !== receive) {
    const reason = 'Message does not exist or is not available for visibility timeout change.';
    throw invalidValue(handle, 'ReceiptHandle', reason);
  }
  sqs.messages.hideUntil(message, now + seconds * 1000);
  sqs.arrivals.announce(queue.id); // polls that wait for this message must recalculate their wake-up time
  return {};
}

function checkNotExpired(message: Message, receive: number, handle: string, now: number): void {
  if (message.receives !== receive || message.visibleAt <= now) {
    throw invalidValue(handle, 'ReceiptHandle', 'The receipt handle has expired.');
  }
}

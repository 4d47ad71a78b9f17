import { createHash } from 'node:crypto';
import { redrivePolicyOf } from './attributes.ts';
import { arnOf, queueByUrl, type RequestContext, type Sqs } from './context.ts';
import { invalidValue } from './errors.ts';
import * as inputs from './input.ts';
import type { ReceiveRequest } from './input.ts';
import { md5OfAttributes, selectAttributes } from './message-attributes.ts';
import type { Message } from './message-store.ts';
import type { Queue } from './queue-store.ts';
import { handleFor } from './receipt.ts';
import { sequenceNumber } from './send.ts';
import { checkVisibilityTimeout } from './settle.ts';

const MESSAGES_MAX = 10;
const WAIT_MAX_SECONDS = 20;

/** What one read of the queue found, and how long to wait for the next. `announced`: the announcements before it. */
type PollResult = { messages: object[]; queueId: number; announced: number; waitMs: number; nextInMs: number };

/**
 * Receives messages: at once if there are any, otherwise when a message arrives, is released, or becomes visible. Empty
 * when the wait time is over. The wait time is real time, whatever clock stamps the messages.
 */
export async function receiveMessage(sqs: Sqs, input: unknown, context: RequestContext): Promise<object> {
  const request = inputs.parseInput(inputs.ReceiveMessage, input);
  checkRequest(request);
  const startedAt = performance.now();
  for (;;) {
    const poll = await sqs.commits.run(() => pollOnce(sqs, request, context));
    if (poll.messages.length > 0) return { Messages: poll.messages };
    const remaining = poll.waitMs - (performance.now() - startedAt);
    if (remaining <= 0 || context.disconnected.aborted) return {};
    const sleepMs = Math.max(1, Math.min(remaining, poll.nextInMs));
    await sqs.arrivals.next(poll.queueId, poll.announced, sleepMs, context.disconnected);
  }
}

function pollOnce(sqs: Sqs, request: ReceiveRequest, context: RequestContext): PollResult {
  const queue = queueByUrl(sqs, request.QueueUrl);
  const now = sqs.now();
  // Take nothing for a caller that has disconnected, because the messages would be hidden from others until their
  // visibility timeout.
  const taken = context.disconnected.aborted ? [] : take(sqs, queue, request, now);
  const waitSeconds = request.WaitTimeSeconds ?? Number(queue.attributes['ReceiveMessageWaitTimeSeconds']);
  return {
    messages: taken.map((message) => toReply(sqs, queue, message, request, context)),
    queueId: queue.id,
    announced: sqs.arrivals.count(queue.id),
    waitMs: waitSeconds * 1000,
    nextInMs: sqs.messages.nextVisibleAt(queue, now) - now,
  };
}

function take(sqs: Sqs, queue: Queue, request: ReceiveRequest, now: number): Message[] {
  const seconds = request.VisibilityTimeout ?? Number(queue.attributes['VisibilityTimeout']);
  sqs.messages.expire(queue, now);
  return withoutDeadLetters(sqs, queue, request.MaxNumberOfMessages, now).map((message) =>
    sqs.messages.receive(message, now + seconds * 1000, now),
  );
}

/** Returns receivable messages, after moving those that exceed the maximum receive count to the dead-letter queue. */
function withoutDeadLetters(sqs: Sqs, queue: Queue, max: number, now: number): Message[] {
  const policy = redrivePolicyOf(queue.attributes);
  const target = policy && sqs.queues.find(policy.deadLetterQueue);
  for (;;) {
    const found = sqs.messages.receivable(queue, max, now);
    // If the dead-letter queue was deleted, the message stays in its queue and is delivered again.
    if (policy === undefined || target === undefined) return found;
    const dead = found.filter((message) => message.receives >= policy.maxReceiveCount);
    if (dead.length === 0) return found;
    for (const message of dead) sqs.messages.moveToDeadLetters(message, queue, target, now);
    sqs.arrivals.announce(target.id);
  }
}

function toReply(sqs: Sqs, queue: Queue, message: Message, request: ReceiveRequest, context: RequestContext): object {
  const attributes = selectAttributes(message.attributes, request.MessageAttributeNames ?? []);
  const md5 = md5OfAttributes(attributes);
  const wanted = [...(request.AttributeNames ?? []), ...(request.MessageSystemAttributeNames ?? [])];
  const system = Object.entries(systemAttributes(sqs, message, context)).filter(
    ([name, value]) => value !== null && (wanted.includes('All') || wanted.includes(name)),
  );
  return {
    MessageId: message.messageId,
    ReceiptHandle: handleFor(queue, message),
    Body: message.body,
    MD5OfBody: createHash('md5').update(message.body).digest('hex'),
    ...(md5 === undefined ? {} : { MessageAttributes: attributes, MD5OfMessageAttributes: md5 }),
    ...(system.length === 0 ? {} : { Attributes: Object.fromEntries(system) }),
  };
}

function systemAttributes(sqs: Sqs, message: Message, context: RequestContext): Record<string, string | null> {
  const fifo = message.dedupId !== null;
  return {
    SenderId: sqs.accountId,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.earlierReceives + message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
    MessageGroupId: message.groupId,
    MessageDeduplicationId: message.dedupId,
    SequenceNumber: fifo ? sequenceNumber(message.seq) : null,
    AWSTraceHeader: message.traceHeader,
    DeadLetterQueueSourceArn: message.deadLetterSource === null ? null : arnOf(sqs, context, message.deadLetterSource),
  };
}

/** @throws SqsError InvalidParameterValue */
function checkRequest(request: ReceiveRequest): void {
  const { MaxNumberOfMessages: max, WaitTimeSeconds: wait, VisibilityTimeout: visibility } = request;
  if (!Number.isInteger(max) || max < 1 || max > MESSAGES_MAX) {
    throw invalidValue(max, 'MaxNumberOfMessages', `Must be between 1 and ${MESSAGES_MAX}, if provided.`);
  }
  if (wait !== undefined && (!Number.isInteger(wait) || wait < 0 || wait > WAIT_MAX_SECONDS)) {
    throw invalidValue(wait, 'WaitTimeSeconds', `Must be >= 0 and <= ${WAIT_MAX_SECONDS}, if provided.`);
  }
  if (visibility !== undefined) checkVisibilityTimeout(visibility);
}

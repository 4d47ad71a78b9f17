import {
  checkedAttributes,
  checkQueueName,
  initialAttributes,
  isAttributeName,
  isFifo,
  redrivePolicyOf,
  withChanges,
  type Attributes,
  type ReadOnlyAttribute,
} from './attributes.ts';
import { arnOf, queueByUrl, urlOf, type RequestContext, type Operation, type Sqs } from './context.ts';
import { invalidValue, queueDoesNotExist, queueNameExists, unknownAttribute } from './errors.ts';
import * as inputs from './input.ts';
import type { Queue } from './queue-store.ts';

const RESULTS_MAX = 1000;

/**
 * Creates a queue. Also succeeds if the queue exists with the same attributes. Doesn't enforce AWS's waiting time
 * between deleting and recreating a queue, and doesn't store tags.
 */
export const createQueue: Operation = (sqs, input, context) => {
  const { QueueName: name, Attributes: given } = inputs.parseInput(inputs.CreateQueue, input);
  const fifo = given['FifoQueue']?.toLowerCase() === 'true';
  const existing = sqs.queues.find(name);
  if (existing === undefined) {
    checkQueueName(name, fifo);
    const attributes = withChanges(initialAttributes(fifo), checkedAttributes(given, fifo));
    checkRedrivePolicy(sqs, attributes);
    sqs.queues.create(name, attributes, sqs.now());
  } else {
    const requested = checkedAttributes(given, isFifo(existing.attributes));
    const different = Object.keys(requested).find((key) => (existing.attributes[key] ?? '') !== requested[key]);
    if (different !== undefined) throw queueNameExists(different);
  }
  return { QueueUrl: urlOf(sqs, context, name) };
};

export const getQueueUrl: Operation = (sqs, input, context) => {
  const { QueueName: name } = inputs.parseInput(inputs.GetQueueUrl, input);
  if (sqs.queues.find(name) === undefined) throw queueDoesNotExist();
  return { QueueUrl: urlOf(sqs, context, name) };
};

export const listQueues: Operation = (sqs, input, context) => {
  const { QueueNamePrefix: prefix, ...page } = inputs.parseInput(inputs.ListQueues, input);
  const max = pageSize(page.MaxResults);
  const found = sqs.queues.list(prefix, afterToken(page.NextToken), max + 1);
  return pageOf('QueueUrls', found, max, page.MaxResults, (queue) => urlOf(sqs, context, queue.name));
};

/** Returns the queues whose dead-letter queue is this one. */
export const listDeadLetterSourceQueues: Operation = (sqs, input, context) => {
  const request = inputs.parseInput(inputs.ListDeadLetterSourceQueues, input);
  const target = queueByUrl(sqs, request.QueueUrl).name;
  const max = pageSize(request.MaxResults);
  const sources = sqs.queues
    .list('', afterToken(request.NextToken), Number.MAX_SAFE_INTEGER)
    .filter((queue) => redrivePolicyOf(queue.attributes)?.deadLetterQueue === target);
  // The lower-case `q` is AWS's own.
  return pageOf('queueUrls', sources, max, request.MaxResults, (queue) => urlOf(sqs, context, queue.name));
};

export const getQueueAttributes: Operation = (sqs, input, context) => {
  const { QueueUrl, AttributeNames: names = [] } = inputs.parseInput(inputs.GetQueueAttributes, input);
  const queue = queueByUrl(sqs, QueueUrl);
  const all: Attributes = { ...queue.attributes, ...computedAttributes(sqs, queue, context) };
  if (names.includes('All')) return { Attributes: all };
  const unknown = names.find((name) => !isAttributeName(name));
  if (unknown !== undefined) throw unknownAttribute(unknown);
  const wanted = Object.entries(all).filter(([name]) => names.includes(name));
  return wanted.length === 0 ? {} : { Attributes: Object.fromEntries(wanted) };
};

export const setQueueAttributes: Operation = (sqs, input) => {
  const { QueueUrl, Attributes: given } = inputs.parseInput(inputs.SetQueueAttributes, input);
  const queue = queueByUrl(sqs, QueueUrl);
  const changes = checkedAttributes(given, isFifo(queue.attributes));
  const attributes = withChanges(queue.attributes, changes);
  checkRedrivePolicy(sqs, 'RedrivePolicy' in changes ? attributes : {});
  sqs.queues.setAttributes(queue, attributes, sqs.now());
  return {};
};

/**
 * Deletes all messages, including messages in flight, and the deduplication IDs. Doesn't enforce AWS's waiting time
 * between two purges.
 */
export const purgeQueue: Operation = (sqs, input) => {
  const queue = queueByUrl(sqs, inputs.parseInput(inputs.QueueUrlOnly, input).QueueUrl);
  sqs.messages.purge(queue);
  sqs.deduplication.forget(queue);
  return {};
};

export const deleteQueue: Operation = (sqs, input) => {
  const queue = queueByUrl(sqs, inputs.parseInput(inputs.QueueUrlOnly, input).QueueUrl);
  sqs.queues.remove(queue);
  sqs.arrivals.announce(queue.id); // wakes its long polls, which then return an error
  return {};
};

function computedAttributes(sqs: Sqs, queue: Queue, context: RequestContext): Record<ReadOnlyAttribute, string> {
  const now = sqs.now();
  sqs.messages.expire(queue, now);
  const counts = sqs.messages.counts(queue, now);
  return {
    QueueArn: arnOf(sqs, context, queue.name),
    CreatedTimestamp: seconds(queue.createdAt),
    LastModifiedTimestamp: seconds(queue.modifiedAt),
    ApproximateNumberOfMessages: String(counts.visible),
    ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
    ApproximateNumberOfMessagesDelayed: String(counts.delayed),
  };
}

/** Checks that the dead-letter queue exists and has the same type. */
function checkRedrivePolicy(sqs: Sqs, attributes: Attributes): void {
  const policy = redrivePolicyOf(attributes);
  if (policy === undefined) return;
  const target = sqs.queues.find(policy.deadLetterQueue);
  const invalid = (reason: string): Error => invalidValue(attributes['RedrivePolicy'], 'RedrivePolicy', reason);
  if (target === undefined) throw invalid('Dead letter target does not exist.');
  if (isFifo(target.attributes) !== isFifo(attributes)) {
    throw invalid('Dead-letter queue must be same type of queue as the source.');
  }
}

function pageSize(requested: number | undefined): number {
  if (requested === undefined) return RESULTS_MAX;
  if (!Number.isInteger(requested) || requested < 1 || requested > RESULTS_MAX) {
    throw invalidValue(requested, 'MaxResults', `MaxResults must be an integer between 1 and ${RESULTS_MAX}.`);
  }
  return requested;
}

/** A token is the name after which the next page starts. */
const afterToken = (token: string | undefined): string => Buffer.from(token ?? '', 'base64url').toString();

/** Returns a page. As on AWS, only a caller who sets a maximum gets a token for the next page. */
function pageOf(
  field: 'QueueUrls' | 'queueUrls',
  found: readonly Queue[],
  max: number,
  requested: number | undefined,
  urlOfQueue: (queue: Queue) => string,
): object {
  const page = found.slice(0, max);
  const last = page.at(-1);
  const more = requested !== undefined && found.length > page.length && last !== undefined;
  return {
    ...(page.length > 0 || field === 'queueUrls' ? { [field]: page.map(urlOfQueue) } : {}),
    ...(more ? { NextToken: Buffer.from(last.name).toString('base64url') } : {}),
  };
}

const seconds = (ms: number): string => String(Math.floor(ms / 1000));

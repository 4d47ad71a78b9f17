import type { Arrivals } from './arrivals.ts';
import type { Deduplication } from './deduplication.ts';
import { queueDoesNotExist } from './errors.ts';
import type { GroupCommit } from './group-commit.ts';
import type { MessageStore } from './message-store.ts';
import type { Queue, QueueStore } from './queue-store.ts';

/** The dependencies of every operation. `now` returns milliseconds since the Unix epoch. */
export type Sqs = {
  queues: QueueStore;
  messages: MessageStore;
  deduplication: Deduplication;
  arrivals: Arrivals;
  commits: GroupCommit;
  accountId: string;
  now: () => number;
};

/**
 * Properties of a request besides its input. `origin`: the endpoint that the client used. `region`: the region of its
 * signature. `traceHeader`: the trace of the request. `disconnected`: aborted when the client closes the connection.
 */
export type RequestContext = {
  origin: string;
  region: string;
  traceHeader: string | undefined;
  disconnected: AbortSignal;
};

/** An SQS operation: validates its input and returns its output, within one transaction. */
export type Operation = (sqs: Sqs, input: unknown, context: RequestContext) => object;

export const urlOf = (sqs: Sqs, { origin }: RequestContext, name: string): string =>
  `${origin}/${sqs.accountId}/${name}`;

export const arnOf = (sqs: Sqs, { region }: RequestContext, name: string): string =>
  `arn:aws:sqs:${region}:${sqs.accountId}:${name}`;

/**
 * Finds a queue by URL. Uses only the last path segment, because the port differs for each start and a stored URL must
 * still refer to the same queue.
 *
 * @throws SqsError QueueDoesNotExist
 */
export function queueByUrl(sqs: Sqs, url: string): Queue {
  const queue = sqs.queues.find(url.replace(/\/+$/, '').replace(/^.*\//, ''));
  if (queue === undefined) throw queueDoesNotExist();
  return queue;
}

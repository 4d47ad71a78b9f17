import type { Arrivals } from './arrivals.ts';
import type { Deduplication } from './deduplication.ts';
import { queueDoesNotExist } from './errors.ts';
import type { GroupCommit } from './group-commit.ts';
import type { MessageStore } from './message-store.ts';
import type { Queue, QueueStore } from './queue-store.ts';

/** What every operation works on. `now` is milliseconds since 1970. */
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
 * Who asks. `origin` is the endpoint as the caller reached it, `region` the one that its signature is for, `traceHeader`
 * the trace that the request is part of.
 */
export type Caller = { origin: string; region: string; traceHeader: string | undefined; gone: AbortSignal };

/** Reads its input and answers with the operation's output; runs within one transaction. */
export type Operation = (sqs: Sqs, input: unknown, caller: Caller) => object;

export const urlOf = (sqs: Sqs, { origin }: Caller, name: string): string => `${origin}/${sqs.accountId}/${name}`;

export const arnOf = (sqs: Sqs, { region }: Caller, name: string): string =>
  `arn:aws:sqs:${region}:${sqs.accountId}:${name}`;

/**
 * The queue that a URL names. Only its last part counts: the port differs from start to start, and a URL that someone
 * kept still means the same queue.
 *
 * @throws SqsError QueueDoesNotExist
 */
export function queueByUrl(sqs: Sqs, url: string): Queue {
  const queue = sqs.queues.find(url.replace(/\/+$/, '').replace(/^.*\//, ''));
  if (queue === undefined) throw queueDoesNotExist();
  return queue;
}

import { byQueue, type QueueName } from '../schemas/config/queues.ts';

/** Names and numbers of the resources, shared by `sst.config.ts` and the local start. */

/** The only table. The index `list` holds lists across partitions, newest first. */
export const TABLE = {
  keys: { hash: 'pk', range: 'sk' },
  index: { name: 'list', hash: 'list', range: 'list_key' },
  /**
   * Epoch seconds after which DynamoDB may delete an item. DynamoDB deletes it up to days later, so readers compare it
   * themselves.
   */
  ttl: 'expires_at',
} as const;

/**
 * In seconds. The visibility timeout is six times the router's timeout, as AWS recommends; it matters only for a
 * function that dies. Failed messages are redelivered within seconds (jobs/queues/queue-batch.ts), and 16 receives at
 * that pace take ten minutes.
 */
export const ROUTER_TIMEOUT_SECONDS = 20;
export const QUEUE = {
  visibilitySeconds: 6 * ROUTER_TIMEOUT_SECONDS,
  maxReceives: 16,
  batchSize: 10,
  /** Small, because a batch takes as long as its slowest message and a page may be waiting behind it. */
  urgentBatchSize: 5,
  /** Small, so that during a flood a machine that runs all functions has room for other work. */
  unmatchedBatchSize: 2,
  deadLetterDays: 14,
} as const;

/** Actions of people in Slack and PagerDuty. One message at a time, so that no action waits for another one. */
export const PEOPLE = { timeoutSeconds: 20, batchSize: 1 } as const;

/** Projectors to other systems. A message only wakes a projector, so duplicates and losses do no harm. */
export const PROJECT = { timeoutSeconds: 60, visibilitySeconds: 90, maxReceives: 16 } as const;

/** The function that reads a queue, and the number of messages that it gets at once. */
type Reader = { reader: 'route' | 'hear' | 'project'; batchSize: number };

export const READERS: Readonly<Record<QueueName, Reader>> = {
  ...byQueue((): Reader => ({ reader: 'project', batchSize: QUEUE.batchSize })),
  urgent: { reader: 'route', batchSize: QUEUE.urgentBatchSize },
  ordinary: { reader: 'route', batchSize: QUEUE.batchSize },
  unmatched: { reader: 'route', batchSize: QUEUE.unmatchedBatchSize },
  people: { reader: 'hear', batchSize: PEOPLE.batchSize },
};

/** Returns whether a queue only wakes a projector: the data is in the table, so order does not matter. */
export const isWakeQueue = (name: QueueName): boolean => READERS[name].reader === 'project';

export const HTTP_TIMEOUT_SECONDS = 20;
/** Slack waits three seconds; a cold start can take longer, and work that has begun is completed. */
export const SLACK_TIMEOUT_SECONDS = 10;
export const SWEEP_TIMEOUT_SECONDS = 50;
export const EVALUATE_TIMEOUT_SECONDS = 45;
/** Longer than a round of emails that ends with the slowest one. */
export const DIGEST_TIMEOUT_SECONDS = 58;

/**
 * One invocation of the workflow runs as many steps as fit; an attempt at a vendor may take at most a third of its
 * timeout.
 */
export const WORKFLOW = {
  invocationTimeoutSeconds: 60,
  executionTimeoutSeconds: 14 * 24 * 3600,
  retentionDays: 30,
} as const;

/** Functions that run at a fixed rate. */
export const SCHEDULES = [
  { name: 'sweep', everySeconds: 60 },
  { name: 'evaluate', everySeconds: 60 },
  { name: 'digest', everySeconds: 60 },
] as const;

/**
 * Functions that invoke themselves, through a queue or directly, more often in one chain than Lambda allows by default.
 * Each wait of a projector is a message to its own queue, and each run of the workflow starts the next one.
 */
export const RECURSIVE = ['project', 'workflow'] as const;

import { byQueue, type QueueName } from '../../schemas/config/queues.ts';
import { type FunctionName, FUNCTIONS } from './functions.ts';

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
 * function that dies. Failed messages are redelivered within seconds (core/jobs/queues/queue-batch.ts), and 16 receives at
 * that pace take ten minutes.
 */
export const QUEUE = {
  visibilitySeconds: 6 * FUNCTIONS.route.timeoutSeconds,
  maxReceives: 16,
  batchSize: 10,
  /** Small, because a batch takes as long as its slowest message and a page may be waiting behind it. */
  urgentBatchSize: 5,
  /** Small, so that during a flood a machine that runs all functions has room for other work. */
  unmatchedBatchSize: 2,
  deadLetterDays: 14,
} as const;

/** Queues of projectors. A message only wakes a projector, so duplicates and losses do no harm. */
export const WAKE_QUEUE = { visibilitySeconds: 90, maxReceives: 16 } as const;

/** The function that reads a queue, and the number of messages that it gets at once. */
type Reader = { reader: ReaderName; batchSize: number };
export type ReaderName = Extract<FunctionName, 'route' | 'inbound' | 'project'>;

export const READERS: Readonly<Record<QueueName, Reader>> = {
  ...byQueue((): Reader => ({ reader: 'project', batchSize: QUEUE.batchSize })),
  urgent: { reader: 'route', batchSize: QUEUE.urgentBatchSize },
  ordinary: { reader: 'route', batchSize: QUEUE.batchSize },
  unmatched: { reader: 'route', batchSize: QUEUE.unmatchedBatchSize },
  // One message at a time, so that no action of a person waits for another one.
  people: { reader: 'inbound', batchSize: 1 },
};

/** Returns whether a queue only wakes a projector: the data is in the table, so order does not matter. */
export const isWakeQueue = (name: QueueName): boolean => READERS[name].reader === 'project';

/** The status pages answer these paths and those below the first one. */
export const STATUS_PATHS = ['/status', '/status.json', '/status.rss', '/status.atom', '/status.svg'] as const;

/** The pages for subscriptions answer what is below this path. */
export const SUBSCRIPTIONS_PATH = '/status/subscriptions';

/** Files that the console reads when it runs: a bundle contains code only. */
export const CONSOLE_FILES: readonly string[] = ['node_modules/uplot/dist/uPlot.iife.min.js'];

/** The console answers these paths and those below them; another function answers all other paths at this address. */
export const CONSOLE_PATHS = ['/console', '/login', '/logout', '/assets'] as const;

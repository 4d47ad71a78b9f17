import { QUEUE } from '../aws/resources.ts';

const DAY_SECONDS = 24 * 3600;

/** A queue that is read by the router, and where its messages go when the router could not take them. */
export type SignalQueue = { queue: sst.aws.Queue; deadLetters: sst.aws.Queue };

/** In order per service and environment; one that is stuck holds back nobody else. */
export function createSignalQueue(name: string): SignalQueue {
  // The dead letters of a FIFO queue are FIFO themselves.
  const deadLetters = createDeadLetters(`${name}DeadLetters`, true);
  const queue = new sst.aws.Queue(name, {
    fifo: true,
    visibilityTimeout: `${QUEUE.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: QUEUE.maxReceives },
    transform: { queue: { deduplicationScope: 'messageGroup', fifoThroughputLimit: 'perMessageGroupId' } },
  });
  return { queue, deadLetters };
}

/** Lambda and the scheduler take standard queues only. */
export const createDeadLetters = (name: string, fifo = false): sst.aws.Queue =>
  new sst.aws.Queue(name, {
    fifo,
    transform: { queue: { messageRetentionSeconds: QUEUE.deadLetterDays * DAY_SECONDS } },
  });

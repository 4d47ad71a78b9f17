import { PROJECT, QUEUE } from '../aws/resources.ts';

const DAY_SECONDS = 24 * 3600;

/** A queue that calls a function, and where its messages go when the function could not take them. */
export type Feed = { queue: sst.aws.Queue; deadLetters: sst.aws.Queue };

/** In order within a group: a service and environment, or a channel; one that is stuck holds back nobody else. */
export function createOrderedQueue(name: string): Feed {
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

/** Wakes a projector. What it is to show is in the table, so that order does not matter and nothing can be lost here. */
export function createWakeQueue(name: string): Feed {
  const deadLetters = createDeadLetters(`${name}DeadLetters`);
  const queue = new sst.aws.Queue(name, {
    visibilityTimeout: `${PROJECT.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: PROJECT.maxReceives },
  });
  return { queue, deadLetters };
}

/** Lambda and the scheduler take standard queues only. */
export const createDeadLetters = (name: string, fifo = false): sst.aws.Queue =>
  new sst.aws.Queue(name, {
    fifo,
    transform: { queue: { messageRetentionSeconds: QUEUE.deadLetterDays * DAY_SECONDS } },
  });

import { isWakeQueue, QUEUE, WAKE_QUEUE } from '../../../functions/assembly/resources.ts';
import { byQueue, type QueueName } from '../../../schemas/config/queues.ts';
import type { Size } from './stage.ts';

const DAY_SECONDS = 24 * 3600;

/** A queue that invokes a function, with its dead-letter queue. */
export type QueueWithDeadLetters = { queue: sst.aws.Queue; deadLetters: sst.aws.Queue };

/**
 * Creates all queues that invoke a function. Lambda polls idle queues, too, which costs about as much as everything else
 * in the idle month of a small stage. There, one queue wakes all projectors, whose messages name their target, and
 * signals of services outside the catalogue share the queue of those that do not page.
 */
export function createQueues(size: Size): Record<QueueName, QueueWithDeadLetters> {
  const created = new Map<string, QueueWithDeadLetters>();
  return byQueue((name) => {
    const physical = size === 'small' ? sharedName(name) : name.replace(/^./, upperCase);
    const queue = created.get(physical) ?? (isWakeQueue(name) ? createWakeQueue : createOrderedQueue)(physical);
    created.set(physical, queue);
    return queue;
  });
}

const sharedName = (name: QueueName): string =>
  isWakeQueue(name) ? 'Projections' : (name === 'unmatched' ? 'ordinary' : name).replace(/^./, upperCase);

const upperCase = (letter: string): string => letter.toUpperCase();

/** Creates a FIFO queue. A group is a service and environment, or a channel; a stuck group delays no other. */
function createOrderedQueue(name: string): QueueWithDeadLetters {
  // The dead-letter queue of a FIFO queue must be FIFO.
  const deadLetters = createDeadLetters(`${name}DeadLetters`, { fifo: true });
  const queue = new sst.aws.Queue(name, {
    fifo: true,
    visibilityTimeout: `${QUEUE.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: QUEUE.maxReceives },
    transform: { queue: { deduplicationScope: 'messageGroup', fifoThroughputLimit: 'perMessageGroupId' } },
  });
  return { queue, deadLetters };
}

/**
 * Creates a queue that wakes a projector. The data is in the table, so the order of messages does not matter, and a lost
 * message only delays the projector.
 */
function createWakeQueue(name: string): QueueWithDeadLetters {
  const deadLetters = createDeadLetters(`${name}DeadLetters`);
  const queue = new sst.aws.Queue(name, {
    visibilityTimeout: `${WAKE_QUEUE.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: WAKE_QUEUE.maxReceives },
  });
  return { queue, deadLetters };
}

/** Creates a dead-letter queue. Lambda and the scheduler support only standard queues. */
export const createDeadLetters = (name: string, { fifo = false } = {}): sst.aws.Queue =>
  new sst.aws.Queue(name, {
    fifo,
    transform: { queue: { messageRetentionSeconds: QUEUE.deadLetterDays * DAY_SECONDS } },
  });

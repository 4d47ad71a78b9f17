import type { Product, QueueSettings } from './product.ts';
import type { Size } from './stage.ts';

const DAY_SECONDS = 24 * 3600;

/** A queue that invokes a function, with its dead-letter queue. */
export type QueueWithDeadLetters = { queue: sst.aws.Queue; deadLetters: sst.aws.Queue };

/** Returns a queue by its name, such as `urgent`. @throws Error if the product names no such queue */
export type Queues = (name: string) => QueueWithDeadLetters;

type Settings = Pick<Product, 'queues' | 'projectorQueues' | 'queueSettings' | 'wakeQueueSettings' | 'deadLetterDays'>;

/**
 * Creates all queues that invoke a function. Lambda polls idle queues, too, which costs about as much as everything else
 * in the idle month of a small stage. There, one queue wakes all projectors, whose messages name their target, and
 * signals of services outside the catalogue share the queue of those that do not page.
 */
export function createQueues(
  size: Size,
  { queues, projectorQueues, queueSettings, wakeQueueSettings, deadLetterDays }: Settings,
): Queues {
  const created = new Map<string, QueueWithDeadLetters>();
  const byName = new Map<string, QueueWithDeadLetters>();
  for (const name of Object.keys(queues)) {
    const wakes = projectorQueues.includes(name);
    const physical = size === 'small' ? sharedName(name, wakes) : name.replace(/^./, upperCase);
    const queue =
      created.get(physical) ??
      (wakes
        ? createWakeQueue(physical, wakeQueueSettings, deadLetterDays)
        : createOrderedQueue(physical, queueSettings, deadLetterDays));
    created.set(physical, queue);
    byName.set(name, queue);
  }
  return (name) => {
    const queue = byName.get(name);
    if (queue === undefined) throw new Error(`there is no queue ${name}`);
    return queue;
  };
}

const sharedName = (name: string, wakes: boolean): string =>
  wakes ? 'Projections' : (name === 'unmatched' ? 'ordinary' : name).replace(/^./, upperCase);

const upperCase = (letter: string): string => letter.toUpperCase();

/** Creates a FIFO queue. A group is a service and environment, or a channel; a stuck group delays no other. */
function createOrderedQueue(name: string, settings: QueueSettings, days: number): QueueWithDeadLetters {
  // The dead-letter queue of a FIFO queue must be FIFO.
  const deadLetters = createDeadLetters(`${name}DeadLetters`, days, { fifo: true });
  const queue = new sst.aws.Queue(name, {
    fifo: true,
    visibilityTimeout: `${settings.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: settings.maxReceives },
    transform: { queue: { deduplicationScope: 'messageGroup', fifoThroughputLimit: 'perMessageGroupId' } },
  });
  return { queue, deadLetters };
}

/**
 * Creates a queue that wakes a projector. The data is in the table, so the order of messages does not matter, and a lost
 * message only delays the projector.
 */
function createWakeQueue(name: string, settings: QueueSettings, days: number): QueueWithDeadLetters {
  const deadLetters = createDeadLetters(`${name}DeadLetters`, days);
  const queue = new sst.aws.Queue(name, {
    visibilityTimeout: `${settings.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: settings.maxReceives },
  });
  return { queue, deadLetters };
}

/** Creates a dead-letter queue. Lambda and the scheduler support only standard queues. */
export const createDeadLetters = (name: string, days: number, { fifo = false } = {}): sst.aws.Queue =>
  new sst.aws.Queue(name, {
    fifo,
    transform: { queue: { messageRetentionSeconds: days * DAY_SECONDS } },
  });

import type { QueueStats } from '../../domain/ports/system.ts';
import type { Queues } from '../../platforms/queues.ts';
import { QUEUES } from '../../schemas/config/queues.ts';

/** Reads the statistics of all queues. */
export const queueStats = (queues: Queues): QueueStats => ({
  read: () => Promise.all(QUEUES.map(async (queue) => ({ queue, ...(await queues.counts(queue)) }))),
});

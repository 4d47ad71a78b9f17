import type { InboundQueue } from '../../domain/ports/messages.ts';
import type { Queues } from '../../../platforms/queues.ts';
import { sha256 } from '../../stores/hash.ts';
import type { WakeMessage } from '../../../schemas/incidents/projection.ts';
import { LIMITS } from '../../../platforms/limits.ts';
import type { ProjectorQueue } from '../incidents/projections.ts';
import type { QueueOperations } from '../../domain/ports/system.ts';
import { QUEUES } from '../../../schemas/config/queues.ts';

/** Sends to the queue of people's actions. Keys and groups can be any text, so they are hashed. */
export const inboundQueue = (queues: Queues): InboundQueue => ({
  send: (event, group) =>
    queues.send('people', [{ body: JSON.stringify(event), group: sha256(group).slice(0, 32), id: sha256(event.key) }]),
});

/**
 * Returns a function that sends a message to the target's own queue. The message only wakes the projector, which reads
 * from the table what has changed.
 */
export const projectorQueue =
  (queues: Queues): ProjectorQueue =>
  async (target, afterSeconds) => {
    const wake: WakeMessage = { target };
    const delaySeconds = Math.min(Math.ceil(afterSeconds), LIMITS.delaySeconds);
    await queues.send(target, [{ body: JSON.stringify(wake), delaySeconds }]);
  };

/** Reads the state of all queues, and delivers messages again that failed too often. */
export const queueOperations = (queues: Queues): QueueOperations => ({
  read: () => Promise.all(QUEUES.map(async (queue) => ({ queue, ...(await queues.counts(queue)) }))),
  dead: (queue) => queues.dead(queue),
  redrive: (queue) => queues.redrive(queue),
});

import type { WakeMessage } from '../../schemas/incidents/projection.ts';
import { LIMITS } from '../../platforms/limits.ts';
import type { Queues } from '../../platforms/queues.ts';
import type { ProjectorQueue } from '../incidents/projections.ts';

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

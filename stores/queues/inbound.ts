import type { InboundQueue } from '../../domain/ports/messages.ts';
import type { Queues } from '../../platforms/queues.ts';
import { sha256 } from '../core/hash.ts';

/** Sends to the queue of people's actions. Keys and groups can be any text, so they are hashed. */
export const inboundQueue = (queues: Queues): InboundQueue => ({
  send: (event, group) =>
    queues.send('people', [{ body: JSON.stringify(event), group: sha256(group).slice(0, 32), id: sha256(event.key) }]),
});

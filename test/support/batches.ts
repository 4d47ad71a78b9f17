import type { Batch } from '../../platforms/queues.ts';

/** Returns a batch of messages with their groups, each delivered for the first time, and without a time limit. */
export const batchOf = (...messages: readonly [group: string | undefined, body: string][]): Batch => ({
  messages: messages.map(([group, body], index) => ({ id: String(index + 1), group, body, deliveries: 1 })),
  remainingMs: () => Infinity,
});

import * as z from 'zod';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EphemeralMessages } from '../ports/chat.ts';
import type { ProcessedEvents } from '../ports/messages.ts';

/** Returns the key under which the person who waits for an incident's channel is stored. */
export const channelWaiterKey = (id: IncidentId): string => `waits-for-channel:${id}`;

/** Who waits, as stored. */
const WaitsForChannel = z.object({
  reply_to: z.object({ user: z.string(), channel: z.string().nullable(), responseUrl: z.string().nullable() }),
});
export type WaitsForChannel = z.infer<typeof WaitsForChannel>;

export type WaiterDeps = {
  processedEvents: Pick<ProcessedEvents, 'read' | 'markDelivered'>;
  ephemeralMessages: Pick<EphemeralMessages, 'send'>;
};

/** Sends the channel's name, once, to the person who declared the incident before it had a channel. */
export async function notifyOfChannel(
  { processedEvents, ephemeralMessages }: WaiterDeps,
  id: IncidentId,
  channel: string,
): Promise<void> {
  const stored = await processedEvents.read(channelWaiterKey(id));
  const waiting = stored?.delivered === false ? WaitsForChannel.safeParse(stored.outcome).data : undefined;
  if (waiting === undefined) return;
  const text = ['The channel of the incident is ', { channel }, '.'];
  const message = { summary: 'The channel of the incident is ready', parts: [{ kind: 'text' as const, text }] };
  const { kind } = await ephemeralMessages.send(waiting.reply_to, message);
  if (kind === 'done' || kind === 'refused') await processedEvents.markDelivered(channelWaiterKey(id));
}

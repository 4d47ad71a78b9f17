import type { ReplyTo, Span } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { waitsForChannel } from '../../domain/messages/channel-awaited.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { channelOf } from './channel-span.ts';

/**
 * Returns the channel of an incident. If it doesn't exist yet, the projector that creates it notifies the person. The
 * person is recorded before the second check, and the projector looks for the record after the creation, so that at
 * least one of them notices the other.
 */
export async function awaitChannel(
  deps: Pick<Deps, 'incidents' | 'processedEvents'>,
  id: IncidentId,
  ear: ReplyTo,
): Promise<Span | undefined> {
  const there = await channelOf(deps, id);
  if (there !== undefined) return there;
  await deps.processedEvents.did(waitsForChannel(id), { ear });
  return channelOf(deps, id);
}

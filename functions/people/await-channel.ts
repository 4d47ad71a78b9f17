import type { Ear, Span } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import { waitsForChannel } from '../../domain/channel-awaited.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { channelOf } from './channel-span.ts';

/**
 * The channel of an incident; where there is none yet, whoever makes it tells them. They are remembered before it is
 * looked, and whoever makes it looks for them after it is there: one of the two sees the other.
 */
export async function awaitChannel(
  deps: Pick<Deps, 'incidents' | 'hearings'>,
  id: IncidentId,
  ear: Ear,
): Promise<Span | undefined> {
  const there = await channelOf(deps, id);
  if (there !== undefined) return there;
  await deps.hearings.did(waitsForChannel(id), { ear });
  return channelOf(deps, id);
}

import { type WaitsForChannel, channelWaiterKey } from '../../../core/domain/messages/channel-waiter.ts';
import type { Span } from '../../../core/domain/messages/chat-message.ts';
import type { ReplyTo } from '../../../core/domain/ports/chat.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { ProcessedEvents } from '../../../core/domain/ports/messages.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { RequestedIncident } from '../commands/verb.ts';

type Channel = Pick<IncidentRecord, 'channel' | 'channel_id'>;

/** Returns a link to the channel of an incident, or its name if the ID is unknown. Undefined: it has no channel yet. */
export const channelSpan = ({ channel, channel_id: id }: Channel): Span | undefined =>
  id === undefined ? channel : { channel: id };

/** Returns the channel of an incident; for a child without its own, the parent's. Undefined: there is none yet. */
export async function channelOf({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<Span | undefined> {
  const incident = await incidents.read(id);
  const channel = incident && channelSpan(incident);
  if (channel !== undefined || incident?.parent_id === undefined) return channel;
  const parent = await incidents.read(incident.parent_id);
  return parent && channelSpan(parent);
}

/**
 * Returns the channel of an incident. If it doesn't exist yet, the projector that creates it notifies the person. The
 * person is recorded before the second check, and the projector looks for the record after the creation, so that at
 * least one of them notices the other.
 */
export async function awaitChannel(
  deps: Pick<Deps, 'incidents'> & { processedEvents: ProcessedEvents },
  id: IncidentId,
  replyTo: ReplyTo,
): Promise<Span | undefined> {
  const existing = await channelOf(deps, id);
  if (existing !== undefined) return existing;
  const waiting: WaitsForChannel = { reply_to: replyTo };
  await deps.processedEvents.store(channelWaiterKey(id), waiting);
  return channelOf(deps, id);
}

/** Returns the incident of a channel. Undefined: the channel belongs to no incident. */
export async function incidentOfChannel(
  { incidents }: Pick<Deps, 'incidents'>,
  channel: RequestedIncident['channel'],
): Promise<IncidentId | undefined> {
  if (channel === null) return undefined;
  const found = await incidents.inChannel(channel.id);
  if (found !== undefined || channel.name === null) return found;
  // Incidents from older versions have no channel ID.
  return incidentByChannelName(await incidents.open(), channel.name);
}

/** Finds an open incident by the name of its channel, without `#`. */
export const incidentByChannelName = (open: readonly IncidentRecord[], name: string): IncidentId | undefined =>
  open.find(({ channel }) => channel === `#${name}`)?.id;

import type { Span } from '../../domain/messages/channels.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';

type Channel = Pick<IncidentRecord, 'channel' | 'channel_id'>;

/** Returns a link to the channel of an incident, or its name if the ID is unknown. Undefined: it has no channel yet. */
export const channelSpan = ({ channel, channel_id: id }: Channel): Span | undefined =>
  id === undefined ? channel : { channel: id };

/** Returns the channel of an incident; for a child without its own, the parent's. Undefined: there is none yet. */
export async function channelOf({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<Span | undefined> {
  const incident = await incidents.read(id);
  const own = incident && channelSpan(incident);
  if (own !== undefined || incident?.parent_id === undefined) return own;
  const parent = await incidents.read(incident.parent_id);
  return parent && channelSpan(parent);
}

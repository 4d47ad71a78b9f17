import type { Span } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';

type Channel = Pick<IncidentRecord, 'channel' | 'channel_id'>;

/** The channel of an incident as a link, or as a name where the chat's id is not known. Undefined: it has none yet. */
export const channelSpan = ({ channel, channel_id: id }: Channel): Span | undefined =>
  id === undefined ? channel : { channel: id };

/** Where it is talked of: of a part of another one, the channel of that. Undefined: nowhere yet. */
export async function channelOf({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<Span | undefined> {
  const incident = await incidents.read(id);
  const own = incident && channelSpan(incident);
  if (own !== undefined || incident?.parent_id === undefined) return own;
  const parent = await incidents.read(incident.parent_id);
  return parent && channelSpan(parent);
}

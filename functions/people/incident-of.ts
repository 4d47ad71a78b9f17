import type { Text } from '../../domain/outlets.ts';
import type { Deps } from '../../domain/ports.ts';
import { placeOf } from '../../domain/story.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Where } from './errand.ts';
import { Declined } from './outcome.ts';

const NAMED_MAX = 10;

/**
 * The incident that somebody means: the one that they have named, else the one in whose channel they are.
 * @throws Declined where they are in none
 */
export async function incidentOf(deps: Pick<Deps, 'incidents'>, where: Where): Promise<IncidentId> {
  const found = where.incident ?? (await ofChannel(deps, where.channel));
  if (found !== undefined) return found;
  const open = (await deps.incidents.open()).filter(({ parent_id }) => parent_id === undefined);
  throw new Declined('This is not the channel of an incident, so it is not clear which one is meant. ', ...named(open));
}

/** Undefined: it is not the channel of an incident. */
export async function ofChannel(
  { incidents }: Pick<Deps, 'incidents'>,
  channel: Where['channel'],
): Promise<IncidentId | undefined> {
  if (channel === null) return undefined;
  const found = await incidents.inChannel(channel.id);
  if (found !== undefined || channel.name === null) return found;
  // Of incidents that were opened before channels were known by their ids.
  return (await incidents.open()).find((incident) => incident.channel === `#${channel.name}`)?.id;
}

function named(open: readonly IncidentRecord[]): Text {
  if (open.length === 0) return ['No incident is open; ', { code: '/incident' }, ' declares one.'];
  const rows = open
    .slice(0, NAMED_MAX)
    .flatMap((incident): Text => [
      `\n• ${incident.channel ?? 'no channel yet'}: ${placeOf(incident)}, ${incident.title}`,
    ]);
  return ['Say it there:', ...rows, ...(open.length > NAMED_MAX ? [`\nand ${open.length - NAMED_MAX} more`] : [])];
}

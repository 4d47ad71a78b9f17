import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentId } from '../../schemas/config/names.ts';

/** Reads the short name of an incident. */
export const readName = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<string> =>
  incidentName((await incidents.read(id)) ?? { id });

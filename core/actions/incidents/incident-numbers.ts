import type { Deps } from '../../domain/ports/deps.ts';
import type { Named } from '../../domain/incidents/incident-number.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';

/** Reads the numbers of incidents that are known by ID. Returns a function that gives an incident its number, if it has been read. */
export async function incidentNamer(
  { incidents }: { incidents: Pick<Deps['incidents'], 'read'> },
  ids: readonly (IncidentId | null)[],
): Promise<(id: IncidentId) => Named> {
  const distinct = [...new Set(ids.filter((id) => id !== null))];
  const known = new Map(
    await Promise.all(distinct.map(async (id) => [id, (await incidents.read(id))?.number] as const)),
  );
  return (id) => ({ id, number: known.get(id) });
}

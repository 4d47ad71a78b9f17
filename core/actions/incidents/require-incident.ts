import type { Deps } from '../../domain/ports/deps.ts';
import { incidentName, type Named } from '../../domain/incidents/incident-number.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { Refusal } from '../../domain/refusal.ts';

/** @throws Refusal 404 */
export async function requireIncident({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<IncidentView> {
  const incident = await incidents.view(id);
  if (incident === undefined) throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
  return incident;
}

export const incidentResolved = (incident: Named): Refusal =>
  new Refusal(409, 'incident-resolved', `${incidentName(incident)} is resolved`);

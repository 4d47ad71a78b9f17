import type { Deps } from '../../domain/ports/deps.ts';
import { incidentName, type Named } from '../../domain/incidents/incident-number.ts';
import type { IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { Refusal } from '../../domain/refusal.ts';

/** @throws Refusal 404 */
export const requireIncident = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<IncidentView> =>
  (await incidents.view(id)) ?? refuseUnknown(id);

/** @throws Refusal 404 */
export const requireRecord = async ({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<IncidentRecord> =>
  (await incidents.read(id)) ?? refuseUnknown(id);

function refuseUnknown(id: IncidentId): never {
  throw new Refusal(404, 'unknown-incident', `there is no incident ${id}`);
}

export const incidentResolved = (incident: Named): Refusal =>
  new Refusal(409, 'incident-resolved', `${incidentName(incident)} is resolved`);

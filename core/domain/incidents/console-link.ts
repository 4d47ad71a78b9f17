import type { IncidentId } from '../../../schemas/config/names.ts';
import { incidentName, type Named } from './incident-number.ts';
import type { EvidenceName } from '../../../schemas/incidents/evidence-pack.ts';

/** Returns the path of an incident's page in the console: with its number, if that is given. */
export const incidentPath = (incident: IncidentId | Named): string =>
  `/console/incidents/${typeof incident === 'string' ? incident : incidentName(incident)}`;

/** Returns the path of an experiment's page in the console. */
export const experimentPath = (id: string): string => `/console/experiments/${encodeURIComponent(id)}`;

/** Returns the path of a canary's page in the console. */
export const canaryPath = (id: string): string => `/console/canaries/${encodeURIComponent(id)}`;

/** Returns the path of the records behind a delivery figure in the console. @param team null: all services */
export const deliveryPath = (team: string | null, figure: string, days: number): string =>
  `/console/delivery?${new URLSearchParams({ days: String(days), figure, ...(team !== null && { team }) }).toString()}#records`;

/** Returns the path of a post-mortem's page in the console. */
export const postmortemPath = (incident: IncidentId | Named): string => `${incidentPath(incident)}/postmortem`;

/** Returns the path at which the console offers the evidence of an action. */
export const evidencePath = (id: IncidentId, name: EvidenceName): string => `${incidentPath(id)}/evidence/${name}`;

/**
 * Returns the address of an incident's page in the console. Undefined: the address of this Firebreak is not known.
 *
 * @param publicUrl without a final slash
 */
export const incidentUrl = (publicUrl: string | undefined, incident: IncidentId | Named): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}${incidentPath(incident)}`;

/** Returns the address of a service in the console. Undefined: as for `incidentUrl`. */
export const serviceUrl = (publicUrl: string | undefined, service: string): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}/console/services/${encodeURIComponent(service)}`;

/** Returns the address of the freezes in the console. Undefined: as for `incidentUrl`. */
export const freezesUrl = (publicUrl: string | undefined): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}/console/freezes`;

import type { IncidentId } from '../../schemas/config/names.ts';
import type { EvidenceName } from '../../schemas/incidents/evidence-pack.ts';

/** Returns the path of an incident's page in the console. */
export const incidentPath = (id: IncidentId): string => `/console/incidents/${id}`;

/** Returns the path of an experiment's page in the console. */
export const experimentPath = (id: string): string => `/console/experiments/${encodeURIComponent(id)}`;

/** Returns the path of a post-mortem's page in the console. */
export const postmortemPath = (id: IncidentId): string => `${incidentPath(id)}/postmortem`;

/** Returns the path at which the console offers the evidence of an action. */
export const evidencePath = (id: IncidentId, name: EvidenceName): string => `${incidentPath(id)}/evidence/${name}`;

/**
 * Returns the address of an incident's page in the console. Undefined: the address of this Firebreak is not known.
 *
 * @param publicUrl without a final slash
 */
export const incidentUrl = (publicUrl: string | undefined, id: IncidentId): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}${incidentPath(id)}`;

/** Returns the address of the freezes in the console. Undefined: as for `incidentUrl`. */
export const freezesUrl = (publicUrl: string | undefined): string | undefined =>
  publicUrl === undefined ? undefined : `${publicUrl}/console/freezes`;

import type { IncidentId } from '../../schemas/config/names.ts';
import type { EvidenceName } from '../../schemas/incidents/evidence-pack.ts';

/** Returns the name of the evidence of an action: its key without the incident. */
export const evidenceNameOf = (id: IncidentId, key: string): EvidenceName => key.replace(`${id}.`, '');

/** Returns the key of the action that evidence of this name is about. */
export const actionKeyOf = (id: IncidentId, name: EvidenceName): string => `${id}.${name}`;

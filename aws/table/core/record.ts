import { notCleared } from '../../../domain/changes/cleared-suspects.ts';
import { type IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { StoredIncident } from '../../../schemas/incidents/stored-records.ts';
import type { Item } from './table.ts';

/** Reads a stored incident. A decision that was in progress when a person cleared its suspect still names it. */
export function recordOf(item: Item): IncidentRecord {
  const incident = StoredIncident.parse(item);
  return { ...incident, suspects: notCleared(incident.suspects, incident.cleared) };
}

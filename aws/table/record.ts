import { notCleared } from '../../domain/cleared.ts';
import { type IncidentRecord } from '../../schemas/incident.ts';
import { StoredIncident } from '../../schemas/stored.ts';
import type { Item } from './table.ts';

/** Reads a stored incident. A decision that was in progress when a person cleared its suspect still names it. */
export function recordOf(item: Item): IncidentRecord {
  const incident = StoredIncident.parse(item);
  return { ...incident, suspects: notCleared(incident.suspects, incident.cleared) };
}

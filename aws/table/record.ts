import { notCleared } from '../../domain/cleared.ts';
import { type IncidentRecord } from '../../schemas/incident.ts';
import { StoredIncident } from '../../schemas/stored.ts';
import type { Item } from './table.ts';

/** An incident as it is stored. A judgement that was under way when a person cleared its suspect names it still. */
export function recordOf(item: Item): IncidentRecord {
  const incident = StoredIncident.parse(item);
  return { ...incident, suspects: notCleared(incident.suspects, incident.cleared) };
}

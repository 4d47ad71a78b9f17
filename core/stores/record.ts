import { withoutCleared } from '../domain/changes/cleared-suspects.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { StoredIncident } from '../../schemas/incidents/stored-records.ts';

import type { Item } from '../../platforms/store.ts';

/** Parses a stored incident, without the suspects that people have cleared. @throws ZodError */
export const incidentRecordOf = (item: Item): IncidentRecord => withoutCleared(StoredIncident.parse(item));

import { withoutExcluded } from '../domain/incidents/cause.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import { StoredIncident } from '../../schemas/incidents/stored-records.ts';

import type { Item } from '../../platforms/store.ts';

/** Parses a stored incident, without the suspects that were excluded. @throws ZodError */
export const incidentRecordOf = (item: Item): IncidentRecord => withoutExcluded(StoredIncident.parse(item));

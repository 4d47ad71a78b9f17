import type { NewIncident } from '../../../domain/incidents/new-incident.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { keys, shardedLists } from '../core/keys.ts';
import { absent, type Table, type Write } from '../core/table.ts';
import { pendingWrite, timelineWrite } from './inbox.ts';
import { projectionMarkWrite } from './projections.ts';

/** An opening, an entry in the list of recently opened incidents, is read for an hour. DynamoDB may delete it a day after it. */
const OPENING_RETENTION_SECONDS = 24 * 3600;

/**
 * Returns the writes that open an incident: its item, the pointer that allows only one open incident of its scope, and
 * the pending start.
 */
export function newIncidentWrites(table: Table, { incident, scope, opening, entry }: NewIncident): Write[] {
  const { id, opened_at: at, service } = incident;
  return [
    table.put({ ...keys.incident(id), ...incident, scope, ...shardedLists.incidents.attributes(id, id) }, absent),
    table.put({ ...keys.open(scope), incident_id: id }, absent),
    table.put(keys.openIncident(id)),
    table.put(keys.incidentOf(service, id)),
    pendingWrite(table, id, 0, at),
    ...(opening === null
      ? []
      : [
          table.put({
            ...keys.opening(at, id),
            ...opening,
            expires_at: Math.ceil(millisOf(at) / 1000) + OPENING_RETENTION_SECONDS,
          }),
        ]),
    projectionMarkWrite(table, `incident:${id}`, at),
    timelineWrite(table, id, 'opened', entry),
  ];
}

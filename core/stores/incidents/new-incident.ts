import type { NewIncident } from '../../domain/incidents/new-incident.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { endedMarks, keys, shardedLists } from '../../stores/keys.ts';
import { absent, put, remove, type Write } from '../../../platforms/store.ts';
import type { AdmissionPlan } from '../../domain/alerts/plan-admission.ts';
import { pendingWrite, postWrites, timelineWrite } from './inbox.ts';
import { projectionMarkWrite } from './projections.ts';

/** An opening, an entry in the list of recently opened incidents, is read for minutes, or for a day with `manyAtOnce.minutes`. DynamoDB may delete it a day after it. */
const OPENING_RETENTION_SECONDS = 24 * 3600;

/**
 * Returns the writes that open an incident: its item, the pointer that allows only one open incident of its scope, its
 * number, and the pending start.
 */
export function newIncidentWrites({ incident, scope, opening, entry }: NewIncident): Write[] {
  const { id, number, opened_at: at, service } = incident;
  return [
    put({ ...keys.incident(id), ...incident, scope, ...shardedLists.incidents.attributes(id, id) }, absent),
    put({ ...keys.open(scope), incident_id: id }, absent),
    ...(number === undefined ? [] : [put({ ...keys.incidentNumber(number), incident_id: id }, absent)]),
    put(keys.openIncident(id)),
    put({ ...keys.incidentOf(service, id), ...(opening !== null && { at, scope }) }),
    pendingWrite(id, 0, at),
    ...(opening === null
      ? []
      : [
          put({
            ...keys.opening(at, id),
            ...opening,
            expires_at: Math.ceil(millisOf(at) / 1000) + OPENING_RETENTION_SECONDS,
          }),
        ]),
    projectionMarkWrite(`incident:${id}`, at),
    timelineWrite(id, 'opened', entry),
  ];
}

/**
 * Returns the writes that reopen an incident, on condition that it is still as it was resolved: its item with the message
 * to its next run, the pointer, and the pending start. What features do after its end is due again when it is resolved.
 */
export const reopeningWrites = ({
  id,
  scope,
  post,
}: Omit<Extract<AdmissionPlan['incident'], { kind: 'reopens' }>, 'kind'>): Write[] => [
  ...postWrites(post),
  put({ ...keys.open(scope), incident_id: id }, absent),
  put(keys.openIncident(id)),
  ...endedMarks(id).map((key) => remove(key)),
  projectionMarkWrite(`incident:${id}`, post.at),
];

import type { Amend, Amended } from '../../../domain/ports/incidents.ts';
import type { Clock } from '../../../domain/ports/system.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { keys } from '../core/keys.ts';
import { absent, type Table } from '../core/table.ts';
import { timelineWrite } from './inbox.ts';

/** Attempts. So many concurrent changes indicate an error. */
const TRIES = 12;

type Wanted = { id: IncidentId; amendment: Amend; key: string | undefined };

/**
 * Changes roles and acknowledgment of an open incident, with a timeline entry if there is one, in one transaction. The
 * change is applied again to the current state when others change the incident in the meantime.
 *
 * @throws if others changed it during all attempts
 */
export async function amend(
  table: Table,
  clock: Clock,
  read: (id: IncidentId) => Promise<IncidentRecord | undefined>,
  { id, amendment, key }: Wanted,
): Promise<Amended> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const incident = await read(id);
    if (incident === undefined) return 'unknown';
    if (incident.status === 'resolved') return 'resolved';
    const wanted = amendment(incident);
    if (wanted === undefined) return 'as_it_is';
    const at = clock.now();
    const name = key ?? `amended-${(incident.amended ?? 0) + 1}`;
    const roles = Object.entries({ ...incident.roles, ...wanted.roles }).filter(([, holder]) => holder !== null);
    const result = await table.transact([
      table.put({ ...keys.noted(id, name), at }, absent),
      table.update(keys.incident(id), {
        UpdateExpression: `SET #roles = :roles, care = :care, amended = :next${wanted.escalated === undefined ? '' : ', escalated = :escalated'}`,
        ConditionExpression:
          '#status <> :resolved AND (amended = :was OR attribute_not_exists(amended) AND :was = :zero)',
        ExpressionAttributeNames: { '#roles': 'roles', '#status': 'status' },
        ExpressionAttributeValues: {
          ':roles': Object.fromEntries(roles),
          ':care': { ...incident.care, ...wanted.care },
          ':next': (incident.amended ?? 0) + 1,
          ':was': incident.amended ?? 0,
          ':zero': 0,
          ':resolved': 'resolved',
          ...(wanted.escalated !== undefined && { ':escalated': wanted.escalated }),
        },
      }),
      ...(wanted.timeline === undefined ? [] : [timelineWrite(table, id, name, { at, ...wanted.timeline })]),
    ]);
    if (result.ok) return 'done';
    if (key !== undefined && result.failed.includes(0)) return 'as_it_is';
  }
  throw new Error(`cannot update incident ${id}: it changed during all ${TRIES} attempts; try again`);
}

import type { Opening } from '../../../domain/incidents/incident-group.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { millisOf, Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../core/keys.ts';
import type { Item, Table, Write } from '../core/table.ts';

/** Openings are read for an hour; after this, DynamoDB may delete them. */
const KEPT_SECONDS = 24 * 3600;

/** Records that an incident has opened, so that incidents that open together are found by time. */
export function openingWrite(
  table: Table,
  incident: IncidentRecord,
  scope: string,
  signals: readonly Pick<Signal, 'startsAt'>[],
): Write {
  const [began] = signals.map(({ startsAt }) => startsAt).toSorted();
  return table.put({
    ...keys.opening(incident.opened_at, incident.id),
    id: incident.id,
    at: incident.opened_at,
    ...(began !== undefined && { began }),
    scope,
    service: incident.service,
    environment: incident.environment,
    unmatched: incident.unmatched,
    expires_at: Math.ceil(millisOf(incident.opened_at) / 1000) + KEPT_SECONDS,
  });
}

export const openingOf = (item: Item): Opening => ({
  id: IncidentId.parse(item['id']),
  at: Timestamp.parse(item['at']),
  ...(item['began'] !== undefined && { began: Timestamp.parse(item['began']) }),
  scope: String(item['scope']),
  service: ServiceName.parse(item['service']),
  environment: String(item['environment']),
  unmatched: typeof item['unmatched'] === 'string' ? item['unmatched'] : null,
});

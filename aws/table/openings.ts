import type { Opening } from '../../domain/crowd.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Signal } from '../../schemas/signal.ts';
import { IncidentId, ServiceName } from '../../schemas/names.ts';
import { millisOf, Timestamp } from '../../schemas/time.ts';
import { keys } from './keys.ts';
import type { Item, Table, Write } from './table.ts';

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

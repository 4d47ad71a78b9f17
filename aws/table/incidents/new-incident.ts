import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys, shardedLists } from '../core/keys.ts';
import { pendingWrite, timelineWrite } from './inbox.ts';
import { openingWrite } from './openings.ts';
import { markWrite } from './projections.ts';
import { absent, type Table, type Write } from '../core/table.ts';

/**
 * Returns the writes that open an incident: its item, the pointer that allows only one open incident, and the pending
 * start.
 */
export function newIncidentWrites(
  table: Table,
  { at, scope }: { at: Timestamp; scope: string },
  incident: IncidentRecord,
  signals: readonly Signal[],
  { actor = 'alerts', alone = false }: { actor?: string; alone?: boolean } = {},
): Write[] {
  return [
    table.put(
      { ...keys.incident(incident.id), ...incident, scope, ...shardedLists.incidents.place(incident.id, incident.id) },
      absent,
    ),
    table.put({ ...keys.open(scope), incident_id: incident.id }, absent),
    table.put(keys.openIncident(incident.id)),
    table.put(keys.incidentOf(incident.service, incident.id)),
    pendingWrite(table, incident.id, 0, at),
    ...(alone ? [] : [openingWrite(table, incident, scope, signals)]),
    markWrite(table, `incident:${incident.id}`, at),
    timelineWrite(table, incident.id, 'opened', {
      at,
      actor,
      kind: 'incident.opened',
      text: `Opened: ${incident.title}${signals.length > 1 ? ` and ${signals.length - 1} more` : ''}`,
      detail: {
        severity: incident.severity,
        episodes: signals.map((signal) => signal.episode),
        links: signals[0]?.links ?? null,
      },
    }),
  ];
}

export const blankIncident = {
  status: 'open',
  resolved_at: null,
  resolved_by: null,
  signal_count: 0,
  firing: 0,
  asks_rollback: false,
  suspects: [],
  seq: 0,
  drained: 0,
  run: 1,
  started_run: 0,
  execution: null,
  bells: {},
  renotified: 0,
  pages: 0,
  mitigations: 0,
  verification: 'not_needed',
  automation_paused: false,
  unmatched: null,
} satisfies Partial<IncidentRecord>;

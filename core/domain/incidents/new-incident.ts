import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { EnvironmentName, IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { scopeOf } from '../alerts/admission.ts';
import type { Incidents } from '../ports/incidents.ts';
import { type GroupReason, type Opening, type ParentUrgency, scopeOfGroup, SEVERAL } from './incident-group.ts';

/** An incident to open. `scope`: at most one incident of it is open. */
export type NewIncident = {
  incident: IncidentRecord;
  scope: string;
  /** Record by which incidents that open together are found. Null: never grouped. */
  opening: Opening | null;
  entry: TimelineEntry;
};

/** Builds a new incident with its timeline entry. @param signals alerts that open it @param more.reported what they report at that time */
export function newIncident(
  incident: IncidentRecord,
  scope: string,
  signals: readonly Signal[] = [],
  {
    actor = 'alerts',
    alone = false,
    reported = incident.title,
  }: { actor?: string; alone?: boolean; reported?: string } = {},
): NewIncident {
  const { id, opened_at: at, service, environment, unmatched, severity } = incident;
  const [began] = signals.map(({ startsAt }) => startsAt).toSorted();
  return {
    incident,
    scope,
    opening: alone ? null : { id, at, ...(began !== undefined && { began }), scope, service, environment, unmatched },
    entry: {
      at,
      actor,
      kind: 'incident.opened',
      text: `Opened: ${reported}${signals.length > 1 ? ` and ${signals.length - 1} more` : ''}`,
      detail: { severity, episodes: signals.map(({ episode }) => episode), links: signals[0]?.links ?? null },
    },
  };
}

/** Builds an incident that a person declares. */
export function declaredIncident(
  { id, at }: { id: IncidentId; at: Timestamp },
  { service, environment, title, severity, by, trace, alone }: Parameters<Incidents['declare']>[0],
): NewIncident {
  return newIncident(
    {
      ...blankIncident,
      id,
      service,
      environment,
      title,
      severity,
      opened_at: at,
      trace,
      by_hand: true,
      opened_by: by,
    },
    scopeOf({ service, environment, unmatched: null }),
    [],
    { actor: by, alone: alone === true },
  );
}

/** Many incidents at once are critical, whatever each of them is. */
const MANY_AT_ONCE: ParentUrgency = { severity: 'critical', page: true };

/** Builds the parent incident of a group. It is no failure of its own, so it does not count towards other groups. */
export const parentIncident = (
  { id, at, trace }: { id: IncidentId; at: Timestamp; trace: string },
  environment: EnvironmentName,
  groupReason: GroupReason,
  title: string,
  { severity, page }: ParentUrgency = MANY_AT_ONCE,
): NewIncident =>
  newIncident(
    {
      ...blankIncident,
      id,
      service: SEVERAL,
      environment,
      title,
      severity,
      page,
      opened_at: at,
      trace,
      group_reason: groupReason,
    },
    scopeOfGroup(environment, groupReason),
    [],
    { alone: true },
  );

export const blankIncident = {
  status: 'open',
  resolved_at: null,
  resolved_by: null,
  signal_count: 0,
  firing: 0,
  requests_rollback: false,
  suspects: [],
  seq: 0,
  consumed_seq: 0,
  run: 1,
  started_run: 0,
  execution: null,
  callbacks: {},
  renotified: 0,
  pages: 0,
  mitigations: 0,
  verification: 'not_needed',
  automation_paused: false,
  unmatched: null,
} satisfies Partial<IncidentRecord>;

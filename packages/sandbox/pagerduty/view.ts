import { timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { acknowledgers, type Alert, type Alerts, type AlertStatus, urgencyOf } from './alerts.ts';
import { incidentId } from './objects.ts';
import type { Notes } from './notes.ts';

/** Maximum number of incidents on the page. */
const SHOWN_INCIDENTS = 50;

export type IncidentShown = {
  id: string;
  number: number;
  title: string;
  status: AlertStatus;
  urgency: 'high' | 'low';
  created_at: Timestamp;
  resolved_at: Timestamp | null;
  /** Names of people. An acknowledgement by the Events API has no name. */
  acknowledged_by: string[];
  /** Oldest first. `by` is a person, or null for the Events API. `summary`: of a repeated trigger. */
  log: { at: Timestamp; action: string; by: string | null; summary?: string }[];
  /** Oldest first. */
  notes: { at: Timestamp; by: string; text: string }[];
};

/** Returns the newest incidents, newest first. */
export const shownIncidents = (alerts: Alerts, notes: Notes): IncidentShown[] =>
  alerts.newest(SHOWN_INCIDENTS).map((alert) => shownIncident(alert, alerts, notes));

export function shownIncident(alert: Alert, alerts: Alerts, notes: Notes): IncidentShown {
  const log = alerts.log(alert.id);
  return {
    id: incidentId(alert.id),
    number: alert.id,
    title: alert.summary,
    status: alert.status,
    urgency: urgencyOf(alert),
    created_at: timestamp(alert.created_at),
    resolved_at: alert.resolved_at === null ? null : timestamp(alert.resolved_at),
    acknowledged_by: acknowledgers(alert, log).flatMap(({ name }) => name ?? []),
    log: log.toReversed().map(({ action, at, name, summary }) => ({
      at: timestamp(at),
      action,
      by: name,
      ...(summary !== null && { summary }),
    })),
    notes: notes
      .of(alert.id)
      .toReversed()
      .map(({ author, content, at }) => ({ at: timestamp(at), by: author, text: content })),
  };
}

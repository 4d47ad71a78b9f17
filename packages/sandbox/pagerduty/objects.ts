import { acknowledgers, urgencyOf, type Alert, type Alerts, type LogEntry } from './alerts.ts';
import { ON_CALL, userNamed } from './directory.ts';
import type { Note } from './notes.ts';

/**
 * Objects of the REST API that the stand-in supports. `origin` is the stand-in's own origin.
 *
 * @see https://developer.pagerduty.com/api-reference (Incidents; read 2026-11)
 */

const SERVICE = 'Sandbox Service';

const objectId = (prefix: string, number: number, digits = 13): string =>
  prefix + number.toString(36).toUpperCase().padStart(digits, '0');

export const incidentId = (number: number): string => objectId('Q', number);

/**
 * Returns the number in an incident ID, or undefined if the text is not an incident ID. The inverse of `incidentId`.
 */
export function incidentNumber(id: string): number | undefined {
  const digits = /^Q([0-9A-Z]{13})$/.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

const person = (name: string) => ({ id: userNamed(name).id, type: 'user_reference', summary: name });
const agent = (name: string | null) =>
  name === null ? { id: null, type: 'service_reference', summary: SERVICE } : person(name);

const assignees = (alert: Alert, alerts: Alerts): string[] => {
  const names = alerts.assignees(alert.id);
  return names.length === 0 ? [ON_CALL.name] : names;
};

export function incidentObject(origin: string, alert: Alert, alerts: Alerts) {
  const id = incidentId(alert.id);
  const url = `${origin}/incidents/${id}`;
  const resolved = alert.status === 'resolved' ? 1 : 0;
  return {
    id,
    type: 'incident',
    summary: `[#${alert.id}] ${alert.summary}`,
    self: url,
    html_url: url,
    incident_number: alert.id,
    title: alert.summary,
    status: alert.status,
    incident_key: alert.dedup_key,
    urgency: urgencyOf(alert),
    created_at: time(alert.created_at),
    updated_at: time(alert.changed_at),
    last_status_change_at: time(alert.changed_at),
    last_status_change_by: agent(lastChangedBy(alerts.log(alert.id))),
    resolved_at: alert.resolved_at === null ? null : time(alert.resolved_at),
    assignments: resolved
      ? []
      : assignees(alert, alerts).map((name) => ({ at: time(alert.created_at), assignee: person(name) })),
    acknowledgements: acknowledgers(alert, alerts.log(alert.id)).map(({ name, at }) => ({
      at: time(at),
      acknowledger: agent(name),
    })),
    resolve_reason: null,
    alert_counts: { all: 1, triggered: 1 - resolved, resolved },
  };
}

/** Returns the author of the last status change. Entries are newest first. Null for the sender of the events. */
const lastChangedBy = ([newest]: readonly LogEntry[]): string | null => newest?.name ?? null;

/**
 * Returns an incident as in webhooks v3, which have fewer fields than the REST API.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-overview (read 2026-11)
 */
export function webhookIncident(origin: string, alert: Alert, alerts: Alerts) {
  const { id, type, self, html_url, status, incident_key, created_at, title, urgency, resolve_reason } = incidentObject(
    origin,
    alert,
    alerts,
  );
  return {
    id,
    type,
    self,
    html_url,
    number: alert.id,
    status,
    incident_key,
    created_at,
    title,
    service: { id: 'PSERVICE', type: 'service_reference', summary: SERVICE },
    assignees: assignees(alert, alerts).map((name) => ({
      id: userNamed(name).id,
      type: 'user_reference',
      summary: name,
    })),
    escalation_policy: { id: 'PPOLICY', type: 'escalation_policy_reference', summary: 'Sandbox' },
    teams: [],
    priority: null,
    urgency,
    conference_bridge: null,
    resolve_reason,
  };
}

export function alertObject(origin: string, alert: Alert, alerts: Alerts) {
  const id = objectId('P', alert.id);
  return {
    id,
    type: 'alert',
    summary: alert.summary,
    self: `${origin}/incidents/${incidentId(alert.id)}/alerts/${id}`,
    html_url: `${origin}/alerts/${id}`,
    created_at: time(alert.created_at),
    status: alert.status === 'resolved' ? 'resolved' : 'triggered',
    alert_key: alert.dedup_key,
    body: { type: 'alert_body', contexts: [], details: alerts.details(alert.id) ?? {} },
    incident: { id: incidentId(alert.id), type: 'incident_reference' },
    suppressed: false,
    severity: alert.severity,
  };
}

export const noteObject = ({ id, author, content, at }: Note) => ({
  id: objectId('N', id),
  user: person(author),
  channel: { summary: 'The PagerDuty website or APIs' },
  content,
  created_at: time(at),
});

export function logEntryObject(origin: string, entry: LogEntry) {
  const id = objectId('R', entry.id, 25);
  return {
    id,
    type: `${entry.action}_log_entry`,
    self: `${origin}/log_entries/${id}`,
    created_at: time(entry.at),
    agent: agent(entry.name),
    incident: { id: incidentId(entry.alert_id), type: 'incident_reference' },
  };
}

/** Formats a time in whole seconds, UTC. */
const time = (millis: number): string => new Date(millis).toISOString().replace(/\.\d{3}Z$/, 'Z');

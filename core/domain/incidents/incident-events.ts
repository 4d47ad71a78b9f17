/**
 * Events of an incident that are logged at `info`, and failures at `error`, one line each with this message. Names and fields
 * are stable for programs: see docs/reference/metrics-logs-limits.md, "Logs".
 */
export const INCIDENT_EVENTS = {
  'alerts.received': 'alerts accepted',
  'alerts.routed': 'signals routed',
  'incident.opened': 'incident opened',
  'incident.acknowledged': 'incident acknowledged',
  'incident.updated': 'incident updated',
  'decision.made': 'decision made',
  'approval.requested': 'approval requested',
  'approval.answered': 'approval answered',
  'request.made': 'action requested',
  'effect.started': 'effect started',
  'effect.ended': 'effect ended',
  'mitigation.ended': 'mitigation ended',
  'verification.ended': 'verification ended',
  'failure.noted': 'failure noted',
  'incident.resolved': 'incident resolved',
} as const;

export type IncidentEvent = keyof typeof INCIDENT_EVENTS;

/**
 * Fields of these log lines. Never free text: titles and notes may contain data that does not belong in logs. Only a failure
 * has its reason, and the title of the alert.
 */
export type IncidentEventFields = Partial<{
  decision: string;
  kind: string;
  reason: string;
  actor: string;
  action: string;
  effect: string;
  outcome: string;
  severity: string;
  from_version: string | null;
  to_version: string | null;
  stand_in: true;
}>;

import type { IncidentRecord, IncidentView } from '../schemas/incident.ts';
import type { Webhook, WebhookEvent } from '../schemas/response.ts';
import { isHeard } from './heard.ts';
import { decisionWords } from './incident-card.ts';

/** What receivers outside are told of an incident; names as they stand in JSON. Nothing in it changes by the minute. */
export type IncidentTold = {
  id: string;
  /** Unmatched alerts keep the name that they gave their service. */
  service: string;
  environment: string;
  title: string;
  severity: string;
  status: string;
  opened_at: string;
  resolved_at: string | null;
  parent_id: string | null;
  channel: string | null;
  roles: Record<string, string>;
  acknowledged_by: string | null;
  suspects: { version: string; confidence: number }[];
  /** What the automation has made of it last, in words; null: it has not judged it yet. */
  automation: string | null;
};

const SUSPECTS_TOLD = 3;

export function incidentTold(
  view: IncidentView,
  incident: Pick<IncidentRecord, 'unmatched' | 'care' | 'pages'>,
): IncidentTold {
  const { unmatched, care } = incident;
  const { id, environment, title, severity, status, opened_at, resolved_at, parent_id, channel, roles } = view;
  const last = view.decisions.at(-1);
  return {
    id,
    service: unmatched || view.service,
    environment,
    title,
    severity,
    status,
    opened_at,
    resolved_at,
    parent_id,
    channel,
    roles,
    acknowledged_by: isHeard(incident) ? (care?.acknowledged?.by ?? null) : null,
    suspects: view.suspects.slice(0, SUSPECTS_TOLD).map(({ version, confidence }) => ({ version, confidence })),
    automation: last === undefined ? null : decisionWords(last),
  };
}

/** What a receiver has been told of an incident so far. */
export type ToldSoFar = {
  opened: boolean;
  over: boolean;
  /** What it was told last, as text. */
  shown: string | null;
};

/**
 * What a receiver is to be told next; null: nothing. Of an incident that is over before anything was told, nothing ever
 * is: it is of the time before the receiver.
 */
export function nextEvent(
  { status }: Pick<IncidentTold, 'status'>,
  { opened, over, shown: before }: ToldSoFar,
  shown: string,
): WebhookEvent | null {
  if (over) return null;
  if (!opened) return status === 'resolved' ? null : 'incident.opened';
  if (status === 'resolved') return 'incident.resolved';
  return shown === before ? null : 'incident.changed';
}

/** Whether a receiver wants to hear of an incident. Once it has, it hears of it until its end. */
export const wants = (
  { services, severities }: Pick<Webhook, 'services' | 'severities'>,
  { service, severity }: Pick<IncidentRecord, 'service' | 'severity'>,
): boolean => (services?.includes(service) ?? true) && (severities?.includes(severity) ?? true);

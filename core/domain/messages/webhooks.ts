import type { IncidentRecord, IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentEvent, Webhook } from '../../../schemas/incidents/response.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { ApprovalUrls } from '../incidents/approval-link.ts';
import { answerable } from './incident-buttons.ts';
import { decisionLines, linesOf } from './decision-lines.ts';

/** Webhook payload about an incident; field names as in JSON. It contains nothing that changes by the minute. */
export type WebhookIncident = {
  id: string;
  /** Shown as `INC-42`. Null: stored before numbers existed. */
  number: number | null;
  /** Unmatched alerts keep the service name that they gave. */
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
  /** `service`: absent: the one of the incident. */
  suspects: { version: string; service?: string; confidence: number }[];
  /** Latest result of the automation, as text; null: not judged yet. */
  automation: string | null;
  /** Page of the incident in the console; null: the address of this Firebreak is not known. */
  url: string | null;
  /** The newest question that people can answer. `url`: signed, short-lived; it grants nothing. */
  question: { text: string; answer_until: string | null; url: string | null } | null;
};

const SUSPECTS_SENT_MAX = 3;

export function webhookIncident(
  view: IncidentView,
  incident: IncidentRecord,
  { url, urls }: { url: string | undefined; urls: ApprovalUrls },
): WebhookIncident {
  const { unmatched, handling } = incident;
  const { id, number, environment, title, severity, status, opened_at, resolved_at, parent_id, channel, roles } = view;
  const last = view.decisions.at(-1);
  const question = answerable({ incident, decisions: view.decisions }).at(-1);
  return {
    id,
    number,
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
    acknowledged_by: isAcknowledged(incident) ? (handling?.acknowledged?.by ?? null) : null,
    suspects: view.suspects.slice(0, SUSPECTS_SENT_MAX).map(({ version, service: of, confidence }) => ({
      version,
      ...(of !== undefined && { service: of }),
      confidence,
    })),
    automation: last === undefined ? null : linesOf(decisionLines(last, incident)).join('\n'),
    url: url ?? null,
    question:
      question === undefined
        ? null
        : {
            text: linesOf(decisionLines(question, incident)).join('\n'),
            answer_until: question.answer_until ?? null,
            url: urls.get(question.id) ?? null,
          },
  };
}

/** What a receiver has been sent about an incident. */
export type SentEvents = {
  /** Whether the opening and the resolution were sent, or skipped because the receiver did not select them. */
  opened: boolean;
  over: boolean;
  /** The last payload, as text. */
  shown: string | null;
};

/**
 * Returns the next event for a receiver; null: none. An incident that was resolved before its first event is never
 * sent, because it predates the receiver.
 */
export function nextEvent(
  { status }: Pick<WebhookIncident, 'status'>,
  { opened, over: resolved, shown: before }: SentEvents,
  shown: string,
): IncidentEvent | null {
  // A receiver that pages opens a new page for an incident that alerts have reopened.
  if (resolved || !opened) return status === 'resolved' ? null : 'incident.opened';
  if (status === 'resolved') return 'incident.resolved';
  return shown === before ? null : 'incident.changed';
}

/**
 * Returns whether a receiver subscribes to an incident. After its first event, it receives events until the incident is
 * resolved.
 */
export const isSubscribed = (
  { services, severities }: Pick<Webhook, 'services' | 'severities'>,
  { service, severity }: Pick<IncidentRecord, 'service' | 'severity'>,
): boolean => (services?.includes(service) ?? true) && (severities?.includes(severity) ?? true);

/**
 * Webhook payload about a version of a published post-mortem; field names as in JSON. The same version always has the
 * same payload. It names no person: what people approved is the text.
 */
export type WebhookPostmortem = {
  incident_id: string;
  revision: number;
  /** Unmatched alerts have the service name that they gave. */
  service: string;
  environment: string;
  severity: string;
  title: string;
  /** Since when it is published. */
  published_at: string | null;
  /** When this version was saved. */
  updated_at: string;
  /** Page of the post-mortem in the console; null: the address of this Firebreak is not known. */
  url: string | null;
  markdown: string;
};

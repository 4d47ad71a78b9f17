import * as z from 'zod';
import { cutText } from '../parsing/text.ts';
import { InstantIn } from '../time/time.ts';

/**
 * PagerDuty's V3 webhooks: the parts of incident events that Firebreak uses.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-overview (read 2026-11): event types and their data
 */

/** Limit for text that people write, because it goes through a queue and onto a timeline. */
const TEXT_MAX_CHARS = 4000;
const limitedText = cutText(TEXT_MAX_CHARS);

/** An object with id and name. A field of an unexpected form counts as absent. */
export const PagerDutyReference = z.object({
  id: z.string().max(64).nullish(),
  type: z.string().max(64).nullish(),
  summary: limitedText.nullish(),
});
export type PagerDutyReference = z.infer<typeof PagerDutyReference>;

const reference = PagerDutyReference.nullish().catch(null);
const link = z.string().max(2048).nullish().catch(null);

/** An incident at PagerDuty. */
export const PagerDutyIncident = z.object({
  id: z.string().min(1).max(64),
  html_url: link,
  title: limitedText.nullish().catch(null),
  /** The deduplication key of the incident; Firebreak's own for its pages. */
  incident_key: z.string().max(512).nullish().catch(null),
  assignees: z.array(PagerDutyReference).nullish().catch(null),
  escalation_policy: reference,
  priority: reference,
  /** The only resolve reason that exists names the incident into which this one was merged. */
  resolve_reason: z
    .object({ incident: z.object({ id: z.string().min(1).max(64) }).nullish() })
    .nullish()
    .catch(null),
});
export type PagerDutyIncident = z.infer<typeof PagerDutyIncident>;

/** The reference to the incident in events about one. */
const incidentReference = z.object({ id: z.string().min(1).max(64), html_url: link });

/** A requested responder: a person, or an escalation policy. */
const PagerDutyResponder = z.object({
  incident: incidentReference,
  user: reference,
  escalation_policy: reference,
  message: limitedText.nullish().catch(null),
  state: z.string().max(64).nullish().catch(null),
});
export type PagerDutyResponder = z.infer<typeof PagerDutyResponder>;

const common = {
  id: z.string().min(1).max(128),
  occurred_at: InstantIn.nullish().catch(null),
  /** Who did it; null for an integration. */
  agent: reference,
};

const INCIDENT_EVENTS = [
  'incident.triggered',
  'incident.acknowledged',
  'incident.unacknowledged',
  'incident.reassigned',
  'incident.delegated',
  'incident.escalated',
  'incident.reopened',
  'incident.resolved',
  'incident.priority_updated',
] as const;

/** An event that Firebreak handles; each type has its own data. */
export const PagerDutyEvent = z.discriminatedUnion('event_type', [
  z.object({ event_type: z.enum(INCIDENT_EVENTS), ...common, data: PagerDutyIncident }),
  z.object({
    event_type: z.literal('incident.annotated'),
    ...common,
    data: z.object({ incident: incidentReference, content: limitedText, trimmed: z.boolean().nullish() }),
  }),
  z.object({
    event_type: z.literal('incident.status_update_published'),
    ...common,
    data: z.object({ incident: incidentReference, message: limitedText }),
  }),
  z.object({
    event_type: z.enum(['incident.responder.added', 'incident.responder.replied']),
    ...common,
    data: PagerDutyResponder,
  }),
]);
export type PagerDutyEvent = z.infer<typeof PagerDutyEvent>;

/** The part that every payload has. */
export const PagerDutyPayload = z.object({ event: z.looseObject({ event_type: z.string().min(1).max(256) }) });

/** Event types that are read. Others, of which PagerDuty adds more every year, are ignored. */
export const READ_EVENT_TYPES: ReadonlySet<string> = new Set([
  ...INCIDENT_EVENTS,
  'incident.annotated',
  'incident.status_update_published',
  'incident.responder.added',
  'incident.responder.replied',
]);

/** Returns the incident that an event is about. */
export const incidentOf = ({ data }: PagerDutyEvent): { id: string; html_url?: string | null | undefined } =>
  'incident' in data ? data.incident : data;

import * as z from 'zod';
import { InstantIn } from './time.ts';

/**
 * Webhooks v3 of PagerDuty: what they tell of an incident, as far as it means something here.
 *
 * @see https://developer.pagerduty.com/docs/webhooks-overview (read 2026-11): event types and their data
 */

/** Of what people write. A queue carries it, and a timeline shows it. */
const TEXT_MAX_CHARS = 4000;
const text = z.string().transform((given) => [...given].slice(0, TEXT_MAX_CHARS).join(''));

/** Somebody or something, by id and name. A field of another form is one that nobody has told. */
export const PagerDutyReference = z.object({
  id: z.string().max(64).nullish(),
  type: z.string().max(64).nullish(),
  summary: text.nullish(),
});
export type PagerDutyReference = z.infer<typeof PagerDutyReference>;

const reference = PagerDutyReference.nullish().catch(null);
const link = z.string().max(2048).nullish().catch(null);

/** An incident at PagerDuty. */
export const PagerDutyIncident = z.object({
  id: z.string().min(1).max(64),
  html_url: link,
  title: text.nullish().catch(null),
  /** The key under which it was opened; ours, where we have paged. */
  incident_key: z.string().max(512).nullish().catch(null),
  assignees: z.array(PagerDutyReference).nullish().catch(null),
  escalation_policy: reference,
  priority: reference,
  /** The only reason that there is says into which incident it was merged. */
  resolve_reason: z
    .object({ incident: z.object({ id: z.string().min(1).max(64) }).nullish() })
    .nullish()
    .catch(null),
});
export type PagerDutyIncident = z.infer<typeof PagerDutyIncident>;

/** What is about an incident holds no more of it than this. */
const about = z.object({ id: z.string().min(1).max(64), html_url: link });

/** Somebody who was asked to help, or a policy by which somebody was. */
const PagerDutyResponder = z.object({
  incident: about,
  user: reference,
  escalation_policy: reference,
  message: text.nullish().catch(null),
  state: z.string().max(64).nullish().catch(null),
});
export type PagerDutyResponder = z.infer<typeof PagerDutyResponder>;

const common = {
  id: z.string().min(1).max(128),
  occurred_at: InstantIn.nullish().catch(null),
  /** Who did it; null for what an integration has done. */
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

/** An event that may mean something here; its data are of another form for each type. */
export const PagerDutyEvent = z.discriminatedUnion('event_type', [
  z.object({ event_type: z.enum(INCIDENT_EVENTS), ...common, data: PagerDutyIncident }),
  z.object({
    event_type: z.literal('incident.annotated'),
    ...common,
    data: z.object({ incident: about, content: text, trimmed: z.boolean().nullish() }),
  }),
  z.object({
    event_type: z.literal('incident.status_update_published'),
    ...common,
    data: z.object({ incident: about, message: text }),
  }),
  z.object({
    event_type: z.enum(['incident.responder.added', 'incident.responder.replied']),
    ...common,
    data: PagerDutyResponder,
  }),
]);
export type PagerDutyEvent = z.infer<typeof PagerDutyEvent>;

/** What every payload has, whatever it is about. */
export const PagerDutyPayload = z.object({ event: z.looseObject({ event_type: z.string().min(1) }) });

/** Types that are read. Of others, and there are more every year, nothing is wanted. */
export const READ_EVENT_TYPES: ReadonlySet<string> = new Set([
  ...INCIDENT_EVENTS,
  'incident.annotated',
  'incident.status_update_published',
  'incident.responder.added',
  'incident.responder.replied',
]);

/** The incident that an event is about. */
export const incidentOf = ({ data }: PagerDutyEvent): { id: string; html_url?: string | null | undefined } =>
  'incident' in data ? data.incident : data;

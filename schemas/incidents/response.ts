import * as z from 'zod';
import { HttpUrl, SecretName } from '../config/endpoint.ts';
import { ServiceName, Severity } from '../config/names.ts';
import { WeeklyShadowReport } from '../people/weekly-report.ts';
import { FEATURE_RESPONSE } from '../../features/names.ts';
import { Triage } from './triage.ts';

/** Events of an incident: opened, each change, and resolved. */
export const IncidentEvent = z.enum(['incident.opened', 'incident.changed', 'incident.resolved']);
export type IncidentEvent = z.infer<typeof IncidentEvent>;

/** The events that a receiver can select. */
export const WebhookEvent = z.enum([...IncidentEvent.options, 'postmortem.published']);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/**
 * An external receiver, such as another pager. `firebreak`: JSON in the form of Standard Webhooks. `teams`: a card for
 * a Teams workflow.
 */
export const Webhook = z
  .strictObject({
    url: HttpUrl,
    /** Name of the signing secret. Optional only for Teams workflows, whose address is a secret. */
    signature: SecretName.optional(),
    /** The text of a post-mortem is sent only to receivers that select `postmortem.published`. */
    events: z.array(WebhookEvent).min(1).default(IncidentEvent.options),
    /** Absent: all services. */
    services: z.array(ServiceName).min(1).optional(),
    /** Absent: all severities. */
    severities: z.array(Severity).min(1).optional(),
    format: z.enum(['firebreak', 'teams']).default('firebreak'),
  })
  .refine(({ format, signature }) => format === 'teams' || signature !== undefined, {
    path: ['signature'],
    message: 'the name of the signing secret is required: without it, anyone could send such requests to the receiver',
  });
export type Webhook = z.infer<typeof Webhook>;

const PagerDuty = z.strictObject({
  /**
   * Effect when a person resolves Firebreak's page at PagerDuty. `ask`: the incident is resolved if none of its alerts
   * fires; otherwise the timeline says that alerts still fire, and people decide. `resolve`: it is always resolved.
   */
  resolve: z.enum(['ask', 'resolve']).default('ask'),
  /** Sends deployments and rollbacks to PagerDuty as change events, with the routing key of the pages. */
  changeEvents: z.boolean().default(false),
  /**
   * Writes decisions newer than a page as notes on its PagerDuty incident. Requires an API token with write access, and
   * PAGERDUTY_FROM unless it is a user token.
   */
  notes: z.boolean().default(false),
});

/** What happens when a page is not acknowledged. */
const Escalation = z.strictObject({
  /** Minutes since the first attempt at the page, and between repetitions. */
  afterMinutes: z.number().min(1).max(240).default(10),
  /**
   * `page-again`: a new page, which notifies the person on call at that time. `fallback`: the fallback pager of
   * paging.yaml.
   */
  how: z.enum(['page-again', 'fallback']).default('page-again'),
  /** Maximum number for an incident. */
  times: z.number().int().min(1).max(10).default(3),
});
export type Escalation = z.infer<typeof Escalation>;

const ResponseSettings = z.strictObject({
  pagerduty: PagerDuty.prefault({}),
  /** Absent: pages are sent once, and the pager escalates by its own rules. */
  escalation: Escalation.optional(),
  webhooks: z.array(Webhook).max(20).default([]),
  triage: Triage.prefault({}),
  /** Absent: the report is not sent; `firebreak report shadow` prints it. */
  shadowReport: WeeklyShadowReport.optional(),
  ...FEATURE_RESPONSE,
});

/** `config/response.yaml`: who else is notified of an incident, and when unacknowledged pages escalate. */
export const ResponseFile = ResponseSettings.superRefine(({ webhooks }, context) => {
  for (const [index, { url }] of webhooks.entries())
    if (webhooks.findIndex((other) => other.url === url) < index)
      context.addIssue({
        code: 'custom',
        path: ['webhooks', index, 'url'],
        message: 'duplicate address: each receiver must have its own',
      });
});
export type ResponseFile = z.infer<typeof ResponseFile>;

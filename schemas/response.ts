import * as z from 'zod';
import { HttpUrl, SecretName } from './endpoint.ts';
import { ServiceName, Severity } from './names.ts';
import { Stakeholder, WeeklyShadowReport } from './stakeholders.ts';
import { Triage } from './triage.ts';

/** What is told of an incident: once that it is there, whenever it has changed, and once that it is over. */
export const WebhookEvent = z.enum(['incident.opened', 'incident.changed', 'incident.resolved']);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

/**
 * A receiver outside, as another pager. `firebreak`: JSON after Standard Webhooks. `teams`: a card, as a workflow of
 * Teams takes it.
 */
export const Webhook = z
  .strictObject({
    url: HttpUrl,
    /** The name of the secret that signs. Only a workflow of Teams, whose address is a secret already, may do without. */
    signature: SecretName.optional(),
    events: z.array(WebhookEvent).min(1).default(WebhookEvent.options),
    /** Absent: of all services. */
    services: z.array(ServiceName).min(1).optional(),
    /** Absent: of all severities. */
    severities: z.array(Severity).min(1).optional(),
    format: z.enum(['firebreak', 'teams']).default('firebreak'),
  })
  .refine(({ format, signature }) => format === 'teams' || signature !== undefined, {
    path: ['signature'],
    message: 'the name of the secret that signs: without it anybody could send the receiver the same',
  });
export type Webhook = z.infer<typeof Webhook>;

const PagerDuty = z.strictObject({
  /**
   * What it means that a person resolves our page there. `ask`: the incident is over where no alert of it fires any
   * more; else the timeline says that alerts still fire, and people decide. `resolve`: it is over in any case.
   */
  resolve: z.enum(['ask', 'resolve']).default('ask'),
  /** Deploys and rollbacks are told to PagerDuty as change events, under the routing key of the pages. */
  changeEvents: z.boolean().default(false),
  /**
   * Decisions that are newer than a page are written as notes on its incident there. It takes an API token that may write,
   * and PAGERDUTY_FROM unless the token is a user's own.
   */
  notes: z.boolean().default(false),
});

/** When nobody acknowledges a page. */
const Escalation = z.strictObject({
  /** Since the page, and since each time before. */
  afterMinutes: z.number().min(1).max(240).default(10),
  /** `page-again`: a new page, which rings for whoever is on call then. `fallback`: by the second route of paging.yaml. */
  how: z.enum(['page-again', 'fallback']).default('page-again'),
  /** At most so often for an incident. */
  times: z.number().int().min(1).max(10).default(3),
});
export type Escalation = z.infer<typeof Escalation>;

const Written = z.strictObject({
  pagerduty: PagerDuty.prefault({}),
  /** Absent: pages are sent once, and the pager escalates as it is set up. */
  escalation: Escalation.optional(),
  webhooks: z.array(Webhook).max(20).default([]),
  triage: Triage.prefault({}),
  stakeholders: z.array(Stakeholder).max(50).default([]),
  /** Absent: nobody gets the report; `firebreak report shadow` prints it. */
  shadowReport: WeeklyShadowReport.optional(),
});

/** `config/response.yaml`: who else hears of an incident, and what becomes of one that nobody sees to. */
export const ResponseFile = Written.superRefine(({ webhooks }, context) => {
  for (const [at, { url }] of webhooks.entries())
    if (webhooks.findIndex((one) => one.url === url) < at)
      context.addIssue({
        code: 'custom',
        path: ['webhooks', at, 'url'],
        message: 'this address has an entry already: what it is told is kept by address',
      });
});
export type ResponseFile = z.infer<typeof ResponseFile>;

import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

/** Roles of people during an incident, named as in the Incident Command System. */
export const IncidentRole = z.enum(['commander', 'communications', 'scribe']);
export type IncidentRole = z.infer<typeof IncidentRole>;

/** The holder of a role, and since when. */
export const RoleHolder = z.object({
  /** A person of `people.yaml`, a token, or an unlisted Slack user: `slack:U012AB3CD`. */
  name: z.string(),
  /** Display name. */
  shown: z.string(),
  /** The Slack user id, if known. */
  slack: z.string().nullable(),
  at: Timestamp,
});
export type RoleHolder = z.infer<typeof RoleHolder>;

export const Roles = z.partialRecord(IncidentRole, RoleHolder);
export type Roles = z.infer<typeof Roles>;

/** Who said it, and when. */
export const Attribution = z.object({ by: z.string(), at: Timestamp });
export type Attribution = z.infer<typeof Attribution>;

/** What people are reminded of. */
export const ReminderKind = z.enum(['triage', 'commander', 'update']);
export type ReminderKind = z.infer<typeof ReminderKind>;

/** Minutes after which a responder sends the next update. */
export const NextUpdateMinutes = z
  .number()
  .int()
  .min(5)
  .max(24 * 60);

/** What people have stated about an open incident. The first statement counts, except for `stakeholder_update`. */
export const Handling = z.object({
  /**
   * The acknowledgment: by Firebreak's button, or at the pager. `page`: the newest page that it covers. `pager_page`: the
   * page that was acknowledged at the pager. `last_at_pager`: the last acknowledgment there.
   */
  acknowledged: Attribution.extend({
    page: z.number().int().optional(),
    pager_page: z.number().int().optional(),
    last_at_pager: Attribution.optional(),
  }).optional(),
  /** The pager has unacknowledged the page and notifies again: from which page on, and since when. */
  unacknowledged: z.object({ page: z.number().int(), at: Timestamp }).optional(),
  /** The last page that a person resolved at the pager although the incident continues. */
  dismissed: z.object({ page: z.number().int(), at: Timestamp }).optional(),
  /** Whom the pager notified first of a page, as its webhooks said: the newest pages. */
  paged: z.array(z.object({ page: z.number().int(), at: Timestamp, people: z.array(z.string()) })).optional(),
  /** People recorded under their pager id, because the pager could not be asked who they are: `pagerduty:PTUXL6G`. */
  unidentified: z.array(z.string()).optional(),
  /** The last decision of a person about the incident, such as an answer to a question. */
  acted: Attribution.optional(),
  /** When a person who may answer its questions opened its page, or that of a question, while one waited. */
  seen: Attribution.optional(),
  /** A person set or confirmed the severity. */
  triaged: Attribution.optional(),
  /** The last update to stakeholders, its text, and when a responder sends the next one. */
  stakeholder_update: Attribution.extend({ text: z.string().optional(), next_at: Timestamp.optional() }).optional(),
  /** The last reminder of each kind, and how many were sent in a row. */
  reminded: z.partialRecord(ReminderKind, z.object({ at: Timestamp, times: z.number() })).optional(),
});
export type Handling = z.infer<typeof Handling>;

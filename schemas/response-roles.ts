import * as z from 'zod';
import { Timestamp } from './time.ts';

/** Who does what while an incident goes on, by the names of the incident command system. */
export const IncidentRole = z.enum(['commander', 'communications', 'scribe']);
export type IncidentRole = z.infer<typeof IncidentRole>;

/** Whoever has a role, since when. */
export const RoleHolder = z.object({
  /** Of a person of `people.yaml`, a token, or a user of Slack who is not listed: `slack:U012AB3CD`. */
  name: z.string(),
  /** As others see it. */
  shown: z.string(),
  /** The id of the user in Slack, where it is known. */
  slack: z.string().nullable(),
  at: Timestamp,
});
export type RoleHolder = z.infer<typeof RoleHolder>;

export const Roles = z.partialRecord(IncidentRole, RoleHolder);
export type Roles = z.infer<typeof Roles>;

/** Who it was, and when. */
export const Said = z.object({ by: z.string(), at: Timestamp });
export type Said = z.infer<typeof Said>;

/** What people are reminded of. */
export const NudgeKind = z.enum(['triage', 'commander', 'update']);
export type NudgeKind = z.infer<typeof NudgeKind>;

/** What people have said of an incident that goes on; whoever says it first counts, but for `told`. */
export const Care = z.object({
  /**
   * Somebody sees to it: by our button, or at the pager. `page`: the newest one that they have heard. `there`: the one
   * about which they have said it at the pager. `again`: who has said it there last.
   */
  acknowledged: Said.extend({
    page: z.number().int().optional(),
    there: z.number().int().optional(),
    again: Said.optional(),
  }).optional(),
  /** The pager has taken it back, and rings again: from which page on, and since when. */
  rings: z.object({ page: z.number().int(), at: Timestamp }).optional(),
  /** Who stands here as the pager knows them, since it could not be asked then who they are: `pagerduty:PTUXL6G`. */
  unsure: z.array(z.string()).optional(),
  /** How severe it is was said by a person, or was confirmed. */
  triaged: Said.optional(),
  /** Others were told how it goes, last, and in which words. */
  told: Said.extend({ text: z.string().optional() }).optional(),
  /** What they were reminded of, last and how often in a row. */
  nudged: z.partialRecord(NudgeKind, z.object({ at: Timestamp, times: z.number() })).optional(),
});
export type Care = z.infer<typeof Care>;

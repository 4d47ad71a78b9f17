import * as z from 'zod';
import { ComponentStatus, PublicStatus } from '../../schemas/status/states.ts';
import { Timestamp } from '../../schemas/time/time.ts';

export const StatuspageState = z.object({
  id: z.string().nullable().default(null),
  /** Since when a creation may be in progress. */
  creatingSince: Timestamp.nullable().default(null),
  status: PublicStatus.nullable().default(null),
  /** The update that may be in progress, and since when. */
  updating: z.object({ status: PublicStatus, since: Timestamp }).nullable().default(null),
  /** When to look again at the other incidents: their list is eventually consistent. */
  recheckAt: Timestamp.nullable().default(null),
  /** Ids of components by their names, as far as looked up. Empty: the page has no component of this name. */
  known: z.record(z.string(), z.string()).default({}),
  /** A person was asked whether it may be published. */
  approvalRequested: z.boolean().default(false),
  problem: z.string().nullable().default(null),
});
export type StatuspageState = z.infer<typeof StatuspageState>;

/** The last status sent for a component of the status page, for whichever incident. */
export const ComponentState = z.object({
  sent: ComponentStatus.nullable().default(null),
  /** When a status was last sent without a response: it may still take effect and undo later ones. */
  unsure: Timestamp.nullable().default(null),
});
export type ComponentState = z.infer<typeof ComponentState>;

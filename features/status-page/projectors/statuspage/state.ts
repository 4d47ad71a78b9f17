import * as z from 'zod';
import type { HostedMaintenance } from '../../decisions/maintenance.ts';
import { ComponentStatus, PublicStatus } from '../../schemas/states.ts';
import { Timestamp } from '../../../../schemas/time/time.ts';

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

/** What the hosted page shows of a maintenance. */
const Shown = z.object({
  name: z.string(),
  status: z.enum(['scheduled', 'in_progress', 'completed']),
  body: z.string(),
  from: Timestamp,
  until: Timestamp,
  components: z.array(z.string()),
});

/** A maintenance at the hosted page. */
export const MaintenanceState = z.object({
  id: z.string().nullable().default(null),
  /** Number of earlier maintenances with the same ID that have ended: one that is planned again is a new one. */
  ended: z.number().default(0),
  /** Number of the last change that was or may have been sent. */
  change: z.number().default(0),
  shows: Shown.nullable().default(null),
  /** The change that may be in progress, since when, and whether it creates the maintenance. */
  sending: z.object({ shows: Shown, since: Timestamp, creates: z.boolean() }).nullable().default(null),
  /** What was refused, and why. It is not sent again by itself after `final`. */
  refused: z.object({ shows: Shown, code: z.string(), final: z.boolean() }).nullable().default(null),
  /** When to look again at the incidents: their list is eventually consistent. */
  recheckAt: Timestamp.nullable().default(null),
  /** IDs of components by their names. Empty: the page has no component of this name. */
  known: z.record(z.string(), z.string()).default({}),
});
export type MaintenanceState = z.infer<typeof MaintenanceState>;

/** IDs of the maintenances that are or may be on the hosted page, and have not ended there. */
export const MaintenanceIndex = z.object({ ids: z.array(z.string()).default([]) });

/** The row of the index. No ID of a maintenance is `*`. */
export const MAINTENANCE_INDEX = 'maintenance:*';

/** Returns whether the page shows a maintenance in this form, or has refused it. */
export const isSettled = ({ shows, refused, sending }: MaintenanceState, desired: HostedMaintenance): boolean =>
  sending === null && (isSame(shows, desired) || isSame(refused?.shows ?? null, desired));

/** Returns whether the page shows the same. Both have their keys in the same order. */
export const isSame = (shown: HostedMaintenance | null, desired: HostedMaintenance): boolean =>
  shown !== null && JSON.stringify(Shown.parse(shown)) === JSON.stringify(Shown.parse(desired));

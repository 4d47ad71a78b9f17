import * as z from 'zod';
import { TimelineEntry } from '../../../../schemas/incidents/incident.ts';

/** An older Firebreak returns no `actor_name`: the recorded actor is shown instead. */
const NamedTimelineEntry = TimelineEntry.extend({ actor_name: z.string().optional() }).transform((entry) => ({
  ...entry,
  actor_name: entry.actor_name ?? entry.actor,
}));
export type NamedTimelineEntry = z.infer<typeof NamedTimelineEntry>;

/** A page of a timeline, newest first. */
export const Timeline = z.object({ items: z.array(NamedTimelineEntry) });

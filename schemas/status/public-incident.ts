import * as z from 'zod';
import { Timestamp } from '../time/time.ts';
import { readAs } from '../parsing/read-as.ts';
import { ComponentStatus, PublicStatus } from './states.ts';

/**
 * What the status page shows of an incident, and all that it knows. It contains templates, which are filled with the
 * names of the components on a page, and no word of an alert.
 */
export const PublicIncident = z.object({
  /** Part of its address. */
  id: z.string(),
  title: z.string(),
  components: z.array(z.string()),
  started_at: Timestamp,
  published_at: Timestamp,
  resolved_at: Timestamp.nullable(),
  /** States of its components, from each time on. */
  states: z.array(z.object({ at: Timestamp, state: readAs(ComponentStatus, 'degraded_performance') })),
  updates: z.array(
    z.object({
      at: Timestamp,
      status: readAs(PublicStatus, 'investigating'),
      text: z.string(),
      state: readAs(ComponentStatus, 'degraded_performance'),
    }),
  ),
});
export type PublicIncident = z.infer<typeof PublicIncident>;

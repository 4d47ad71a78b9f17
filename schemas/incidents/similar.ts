import * as z from 'zod';
import { IncidentId } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/** An earlier incident of the same service and environment that resembles this one. */
export const SimilarIncident = z.object({
  id: IncidentId,
  /** Absent: the incident has none, or an older version has stored this. */
  number: z.int().optional(),
  title: z.string(),
  opened_at: Timestamp,
  /** Why it is similar, such as `same alert: HighErrorRatio`. */
  reasons: z.array(z.string()),
  /** What ended it, such as `fixed by a rollback of v2 to v1`. Null: it is open, or that is not known. */
  fixed_by: z.string().nullable(),
  /** Number of its action items that are not done. */
  open_action_items: z.int(),
});
export type SimilarIncident = z.infer<typeof SimilarIncident>;

import * as z from 'zod';
import { Timestamp } from '../time/time.ts';
import { IncidentView } from './incident.ts';

/** An incident on its own, with what the lists of incidents leave out. Older servers send nothing of it. */
export const IncidentDetails = IncidentView.extend({
  /** What to do now and why, a sentence each: the question that waits, else the next step. */
  next_step: z.array(z.string()).default([]),
  /** Since when its problem lasts, if the incident had opened with an earlier one or was reopened. Null: since it opened, or it is over. */
  problem_since: Timestamp.nullable().default(null),
  /** Name of the incident of the group in which that question is answered. Null: in this one, or none waits. */
  answer_in: z.string().nullable().default(null),
  /** Name of the group that it belongs to. Null: none. */
  part_of: z.string().nullable().default(null),
  /** On a group: why its incidents belong together, as of now. Null: it is no group. */
  grouped_because: z.string().nullable().default(null),
  /** On a group: its first incidents. */
  members: z
    .array(
      IncidentView.pick({ id: true, number: true, title: true, severity: true, status: true }).extend({
        /** Those of unmatched alerts have the name that these gave. */
        service: z.string(),
        environment: z.string(),
        status_text: z.string(),
        /** It waits for approval. */
        asks: z.boolean().default(false),
      }),
    )
    .default([]),
});
export type IncidentDetails = z.infer<typeof IncidentDetails>;

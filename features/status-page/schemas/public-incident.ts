import * as z from 'zod';
import { Timestamp } from '../../../schemas/time/time.ts';
import { readAs } from '../../../schemas/parsing/read-as.ts';
import { ComponentStatus, PublicStatus } from './states.ts';
import { requiredText } from '../../../schemas/parsing/free-text.ts';

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
  /** The approved text about it, in Markdown. Absent: none is published. */
  postmortem: z.object({ at: Timestamp, updated_at: Timestamp, text: z.string() }).optional(),
});
export type PublicIncident = z.infer<typeof PublicIncident>;

/** The longest text of a public post-mortem, in characters: lists of a month contain hundreds of them. */
export const PUBLIC_POSTMORTEM_MAX_CHARS = 10_000;

/** The body of `PUT /v1/incidents/{id}/postmortem/public`. */
export const PublicPostmortemInput = z.strictObject({
  /** Markdown. */
  text: requiredText(PUBLIC_POSTMORTEM_MAX_CHARS),
  /** Words in the text that look internal, and that a person has declared public. */
  permit: z.array(z.string().min(1).max(500)).max(100).default([]),
});
export type PublicPostmortemInput = z.infer<typeof PublicPostmortemInput>;

import * as z from 'zod';
import { EnvironmentName, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/**
 * Result of a controlled look, by which of the two fresh instances fail. `undecided`: too few requests, or the difference may
 * be chance. `refused`: it could not begin or had to stop. `skipped`: the question was answered before.
 */
export const LookVerdict = z.enum(['only_suspect', 'both', 'only_other', 'neither', 'undecided', 'refused', 'skipped']);
export type LookVerdict = z.infer<typeof LookVerdict>;

const Curve = z.array(z.tuple([Timestamp, z.number()]));

/** A controlled look for one question of an incident. `number`: that of the decision. */
export const Look = z.object({
  number: z.number().int().positive(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The version to test, and the one to return to. */
  suspect: Version,
  other: Version,
  /** Who requested it. `firebreak`: automation. */
  by: z.string(),
  started_at: Timestamp,
  /** Longest duration. The target removes the instances after it by itself. */
  seconds: z.number(),
  /** Null: it has not ended. */
  ended_at: Timestamp.nullable(),
  verdict: LookVerdict.nullable(),
  /** The result in a sentence. Empty: it has not ended. */
  text: z.string(),
  /** What the metric that decided showed of both instances. Null: nothing was measured. */
  curves: z.object({ metric: z.string(), suspect: Curve, other: Curve }).nullable(),
});
export type Look = z.infer<typeof Look>;

import * as z from 'zod';
import { EnvironmentName, ServiceName, Version } from './names.ts';
import { Timestamp } from './time.ts';

/** Sorts by the time at which the drill began (a ULID), and is what a target is told where an incident's id would be. */
export const DrillId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'a drill id has 26 characters of Crockford base 32')
  .brand<'DrillId'>();
export type DrillId = z.infer<typeof DrillId>;

/** Back to the good version, a look whether that holds, and forth again to what ran before. */
export const DrillPhase = z.enum(['back', 'hold', 'forth', 'ended']);
export type DrillPhase = z.infer<typeof DrillPhase>;

/** What was learnt, when, and during what. */
export const DrillStep = z.object({ at: Timestamp, phase: DrillPhase, kind: z.string(), text: z.string() });
export type DrillStep = z.infer<typeof DrillStep>;

/** What the API shows of a drill. */
export const Drill = z.object({
  id: DrillId,
  service: ServiceName,
  environment: EnvironmentName,
  /** What ran at the beginning, and has to run at the end. */
  from_version: Version,
  /** The good version that it goes back to in between. */
  to_version: Version,
  /** For people: what was called, and where. */
  target: z.string(),
  asked_by: z.string(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  phase: DrillPhase,
  /** Null: it is not over. */
  outcome: z.enum(['proved', 'failed']).nullable(),
  /** Why it has failed, or is going to once what ran before runs again. */
  reason: z.string().nullable(),
  /** Seconds from its beginning until the good version ran; null when it never did. */
  way_back_s: z.number().nullable(),
  /** Seconds from beginning to end. */
  duration_s: z.number().nullable(),
  steps: z.array(DrillStep),
});
export type Drill = z.infer<typeof Drill>;

/** A drill as it is kept. */
export const DrillRecord = Drill.extend({
  from_commit: z.string().nullable(),
  to_commit: z.string().nullable(),
  /** What is locked meanwhile. */
  resource: z.string(),
  /** The target can be asked whether what was done still holds. */
  asks_hold: z.boolean(),
  /** The target may have been called: from now on nothing but its end leaves it alone. */
  begun: z.boolean(),
  /** With which the target is asked how it is getting on. */
  handle: z.string().nullable(),
  /** Attempts in this phase. */
  attempts: z.number(),
  /** The run of the workflow that is in charge, and by what the engine knows it; null until it has begun. */
  run: z.number(),
  execution: z.string().nullable(),
  /** Rises with each write. */
  rev: z.number(),
});
export type DrillRecord = z.infer<typeof DrillRecord>;

/** A target whose way back a drill has proved, and when that was last. */
export const ProvedTarget = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  drill_id: DrillId,
  at: Timestamp,
});
export type ProvedTarget = z.infer<typeof ProvedTarget>;

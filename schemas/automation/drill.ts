import * as z from 'zod';
import { EnvironmentName, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';

/** A ULID, which sorts by the start of the drill. Targets receive it where an incident's id would be. */
export const DrillId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a drill id: 26 characters of Crockford base 32')
  .brand<'DrillId'>();
export type DrillId = z.infer<typeof DrillId>;

/** `back` to the good version, `hold` to check that it stays, and `forth` to the original version. */
export const DrillPhase = z.enum(['back', 'hold', 'forth', 'ended']);
export type DrillPhase = z.infer<typeof DrillPhase>;

/** An observation, with its time and phase. */
export const DrillStep = z.object({ at: Timestamp, phase: DrillPhase, kind: z.string(), text: z.string() });
export type DrillStep = z.infer<typeof DrillStep>;

/** A drill as the API shows it. */
export const Drill = z.object({
  id: DrillId,
  service: ServiceName,
  environment: EnvironmentName,
  /** The version that runs at the beginning and must run at the end. */
  from_version: Version,
  /** The good version that the drill rolls back to in between. */
  to_version: Version,
  /** For people: the target that was called. */
  target: z.string(),
  asked_by: z.string(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  phase: DrillPhase,
  /** Null: in progress. */
  outcome: z.enum(['proved', 'failed']).nullable(),
  /** Why it failed, or will have failed once the original version runs again. */
  reason: z.string().nullable(),
  /** Seconds from the beginning until the good version ran; null if it never did. */
  rollback_s: z.number().nullable(),
  /** Seconds from beginning to end. */
  duration_s: z.number().nullable(),
  steps: z.array(DrillStep),
});
export type Drill = z.infer<typeof Drill>;

/** A drill as stored. */
export const DrillRecord = Drill.extend({
  /** What the target calls the versions. Absent: the same. */
  from_name: Version.optional(),
  to_name: Version.optional(),
  from_commit: z.string().nullable(),
  to_commit: z.string().nullable(),
  /** The resource that is locked during the drill. */
  resource: z.string(),
  /** Whether the target can be asked if the rollback still holds. */
  asks_hold: z.boolean(),
  /** The target may have been called: from now on, the drill must run to its end. */
  begun: z.boolean(),
  /** Handle with which the target is asked for progress. */
  handle: z.string().nullable(),
  /** Attempts in this phase. */
  attempts: z.number(),
  /** Number of the workflow run in charge, and the engine's id for it; null until it has begun. */
  run: z.number(),
  execution: z.string().nullable(),
  /** Incremented with each write. */
  rev: z.number(),
});
export type DrillRecord = z.infer<typeof DrillRecord>;

/** A target whose rollback path a drill has proved, with the time of the last drill. */
export const ProvedTarget = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  drill_id: DrillId,
  at: Timestamp,
});
export type ProvedTarget = z.infer<typeof ProvedTarget>;

import * as z from 'zod';
import { ChangeId, EnvironmentName, ServiceName, Version } from '../config/names.ts';
import { Timestamp } from '../time/time.ts';
import { HttpSample, JudgementView, Verdict } from './judgement.ts';

/** How deploys of a service and environment are watched. */
export const WatchConfig = z.strictObject({
  /** Number of checks after a deploy. */
  checks: z.number().int().min(1).max(30).default(10),
  intervalSeconds: z.number().int().min(10).max(600).default(30),
  /** A version that is not measured this long after its deploy started too slowly. */
  startupMaxSeconds: z.number().int().min(1).max(3600).default(60),
});
export type WatchConfig = z.infer<typeof WatchConfig>;

/** `wch_` and the digits of the ID of the watched change: a change has at most one watch. */
export const WatchId = z
  .string()
  .regex(/^wch_[0-9a-f]{26}$/, 'must be the ID of a watch: wch_ and 26 hexadecimal digits')
  .brand<'WatchId'>();
export type WatchId = z.infer<typeof WatchId>;

/** Annotation with the watch that an alert of Firebreak itself is about. */
export const WATCH_ANNOTATION = 'watch';

/** `missed`: no process was running when the check was due. */
export const CheckVerdict = z.enum([...Verdict.options, 'missed']);

export const WatchCheck = z.object({
  /** From 1. */
  number: z.number().int(),
  due_at: Timestamp,
  /** When it was done. Null: missed. */
  at: Timestamp.nullable(),
  verdict: CheckVerdict,
  reasons: z.array(z.string()),
});
export type WatchCheck = z.infer<typeof WatchCheck>;

/**
 * `healthy`, `degraded`, `inconclusive`: the verdict of the last check. `superseded`: another version was deployed.
 * `stopped`: the deploy turned out to have failed, or the configuration no longer watches the service.
 */
export const WatchOutcome = z.enum([...Verdict.options, 'superseded', 'stopped']);
export type WatchOutcome = z.infer<typeof WatchOutcome>;

/** A watch as the API shows it. */
export const Watch = z.object({
  id: WatchId,
  change_id: ChangeId,
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** The version before, as recorded. Null: none is. */
  baseline: Version.nullable(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
  checks_planned: z.number().int(),
  interval_seconds: z.number(),
  /** Null: in progress. */
  outcome: WatchOutcome.nullable(),
  /** Why it ended so. Null: in progress. */
  reason: z.string().nullable(),
  /** Time from the reported end of the deploy until the version was first measured. */
  startup: z.object({
    /** Null: not measured yet, or never. */
    seconds: z.number().nullable(),
    max_seconds: z.number(),
    slow: z.boolean(),
  }),
  checks: z.array(WatchCheck),
  /** Numbers of the newest check. */
  metrics: JudgementView.shape.metrics,
});
export type Watch = z.infer<typeof Watch>;

/** What a watch reports as an alert of Firebreak itself. */
export const WatchFinding = z.enum(['degraded', 'inconclusive', 'slow']);
export type WatchFinding = z.infer<typeof WatchFinding>;

/** A watch as stored. */
export const WatchRecord = Watch.extend({
  /** When the change ended, as reported. */
  deployed_at: Timestamp,
  /** Start of the problem, if the version is degraded. */
  degraded_since: Timestamp.nullable(),
  samples: z.array(HttpSample),
  /** Findings to report. Each is sent before it is in `reported`. */
  findings: z.array(WatchFinding),
  /** Findings whose alerts fire. They end when another version is live. */
  reported: z.array(WatchFinding),
  /** Number of the workflow run in charge, and the engine's ID for it; null until it has begun. */
  run: z.number(),
  execution: z.string().nullable(),
  /** Incremented with each write. */
  rev: z.number(),
});
export type WatchRecord = z.infer<typeof WatchRecord>;

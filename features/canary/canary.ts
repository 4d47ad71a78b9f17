import * as z from 'zod';
import { RequestReason } from '../../schemas/access/request-reason.ts';
import { ChangeId, EnvironmentName, ServiceName, Severity, Version } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { HttpSample, JudgementView, Verdict } from '../../schemas/judge/judgement.ts';
import { TrafficConfig } from './traffic-config.ts';

/** A share of the traffic in percent. */
const Weight = z.number().min(0).max(100);

const isIncreasing = (weights: readonly number[]): boolean =>
  weights.every((weight, index) => index === 0 || weight > (weights[index - 1] ?? 0));

/** How new versions of a service get traffic. */
export const CanaryConfig = z.strictObject({
  traffic: TrafficConfig,
  /**
   * Shares of the traffic in percent, in increasing order, ending with 100. A first share of 0 is blue/green: the version
   * is judged by its preview traffic first.
   */
  steps: z
    .array(Weight)
    .min(1)
    .max(20)
    .refine((weights) => isIncreasing(weights) && weights.at(-1) === 100, 'must increase and end with 100')
    .default([5, 25, 50, 100]),
  /** Minutes that each share lasts at least. */
  stepMinutes: z
    .number()
    .min(1)
    .max(24 * 60)
    .default(10),
  /** Seconds between two checks. */
  checkSeconds: z.number().int().min(10).max(600).default(30),
  /** Limits of metrics that have no limit of their own. Above one, the version gets no more traffic. */
  limits: z
    .strictObject({
      /** Of ratio metrics. */
      errorRatio: z.number().gt(0).max(1).default(0.01),
      /** Of latency metrics at the 95 % quantile, in seconds. */
      p95Seconds: z.number().gt(0).default(0.8),
    })
    .prefault({}),
  /** Minutes without progress after which an alert is sent. */
  stalledMinutes: z
    .number()
    .min(1)
    .max(24 * 60)
    .default(30),
  /** Severity of the alert of an aborted canary. */
  severity: Severity.default('critical'),
});
export type CanaryConfig = z.infer<typeof CanaryConfig>;

/** A ULID, which sorts by the start of the canary. */
export const CanaryId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a canary ID: 26 characters of Crockford base 32')
  .brand<'CanaryId'>();
export type CanaryId = z.infer<typeof CanaryId>;

/** Annotation with the canary that an alert of Firebreak itself is about. */
export const CANARY_ANNOTATION = 'canary';

/**
 * `progressing`: the weight rises. `held`: it stays until the reason is gone or a person promotes. `aborting`: all traffic
 * returns to the stable version.
 */
export const CanaryStatus = z.enum(['progressing', 'held', 'aborting', 'promoted', 'aborted', 'superseded', 'failed']);
export type CanaryStatus = z.infer<typeof CanaryStatus>;

/** Why a canary is held. */
export const HoldCode = z.enum([
  'person',
  'inconclusive',
  'frozen',
  'freeze_unknown',
  'incident',
  'automation_paused',
  'traffic_changed',
  'router',
]);
export type HoldCode = z.infer<typeof HoldCode>;

export const CanaryHold = z.object({ code: HoldCode, reason: z.string(), by: z.string().nullable(), since: Timestamp });
export type CanaryHold = z.infer<typeof CanaryHold>;

/** A canary as the API shows it. */
export const Canary = z.object({
  id: CanaryId,
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** The version that has the other part of the traffic. */
  stable_version: Version,
  status: CanaryStatus,
  /** Share of the traffic in percent, as last confirmed by the router. */
  weight: Weight,
  /** Since when it has this share. */
  weight_since: Timestamp,
  steps: z.array(Weight),
  step_seconds: z.number(),
  hold: CanaryHold.nullable(),
  /** Result of the last check. Null: none yet. */
  verdict: Verdict.nullable(),
  /** Why it has this status, in a sentence. */
  reason: z.string(),
  /** For people: what distributes the traffic. */
  target: z.string(),
  /** The recorded deployment of the version. */
  change_id: ChangeId,
  asked_by: z.string(),
  started_at: Timestamp,
  ended_at: Timestamp.nullable(),
});
export type Canary = z.infer<typeof Canary>;

/** A change of the course, for people. */
export const CanaryEvent = z.object({
  at: Timestamp,
  kind: z.enum(['started', 'weight', 'held', 'resumed', 'requested', 'waiting', 'stalled', 'degraded', 'ended']),
  /** Who requested it. Null: Firebreak. */
  by: z.string().nullable(),
  weight: Weight,
  text: z.string(),
});
export type CanaryEvent = z.infer<typeof CanaryEvent>;

/** A comparison of the version with the stable one. */
export const CanaryCheck = z.object({
  at: Timestamp,
  weight: Weight,
  verdict: Verdict,
  reasons: z.array(z.string()),
  metrics: JudgementView.shape.metrics,
  /** Measurements over HTTP. */
  samples: z.array(HttpSample).default([]),
});
export type CanaryCheck = z.infer<typeof CanaryCheck>;

/** Body of `POST /v1/canaries`. */
export const NewCanary = z.strictObject({
  service: ServiceName,
  environment: EnvironmentName,
  version: Version,
  /** Absent: the version that runs according to the recorded deployments. */
  stable_version: Version.nullish().transform((version) => version ?? null),
});
export type NewCanary = z.infer<typeof NewCanary>;

export const CanaryCommandKind = z.enum(['promote', 'hold', 'abort']);
export type CanaryCommandKind = z.infer<typeof CanaryCommandKind>;

/** Body of `POST /v1/canaries/{id}/actions/{action}`. */
export const CanaryCommandBody = z.strictObject({
  reason: RequestReason,
  /** Only for `promote`: skip all remaining steps. */
  full: z.boolean().default(false),
});

/** A person's request that the workflow has not processed yet. */
const CanaryCommand = z.object({
  kind: CanaryCommandKind,
  by: z.string(),
  reason: z.string().nullable(),
  full: z.boolean(),
  at: Timestamp,
});
export type CanaryCommand = z.infer<typeof CanaryCommand>;

/** A call of the router that is about to be made, or was made and has not been confirmed. */
const TrafficOrder = z.object({
  action: z.enum(['set', 'promote', 'abort']),
  weight: Weight,
  /** Increases with each order of a canary; identifies the order in retries. */
  sequence: z.number().int(),
  /** The router may have been called. */
  begun: z.boolean(),
  attempts: z.number().int(),
  /** Who requested it. Null: the judge. */
  by: z.string().nullable(),
});
export type TrafficOrder = z.infer<typeof TrafficOrder>;

/** A canary as stored. */
export const CanaryRecord = Canary.extend({
  /** Settings at its start; later changes of the configuration don't affect it. */
  check_seconds: z.number(),
  stalled_seconds: z.number(),
  severity: Severity,
  limits: CanaryConfig.shape.limits.unwrap(),
  /** Resource that is locked during a call of the router. */
  resource: z.string(),
  order: TrafficOrder.nullable(),
  command: CanaryCommand.nullable(),
  sequence: z.number().int(),
  /** A person has requested to continue, without the time and the verdict of this step. */
  skip: z.boolean(),
  /** A person has requested all remaining steps at once. */
  full: z.boolean(),
  /** The version was found worse. From then on, its weight never rises by itself. */
  degraded: z.boolean(),
  /** The outcome that follows once the router has set the traffic back. */
  ending: z.enum(['aborted', 'failed']).nullable(),
  /** Alert for people about a canary without progress, or one that cannot be aborted: since when; null: none. */
  alerted_at: Timestamp.nullable(),
  /** Confirmations since the abort that all traffic stays with the stable version. */
  confirmed: z.number().int(),
  checks: z.number().int(),
  events: z.number().int(),
  trace: z.string(),
  run: z.number(),
  /** Failed runs in a row. Absent: none. */
  failed_runs: z.number().optional(),
  execution: z.string().nullable(),
  /** Callback of the waiting workflow run. Null: it does not wait. */
  callback: z.string().nullable(),
  rev: z.number(),
});
export type CanaryRecord = z.infer<typeof CanaryRecord>;

import * as z from 'zod';
import { RequestReason } from '../../schemas/access/request-reason.ts';
import { ChangeId, EnvironmentName, ServiceName, Severity } from '../../schemas/config/names.ts';
import { Timestamp } from '../../schemas/time/time.ts';
import { ChaosConfig } from './config.ts';
import { KubernetesName } from '../../schemas/config/endpoint.ts';
import { requiredText } from '../../schemas/parsing/free-text.ts';

/** A ULID, which sorts by the time of the record. */
export const ExperimentId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be an experiment ID: 26 characters of Crockford base 32')
  .brand<'ExperimentId'>();
export type ExperimentId = z.infer<typeof ExperimentId>;

const ScopeEntry = z.strictObject({ service: ServiceName, environment: EnvironmentName });

const LabelName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/, 'must be a label name');

/** Labels of an alert that must all be equal. The name of an alert is its label `alertname`. */
const Labels = z
  .record(LabelName, z.string().min(1).max(1024))
  .refine((labels) => Object.keys(labels).length > 0, 'must contain at least one label');

const Limits = {
  min: z.number().nullish().transform(orNull),
  max: z.number().nullish().transform(orNull),
  /** Beyond these limits, the experiment is stopped. */
  abort_below: z.number().nullish().transform(orNull),
  abort_above: z.number().nullish().transform(orNull),
  /** Measurements outside the limits with which the hypothesis still holds. */
  tolerated: z.number().int().min(0).max(100).default(0),
};

function orNull<T>(value: T | null | undefined): T | null {
  return value ?? null;
}

/** A metric with its limits: a query, or a metric of the judge of the first service in the scope. */
export const ExperimentCheck = z
  .strictObject({
    name: z.string().regex(/^[a-zA-Z0-9][\w.-]{0,62}$/, 'use letters, digits, and . _ - (at most 63)'),
    /** Must give one value. */
    promql: z.string().min(1).max(4096).nullish().transform(orNull),
    /** Name of a metric in `judge.metrics` of services.yaml. */
    metric: z.string().min(1).max(63).nullish().transform(orNull),
    ...Limits,
  })
  .refine(({ promql, metric }) => (promql === null) !== (metric === null), 'give either promql or metric')
  .refine(({ min, max }) => min !== null || max !== null, 'give min, max, or both')
  .refine(({ min, max }) => min === null || max === null || min <= max, 'min must not be above max')
  .refine(
    ({ max, abort_above: above }) => max === null || above === null || above >= max,
    'abort_above must not be below max',
  )
  .refine(
    ({ min, abort_below: below }) => min === null || below === null || below <= min,
    'abort_below must not be above min',
  );
export type ExperimentCheck = z.infer<typeof ExperimentCheck>;

/** The UID of the object. If it is given, the run has ended once the object is missing or has another UID. */
const uid = z.string().min(1).max(128).optional();

/** Kinds of objects of Chaos Mesh that are runs. */
export const ChaosMeshResource = z.enum([
  'AWSChaos',
  'AzureChaos',
  'BlockChaos',
  'DNSChaos',
  'GCPChaos',
  'HTTPChaos',
  'IOChaos',
  'JVMChaos',
  'KernelChaos',
  'NetworkChaos',
  'PhysicalMachineChaos',
  'PodChaos',
  'StressChaos',
  'TimeChaos',
]);
export type ChaosMeshResource = z.infer<typeof ChaosMeshResource>;

/** The object or run of the chaos system, by which Firebreak stops it and reads its state. */
export const ChaosRun = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('http'), id: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('litmus'), engine: KubernetesName, uid }),
  z.strictObject({
    kind: z.literal('chaos-mesh'),
    /** The resource, such as `PodChaos`. */
    resource: ChaosMeshResource,
    name: KubernetesName,
    uid,
  }),
]);
export type ChaosRun = z.infer<typeof ChaosRun>;

/** Body of `POST /v1/experiments`. */
export const NewExperiment = z
  .strictObject({
    name: requiredText(200),
    /** What the experiment affects. Alerts elsewhere are treated like any other. */
    scope: z.array(ScopeEntry).min(1).max(10),
    hypothesis: requiredText(2000),
    checks: z.array(ExperimentCheck).min(1).max(10),
    /** `planned`: it starts with a PATCH once the steady state holds. `running`: it has started. */
    status: z.enum(['planned', 'running']).default('planned'),
    duration_seconds: z
      .number()
      .int()
      .min(30)
      .max(24 * 3600),
    interval_seconds: z.number().int().min(10).max(600).default(30),
    /** Period before the start in which the checks must hold. */
    steady_state_seconds: z.number().int().min(60).max(3600).default(300),
    /** Measurements in a row of a check with an abort limit that may be missing; with one more, the experiment is stopped. */
    missing_limit: z.number().int().min(0).max(100).default(4),
    /** Alerts that are expected, by their labels. Empty: all alerts of the scope. */
    expected_alerts: z.array(Labels).max(20).default([]),
    /** Alerts of the scope with which the experiment is stopped, and which page. */
    abort_alerts: z.array(Labels).max(20).default([]),
    /** Null: Firebreak can neither stop the experiment nor read its state. */
    run: ChaosRun.nullish().transform((run) => run ?? null),
  })
  .refine(({ checks }) => new Set(checks.map(({ name }) => name)).size === checks.length, {
    path: ['checks'],
    message: 'two checks have the same name',
  })
  .refine(
    ({ scope }) => new Set(scope.map(({ service, environment }) => `${service}/${environment}`)).size === scope.length,
    { path: ['scope'], message: 'contains a service and environment twice' },
  );
export type NewExperiment = z.infer<typeof NewExperiment>;

/**
 * `preparing`: the steady state is being measured. `ready`: it holds, and the experiment can start. `running`: its alerts
 * are expected. `stopping`: the chaos system is being asked to stop it. `settling`: it has ended, and alerts that it
 * caused may still fire. `ended`.
 */
export const ExperimentStatus = z.enum(['preparing', 'ready', 'running', 'stopping', 'settling', 'ended']);
export type ExperimentStatus = z.infer<typeof ExperimentStatus>;

/**
 * Why an experiment ended. `completed`: its duration has passed. `finished`: a request has reported that it is over.
 * `chaos_ended`: the chaos system has. `stopped`: a person has stopped it. `cancelled`: a person did so before its start.
 */
export const EndCode = z.enum([
  'completed',
  'finished',
  'chaos_ended',
  'abort_check',
  'abort_missing',
  'abort_alert',
  'stopped',
  'cancelled',
  'not_steady',
  'incident_open',
  'never_started',
  'failed_to_run',
]);
export type EndCode = z.infer<typeof EndCode>;

export const ExperimentEnding = z.object({
  code: EndCode,
  reason: z.string(),
  by: z.string().nullable(),
  at: Timestamp,
});
export type ExperimentEnding = z.infer<typeof ExperimentEnding>;

/** Numbers of a check in one phase. `outside`: measurements beyond the limits. */
export const CheckNumbers = z.object({
  measured: z.number().int(),
  missing: z.number().int(),
  outside: z.number().int(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  mean: z.number().nullable(),
  last: z.number().nullable(),
});
export type CheckNumbers = z.infer<typeof CheckNumbers>;

const CheckResult = z.object({
  name: z.string(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  before: CheckNumbers,
  during: CheckNumbers,
  after: CheckNumbers,
});
export type CheckResult = z.infer<typeof CheckResult>;

const concluded = { reasons: z.array(z.string()), checks: z.array(CheckResult) };

/** What an experiment has shown. `recovered`: the checks were within their limits at the end. Null: not measured. */
export const Conclusion = z.discriminatedUnion('outcome', [
  z.object({ outcome: z.literal('held'), ...concluded, recovered: z.boolean().nullable() }),
  z.object({
    outcome: z.literal('failed'),
    because: z.enum(['outside_limits', 'aborted', 'chaos_verdict', 'not_recovered']),
    ...concluded,
    recovered: z.boolean().nullable(),
  }),
  z.object({
    outcome: z.literal('inconclusive'),
    because: z.enum(['not_started', 'not_steady', 'stopped_early', 'not_measured']),
    ...concluded,
  }),
]);
export type Conclusion = z.infer<typeof Conclusion>;

/** Result of a probe or of the whole run, as the chaos system reports it. */
export const ChaosVerdict = z.object({
  verdict: z.enum(['passed', 'failed', 'stopped', 'error', 'awaited']),
  text: z.string(),
  probes: z.array(z.object({ name: z.string(), type: z.string(), verdict: z.string(), description: z.string() })),
});
export type ChaosVerdict = z.infer<typeof ChaosVerdict>;

/** Whether the chaos system has confirmed the stop. `not_asked`: nothing had to be stopped. */
export const StopState = z.enum(['not_asked', 'asking', 'confirmed', 'unconfirmed']);
export type StopState = z.infer<typeof StopState>;

/** An experiment as the API shows it. */
export const Experiment = z.object({
  id: ExperimentId,
  name: z.string(),
  scope: z.array(z.object({ service: ServiceName, environment: EnvironmentName })),
  hypothesis: z.string(),
  checks: z.array(
    z.object({
      name: z.string(),
      promql: z.string().nullable(),
      metric: z.string().nullable(),
      min: z.number().nullable(),
      max: z.number().nullable(),
      abort_below: z.number().nullable(),
      abort_above: z.number().nullable(),
      tolerated: z.number(),
    }),
  ),
  status: ExperimentStatus,
  duration_seconds: z.number(),
  interval_seconds: z.number(),
  steady_state_seconds: z.number(),
  missing_limit: z.number().int(),
  /** How long alerts are still expected after the experiment is over. */
  grace_seconds: z.number(),
  expected_alerts: z.array(z.record(z.string(), z.string())),
  abort_alerts: z.array(z.record(z.string(), z.string())),
  run: ChaosRun.nullable(),
  /** Firebreak has found the run at the chaos system: it was not recorded by a request, and Firebreak ends it for no reason of its own. */
  observed: z.boolean().default(false),
  /** Why it has this status, in a sentence. */
  reason: z.string(),
  created_at: Timestamp,
  created_by: z.string(),
  /** Null: it has not started. */
  started_at: Timestamp.nullable(),
  /** When the experiment itself was over, before the grace period. */
  stopped_at: Timestamp.nullable(),
  ended_at: Timestamp.nullable(),
  /** Null: not ending yet. */
  ending: ExperimentEnding.nullable(),
  stop: z.object({ state: StopState, detail: z.string() }),
  /** Null: the chaos system reports none. */
  chaos: ChaosVerdict.nullable(),
  /** Number of alerts that were expected. */
  expected: z.number().int(),
  /** Null: not ended. */
  conclusion: Conclusion.nullable(),
});
export type Experiment = z.infer<typeof Experiment>;

export const Phase = z.enum(['before', 'during', 'after']);
export type Phase = z.infer<typeof Phase>;

/** Measurements of all checks at one time. `value: null`: not measured; `detail` says why. */
export const Observation = z.object({
  at: Timestamp,
  phase: Phase,
  values: z.array(z.object({ name: z.string(), value: z.number().nullable(), detail: z.string() })),
});
export type Observation = z.infer<typeof Observation>;

export const ExperimentEvent = z.object({
  at: Timestamp,
  kind: z.enum(['created', 'steady', 'started', 'abort', 'stopping', 'stopped', 'settling', 'ended', 'released']),
  /** Null: Firebreak. */
  by: z.string().nullable(),
  text: z.string(),
});
export type ExperimentEvent = z.infer<typeof ExperimentEvent>;

/** An alert that was expected: it neither paged nor requested a rollback. `abort`: it stopped the experiment. */
export const ExpectedAlert = z.object({
  at: Timestamp,
  episode: z.string(),
  title: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  severity: Severity,
  abort: z.boolean(),
  reasons: z.array(z.object({ code: z.string(), text: z.string() })),
});
export type ExpectedAlert = z.infer<typeof ExpectedAlert>;

const Request = z.object({
  kind: z.enum(['start', 'finish', 'stop']),
  by: z.string(),
  reason: z.string().nullable(),
  at: Timestamp,
});
export type ExperimentRequest = z.infer<typeof Request>;

/** An experiment as stored. */
export const ExperimentRecord = Experiment.extend({
  chaos_config: ChaosConfig.nullable(),
  /** Changes of kind `experiment`, one for each service and environment of the scope. */
  change_ids: z.array(ChangeId),
  /** A request that the workflow has not processed yet. */
  request: Request.nullable(),
  /** An alert that met an abort condition. */
  abort_alert: z.object({ title: z.string(), at: Timestamp }).nullable(),
  stop_attempts: z.number().int(),
  /** When the current status ends by itself. Null: it does not. */
  until: Timestamp.nullable(),
  /** Nothing is expected from then on, whatever the state of the workflow. Null: not started. */
  expires_at: Timestamp.nullable(),
  observed_at: Timestamp.nullable(),
  /** For each check with an abort limit, its newest measurements in a row that are missing. */
  missing_in_a_row: z.record(z.string(), z.number().int()),
  /** Numbers of events and observations so far. */
  events: z.number().int(),
  observations: z.number().int(),
  /** The alerts that still fire were released, and the records were updated. */
  closed: z.boolean(),
  trace: z.string(),
  /** Number of the workflow's run, from 1; `run` is at the chaos system. */
  run_number: z.number(),
  /** Failed runs of the workflow in a row. Absent: none. */
  failed_runs: z.number().optional(),
  /** ID of the workflow's execution. Null: it has not begun. */
  execution: z.string().nullable(),
  /** ID of the newest callback with which this execution waits. Null: it has not waited yet. */
  callback: z.string().nullable(),
  /** Incremented with each write. */
  rev: z.number(),
});
export type ExperimentRecord = z.infer<typeof ExperimentRecord>;

/** Body of `PATCH /v1/experiments/{id}`. */
export const ExperimentPatch = z.strictObject({
  /** `running`: it has started now. `finished`: it is over. */
  status: z.enum(['running', 'finished']),
  reason: RequestReason,
});
export type ExperimentPatch = z.infer<typeof ExperimentPatch>;

/** An object of a chaos system that Firebreak has seen running, or a list of such objects that could not be read. */
export const SeenChaos = z.object({
  /** Hash of the cluster and the UID of the object. */
  key: z.string(),
  /** The list that contains it: cluster, kind, and namespace. */
  list: z.string(),
  /** For people, such as `PodChaos chaos/lose-a-pod`. */
  object: z.string(),
  /** How many times the object was seen to start. */
  run: z.number().int(),
  experiment_id: ExperimentId.nullable(),
  over: z.boolean(),
  /** Why its alerts are real. Null: an experiment observes it. */
  why: z.string().nullable(),
  /** What to change. */
  fix: z.string(),
  at: Timestamp,
});
export type SeenChaos = z.infer<typeof SeenChaos>;

import * as z from 'zod';
import { Reason } from '../../incidents/reason.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../config/names.ts';
import { readAs } from '../../parsing/read-as.ts';
import { Timestamp } from '../../time/time.ts';
import { InputName } from './inputs.ts';
import { FailureAction, StepStatus } from './steps.ts';

/**
 * How a step ended. `closed`: the incident was resolved. `unclear`: it may have been done anyway. Outputs are small,
 * because they are checkpointed.
 */
export const StepEnd = z.object({
  status: StepStatus.exclude(['pending']),
  output: z.json(),
  detail: z.string(),
  closed: z.literal(true).optional(),
  unclear: z.literal(true).optional(),
});
export type StepEnd = z.infer<typeof StepEnd>;

export const StepEnds = z.record(z.string(), StepEnd);
export type StepEnds = z.infer<typeof StepEnds>;

/** Id of a run: its incident, and its number within it. */
export const RunId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}-r\d{1,9}$/, 'must be a run id: the incident id, -r, and a number');
export type RunId = z.infer<typeof RunId>;

export const runId = (incident: IncidentId, number: number): RunId => `${incident}-r${number}`;

/** Returns the incident and the number of a run. */
export function partsOfRun(id: RunId): { incident: IncidentId; number: number } {
  const [incident, number] = id.split('-r');
  return { incident: IncidentId.parse(incident), number: Number(number) };
}

const InputValue = z.union([z.string().max(1000), z.number(), z.boolean()]);
export const InputValues = z.record(InputName, InputValue);
export type InputValues = z.infer<typeof InputValues>;

/** A step as shown to a person before the runbook starts. */
export const PlanStep = z.object({
  id: z.string(),
  name: z.string(),
  uses: z.string(),
  /** What it does, with all values that are already known. */
  does: z.string(),
  /** The system that it changes or notifies. Null: only Firebreak. */
  target: z.string().nullable(),
  changes_production: z.boolean(),
  /** CEL expressions that must all be true. */
  when: z.array(z.string()),
  /** Who must approve it first, and why. Null: no approval. */
  approval: z
    .object({ needed: z.number(), given: z.array(z.string()), people: z.array(z.string()).nullable() })
    .nullable(),
  reasons: z.array(Reason),
  timeout_s: z.number(),
  on_failure: FailureAction,
  /** The step that reverts it. Null: none. */
  inverse: z.string().nullable(),
  /** An earlier run completed it, so it is not repeated. */
  done: z.boolean(),
});
export type PlanStep = z.infer<typeof PlanStep>;

/** Why a run cannot be started now. The code is a heading of docs/reference/errors.md; `unknown`: only a newer version knows it. */
export const RunRefusal = z.object({
  code: readAs(z.enum(['guard-unreadable', 'automation-paused', 'run-in-progress', 'unknown']), 'unknown'),
  text: z.string(),
});
export type RunRefusal = z.infer<typeof RunRefusal>;

const IncidentNumber = z.number().nullable().default(null);

export const RunPlan = z.object({
  runbook: z.string(),
  title: z.string(),
  version: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The incident that the run belongs to. Null: a new one is opened. */
  incident_id: IncidentId.nullable(),
  /** Number of that incident. Null: it has none, or a new one is opened. */
  incident_number: IncidentNumber,
  inputs: InputValues,
  steps: z.array(PlanStep),
  /** Why it cannot be started now. Empty: it can. */
  refused: z.array(RunRefusal),
});
export type RunPlan = z.infer<typeof RunPlan>;

export const RunStatus = z.enum(['running', 'finished', 'stopped', 'failed']);
export type RunStatus = z.infer<typeof RunStatus>;

/** `waiting`: waits for the approval of a person. */
export const RunStepStatus = z.enum([...StepStatus.options, 'running', 'waiting']);
export type RunStepStatus = z.infer<typeof RunStepStatus>;

export const RunView = z.object({
  id: RunId,
  runbook: z.string(),
  title: z.string(),
  version: z.string(),
  incident_id: IncidentId,
  /** Null: stored before numbers existed. */
  incident_number: IncidentNumber,
  service: ServiceName,
  environment: EnvironmentName,
  status: RunStatus,
  /** How it ended, as text. Null: it is in progress. */
  text: z.string().nullable(),
  started_at: Timestamp,
  /** Who started it. Null: alerts. */
  by: z.string().nullable(),
  inputs: InputValues,
  /** The failed run that this one continues. */
  retry_of: RunId.nullable(),
  steps: z.array(
    z.object({ id: z.string(), name: z.string(), uses: z.string(), status: RunStepStatus, detail: z.string() }),
  ),
});
export type RunView = z.infer<typeof RunView>;

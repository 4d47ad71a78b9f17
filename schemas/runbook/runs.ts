import * as z from 'zod';
import { Reason } from '../incident.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../names.ts';
import { Timestamp } from '../time.ts';
import { InputName } from './inputs.ts';
import { FailureAction, StepStatus } from './steps.ts';

/**
 * How a step has ended. `closed`: the incident was over. `unclear`: it may have been done all the same. Checkpointed, so
 * outputs are small.
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

/** A run: its incident, and its number within that. */
export const RunId = z
  .string()
  .regex(
    /^[0-9A-HJKMNP-TV-Z]{26}-r\d{1,9}$/,
    'the id of a run is the id of its incident, followed by -r and its number',
  );
export type RunId = z.infer<typeof RunId>;

export const runId = (incident: IncidentId, number: number): RunId => `${incident}-r${number}`;

/** The incident and the number of a run. */
export function partsOfRun(id: RunId): { incident: IncidentId; number: number } {
  const [incident, number] = id.split('-r');
  return { incident: IncidentId.parse(incident), number: Number(number) };
}

const InputValue = z.union([z.string().max(1000), z.number(), z.boolean()]);
export const InputValues = z.record(InputName, InputValue);
export type InputValues = z.infer<typeof InputValues>;

/** What a person sees of a runbook before they start it. */
export const PlanStep = z.object({
  id: z.string(),
  name: z.string(),
  uses: z.string(),
  /** What it does, with the values put in that are known by now. */
  does: z.string(),
  /** What it changes, or whom it tells. Null: nothing outside Firebreak. */
  target: z.string().nullable(),
  changes_production: z.boolean(),
  /** CEL expressions that all have to be true. */
  when: z.array(z.string()),
  /** Who has to approve it first, and why. Null: nobody. */
  approval: z
    .object({ needed: z.number(), given: z.array(z.string()), people: z.array(z.string()).nullable() })
    .nullable(),
  reasons: z.array(Reason),
  timeout_s: z.number(),
  on_failure: FailureAction,
  /** What takes it back. Null: nothing does. */
  way_back: z.string().nullable(),
  /** An earlier run has done it, so it is not done again. */
  done: z.boolean(),
});
export type PlanStep = z.infer<typeof PlanStep>;

export const RunPlan = z.object({
  runbook: z.string(),
  title: z.string(),
  version: z.string(),
  service: ServiceName,
  environment: EnvironmentName,
  /** The incident that the run belongs to. Null: one is opened. */
  incident_id: IncidentId.nullable(),
  inputs: InputValues,
  steps: z.array(PlanStep),
  /** Why it can't be started now. Empty: it can. */
  refused: z.array(Reason),
});
export type RunPlan = z.infer<typeof RunPlan>;

export const RunStatus = z.enum(['running', 'finished', 'stopped', 'failed']);
export type RunStatus = z.infer<typeof RunStatus>;

/** `waiting`: a person has to approve it. */
export const RunStepStatus = z.enum([...StepStatus.options, 'running', 'waiting']);
export type RunStepStatus = z.infer<typeof RunStepStatus>;

export const RunView = z.object({
  id: RunId,
  runbook: z.string(),
  title: z.string(),
  version: z.string(),
  incident_id: IncidentId,
  service: ServiceName,
  environment: EnvironmentName,
  status: RunStatus,
  /** How it has ended, in words. Null: it goes on. */
  text: z.string().nullable(),
  started_at: Timestamp,
  /** Who has started it. Null: alerts have. */
  by: z.string().nullable(),
  inputs: InputValues,
  /** The run that has failed, and that this one continues. */
  retry_of: RunId.nullable(),
  steps: z.array(
    z.object({ id: z.string(), name: z.string(), uses: z.string(), status: RunStepStatus, detail: z.string() }),
  ),
});
export type RunView = z.infer<typeof RunView>;

import * as z from 'zod';
import { Inverse, type StepKind, WITH } from './kinds.ts';
import { Duration, Expression, StepId, Template } from './values.ts';

/** `stop`: skip the remaining steps. `continue`: run them anyway. `undo`: revert completed steps. */
export const FailureAction = z.enum(['stop', 'continue', 'undo']);
export type FailureAction = z.infer<typeof FailureAction>;

const ApprovalMap = z.strictObject({
  /** Absent: everyone who may approve. */
  people: z.array(z.string().min(1)).min(1).optional(),
  /** How long to wait for approval. Absent: the service's `approvalTimeoutMinutes`. */
  timeout: Duration.optional(),
  /** If rejected or not answered: skip the step, or stop the runbook. */
  otherwise: z.enum(['skip', 'stop']).default('stop'),
});
export type Approval = z.infer<typeof ApprovalMap>;

/** `true`: everyone who may approve is asked. */
const Approval = z.union([
  z.boolean().transform((isRequired): Approval | undefined => (isRequired ? ApprovalMap.parse({}) : undefined)),
  ApprovalMap,
]);

const Retry = z.strictObject({
  /** Retries after the first attempt. */
  max: z.number().int().min(1).max(10),
  /** Exponential: doubles each time, up to an hour. */
  backoff: z.enum(['constant', 'exponential']).default('constant'),
  delay: Duration.prefault('10s'),
});
export type Retry = z.infer<typeof Retry>;

/** Limits of a step. An action always applies to the incident's own service. */
const BlastRadius = z.strictObject({
  /** Maximum number of times within one incident, without retries after a failure. */
  times: z.number().int().min(1).max(10).default(1),
});
export type BlastRadius = z.infer<typeof BlastRadius>;

const Common = {
  id: StepId.describe('Name of the step in expressions: `steps.<id>.status`, `steps.<id>.output`.'),
  name: Template.optional().describe('For people.'),
  when: Expression.optional().describe('CEL expression. The step is skipped unless it is true.'),
  timeout: Duration.optional().describe('Such as 30s, 5m, 2h. Required for steps that change something.'),
  onFailure: FailureAction.optional().describe("What happens when the step fails. Default: the runbook's setting."),
};

const Approvable = {
  ...Common,
  approval: Approval.optional().describe('Requires approval before the step runs.'),
  retry: Retry.optional().describe('Retries the step when it fails.'),
};

/**
 * Keys of steps that change production. `undo` or `irreversible` is checked later, where messages can be more precise.
 */
const Acting = {
  ...Approvable,
  inverse: Inverse.optional().describe('The step that reverts it.'),
  irreversible: z.literal(true).optional().describe('Declares that the step cannot be reverted.'),
  blastRadius: BlastRadius.optional().describe('Limits of the step. Default: once within an incident.'),
};

/** Builds the schema of one kind of step: its name, its parameters, and its other keys. */
const kind = <K extends StepKind, Shape extends z.core.$ZodLooseShape>(uses: K, shape: Shape) =>
  z.strictObject({ uses: z.literal(uses), with: WITH[uses], ...shape });

export const SingleStep = z.discriminatedUnion('uses', [
  kind('rollback', Acting),
  kind('flag.disable', Acting),
  kind('flag.enable', Acting),
  kind('scale', Acting),
  kind('restart', Acting),
  kind('reroute', Acting),
  kind('page', Approvable),
  kind('slack.post', Approvable),
  kind('ticket', Approvable),
  kind('http', Acting),
  kind('wait', Common),
  kind('wait.until', Common),
  kind('approve', Common),
  kind('verify', Common),
  kind('note', Common),
]);
export type SingleStep = z.infer<typeof SingleStep>;

/** Steps that run in parallel: none sees another's output. Fails when one of them fails. */
export const ParallelStep = z.strictObject({
  id: StepId,
  name: Template.optional(),
  when: Expression.optional(),
  onFailure: FailureAction.optional(),
  parallel: z.array(SingleStep).min(2).max(10),
});
export type ParallelStep = z.infer<typeof ParallelStep>;

export const Step = z.union([ParallelStep, SingleStep]);
export type Step = z.infer<typeof Step>;

/** Status of a step, as in expressions. `pending`: not run yet, or never. `declined`: rejected, or not answered. */
export const StepStatus = z.enum(['pending', 'succeeded', 'failed', 'skipped', 'declined', 'withdrawn']);
export type StepStatus = z.infer<typeof StepStatus>;

import * as z from 'zod';
import { Inverse, type StepKind, WITH } from './kinds.ts';
import { Duration, Expression, StepId, Template } from './values.ts';

/** `stop`: the rest is left. `continue`: the rest is done all the same. `undo`: what was done is taken back. */
export const FailureAction = z.enum(['stop', 'continue', 'undo']);
export type FailureAction = z.infer<typeof FailureAction>;

const ApprovalMap = z.strictObject({
  /** Absent: whoever may approve. */
  people: z.array(z.string().min(1)).min(1).optional(),
  /** How long it is asked for. Absent: as long as the service's `approvalTimeoutMinutes`. */
  timeout: Duration.optional(),
  /** When somebody says no, or nobody says anything: leave the step out, or stop here. */
  otherwise: z.enum(['skip', 'stop']).default('stop'),
});
export type Approval = z.infer<typeof ApprovalMap>;

/** `true`: whoever may approve is asked. */
const Approval = z.union([
  z.boolean().transform((asked): Approval | undefined => (asked ? ApprovalMap.parse({}) : undefined)),
  ApprovalMap,
]);

const Retry = z.strictObject({
  /** After the first try. */
  max: z.number().int().min(1).max(10),
  /** Exponential: each time twice as long, an hour at most. */
  backoff: z.enum(['constant', 'exponential']).default('constant'),
  delay: Duration.prefault('10s'),
});
export type Retry = z.infer<typeof Retry>;

/** How much a step may do at most. An act is always upon the incident's own service. */
const BlastRadius = z.strictObject({
  /** How often it may be done within one incident, repeats after a failure aside. */
  times: z.number().int().min(1).max(10).default(1),
});
export type BlastRadius = z.infer<typeof BlastRadius>;

const Common = {
  id: StepId.describe('What it is called in expressions: `steps.<id>.status`, `steps.<id>.output`.'),
  name: Template.optional().describe('For people.'),
  when: Expression.optional().describe('CEL. It is left out where this is not true.'),
  timeout: Duration.optional().describe('Such as 30s, 5m, 2h. Required where something is changed.'),
  onFailure: FailureAction.optional().describe('When it has failed. Absent: as the runbook says.'),
};

const Asked = {
  ...Common,
  approval: Approval.optional().describe('A person is asked first.'),
  retry: Retry.optional().describe('Tried again when it has failed.'),
};

/** What changes production. Whether it says how to get back is checked where messages can tell more. */
const Acting = {
  ...Asked,
  inverse: Inverse.optional().describe('What takes it back.'),
  irreversible: z.literal(true).optional().describe('Nothing takes it back.'),
  blastRadius: BlastRadius.optional().describe('How much it may do at most. Absent: once within an incident.'),
};

/** One kind of step: which it is, what it takes, and what may stand beside. */
const kind = <K extends StepKind, Shape extends z.core.$ZodLooseShape>(uses: K, shape: Shape) =>
  z.strictObject({ uses: z.literal(uses), with: WITH[uses], ...shape });

export const SingleStep = z.discriminatedUnion('uses', [
  kind('rollback', Acting),
  kind('flag.disable', Acting),
  kind('flag.enable', Acting),
  kind('scale', Acting),
  kind('restart', Acting),
  kind('page', Asked),
  kind('slack.post', Asked),
  kind('ticket', Asked),
  kind('http', Acting),
  kind('wait', Common),
  kind('wait.until', Common),
  kind('approve', Common),
  kind('verify', Common),
  kind('note', Common),
]);
export type SingleStep = z.infer<typeof SingleStep>;

/** Steps that are done side by side: none sees what another gave. It has failed when one of them has. */
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

/** How a step has ended, as expressions see it. `pending`: not yet, or never. `declined`: a person said no, or nobody did. */
export const StepStatus = z.enum(['pending', 'succeeded', 'failed', 'skipped', 'declined']);
export type StepStatus = z.infer<typeof StepStatus>;

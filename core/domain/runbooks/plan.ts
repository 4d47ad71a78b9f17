import { secondsOf } from '../../../schemas/time/maintenance.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { StepKind } from '../../../schemas/runbooks/parts/kinds.ts';
import type { Approval, FailureAction, SingleStep } from '../../../schemas/runbooks/parts/steps.ts';
import { type BuiltInInverse, factsOf } from './kinds.ts';
import { lineOf } from '../lint/problem.ts';
import { type LocatedStep, locatedSteps } from './located-steps.ts';

/** One step to execute. */
export type PlannedStep = {
  /** From 1, in file order. */
  number: number;
  /** Constant for all runs and replays of this version; with the incident ID, it is the key of an effect. */
  key: string;
  id: string;
  /** Display name. May contain `${{ … }}`. */
  name: string;
  /** Steps of the same stage run in parallel. Stages run in sequence. */
  stage: number;
  uses: StepKind;
  /** As written in the file: `resolveWith` fills in the templates. */
  with: SingleStep['with'];
  /** All conditions must hold. */
  when: string[];
  approval: (Omit<Approval, 'timeout'> & { timeoutSeconds: number | null }) | null;
  timeoutSeconds: number;
  retry: { max: number; backoff: 'constant' | 'exponential'; delaySeconds: number } | null;
  onFailure: FailureAction;
  mutating: boolean;
  /** Maximum number of executions within one incident. */
  times: number;
  /** Null: there is no inverse, or none is needed. */
  inverse: PlannedInverse | null;
  file: string;
  line: number;
};

/** The inverse of a step. */
export type PlannedInverse = {
  key: string;
  /** ID of the step to undo. */
  of: string;
  with: SingleStep['with'];
  timeoutSeconds: number;
} & BuiltInInverse;

export type RunbookPlan = {
  runbook: string;
  version: string;
  steps: PlannedStep[];
  /** Executed once, before anything is undone, if a step fails whose `onFailure` is not `continue`. */
  failureSteps: PlannedStep[];
  undo: Runbook['undo'];
};

/** Flattens and numbers the steps of a runbook. */
export function planOf(runbook: Runbook): RunbookPlan {
  const steps = locatedSteps(runbook).map((located, index) => ({
    runsOnFailure: located.onFailure,
    step: plannedStep(runbook, located, index + 1),
  }));
  return {
    runbook: runbook.name,
    version: runbook.version,
    steps: steps.filter(({ runsOnFailure }) => !runsOnFailure).map(({ step }) => step),
    failureSteps: steps.filter(({ runsOnFailure }) => runsOnFailure).map(({ step }) => step),
    undo: runbook.undo,
  };
}

function plannedStep(
  runbook: Runbook,
  { step, path, stage, group, onFailure }: LocatedStep,
  number: number,
): PlannedStep {
  const facts = factsOf(step);
  const key = `runbook/${runbook.name}@${runbook.version}/${step.id}`;
  const timeoutSeconds = timeoutOf(step, facts.timeoutSeconds);
  return {
    number,
    key,
    id: step.id,
    name: step.name ?? step.id.replaceAll('_', ' '),
    stage,
    uses: step.uses,
    with: step.with,
    when: [group?.step.when, step.when].filter((when) => when !== undefined),
    approval: approvalOf(step),
    timeoutSeconds,
    retry: retryOf(step),
    // A failure of a failure step has no further consequences.
    onFailure: step.onFailure ?? (onFailure ? 'continue' : (group?.step.onFailure ?? runbook.onFailure.do)),
    mutating: facts.mutating,
    times: ('blastRadius' in step ? step.blastRadius?.times : undefined) ?? 1,
    inverse: inverseOf(step, `${key}/undo`, timeoutSeconds),
    file: runbook.file,
    line: lineOf(runbook.lines, path),
  };
}

/** Returns the time-out; `checkRunbook` ensures that steps that change production set one. */
function timeoutOf(step: SingleStep, defaultSeconds: number | null): number {
  if (step.timeout !== undefined) return secondsOf(step.timeout);
  if (step.uses === 'wait') return secondsOf(step.with.for);
  return defaultSeconds ?? 0;
}

function approvalOf(step: SingleStep): PlannedStep['approval'] {
  const approval = 'approval' in step ? step.approval : undefined;
  if (approval === undefined) return null;
  const { timeout, ...rest } = approval;
  return { ...rest, timeoutSeconds: timeout === undefined ? null : secondsOf(timeout) };
}

function retryOf(step: SingleStep): PlannedStep['retry'] {
  if (!('retry' in step) || step.retry === undefined) return null;
  const { max, backoff, delay } = step.retry;
  return { max, backoff, delaySeconds: secondsOf(delay) };
}

/** Returns the inverse that the runbook specifies, else the built-in inverse of the step's kind. */
function inverseOf(step: SingleStep, key: string, timeoutSeconds: number): PlannedInverse | null {
  const base = { key, of: step.id, person: false, timeoutSeconds };
  if ('irreversible' in step && step.irreversible === true) return null;
  if ('inverse' in step && step.inverse !== undefined) return { ...base, ...step.inverse };
  const { inverse } = factsOf(step);
  if (typeof inverse === 'string') return null;
  return { ...base, ...inverse, with: inverse.uses.endsWith('.restore') ? {} : step.with };
}

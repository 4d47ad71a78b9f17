import { secondsOf } from '../../schemas/maintenance.ts';
import type { Runbook } from '../../schemas/runbook.ts';
import type { StepKind } from '../../schemas/runbook/kinds.ts';
import type { Approval, FailureAction, SingleStep } from '../../schemas/runbook/steps.ts';
import { factsOf } from './kinds.ts';
import { lineOf } from './problem.ts';
import { type Placed, placedSteps } from './walk.ts';

/** One step as it is to be done. */
export type PlannedStep = {
  /** From 1, in the order of the file. */
  number: number;
  /** The same in every run and replay of this version; with the incident's id it is an effect's. */
  key: string;
  id: string;
  /** For people. May hold `${{ … }}`. */
  name: string;
  /** Steps of the same stage are done side by side. Stages follow each other. */
  stage: number;
  uses: StepKind;
  /** As written: `resolveWith` puts in what it leaves open. */
  with: SingleStep['with'];
  /** All of them have to hold. */
  when: string[];
  approval: (Omit<Approval, 'timeout'> & { timeoutSeconds: number | null }) | null;
  timeoutSeconds: number;
  retry: { max: number; backoff: 'constant' | 'exponential'; delaySeconds: number } | null;
  onFailure: FailureAction;
  mutating: boolean;
  /** How often it may be done within one incident. */
  times: number;
  /** Null: there is no way back, or none is needed. */
  inverse: PlannedInverse | null;
  file: string;
  line: number;
};

/** What takes a step back. */
export type PlannedInverse = {
  key: string;
  /** Of the step that is taken back. */
  of: string;
  /** `scale.restore`: to as many as there were before. */
  uses: StepKind | 'scale.restore';
  with: SingleStep['with'];
  /** A flag that was switched off as a mitigation is switched on again by people only. */
  person: boolean;
  timeoutSeconds: number;
};

export type RunbookPlan = {
  runbook: string;
  version: string;
  steps: PlannedStep[];
  /** Done once, before anything is taken back, when a step has failed and does not say `continue`. */
  failureSteps: PlannedStep[];
  undo: Runbook['undo'];
};

/** What a runbook comes to: its steps, flat and numbered. */
export function planOf(runbook: Runbook): RunbookPlan {
  const steps = placedSteps(runbook).map((placed, index) => ({ placed, planned: planned(runbook, placed, index + 1) }));
  const those = (onFailure: boolean): PlannedStep[] =>
    steps.filter(({ placed }) => placed.onFailure === onFailure).map((each) => each.planned);
  return {
    runbook: runbook.name,
    version: runbook.version,
    steps: those(false),
    failureSteps: those(true),
    undo: runbook.undo,
  };
}

function planned(runbook: Runbook, { step, path, stage, group, onFailure }: Placed, number: number): PlannedStep {
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
    // What is done about a failure does not fail in turn: there is nothing left to do about it.
    onFailure: step.onFailure ?? (onFailure ? 'continue' : (group?.step.onFailure ?? runbook.onFailure.do)),
    mutating: facts.mutating,
    times: ('blastRadius' in step ? step.blastRadius?.times : undefined) ?? 1,
    inverse: inverseOf(step, `${key}/undo`, timeoutSeconds),
    file: runbook.file,
    line: lineOf(runbook.lines, path),
  };
}

/** What changes production has to say it; that is checked when the runbook is read. */
function timeoutOf(step: SingleStep, usual: number | null): number {
  if (step.timeout !== undefined) return secondsOf(step.timeout);
  if (step.uses === 'wait') return secondsOf(step.with.for);
  return usual ?? 0;
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

/** What the runbook says; else what the kind of step has by itself. */
function inverseOf(step: SingleStep, key: string, timeoutSeconds: number): PlannedInverse | null {
  const base = { key, of: step.id, person: false, timeoutSeconds };
  if ('irreversible' in step && step.irreversible === true) return null;
  if ('inverse' in step && step.inverse !== undefined) return { ...base, ...step.inverse };
  switch (step.uses) {
    case 'flag.disable':
      return { ...base, uses: 'flag.enable', with: step.with, person: true };
    case 'flag.enable':
      return { ...base, uses: 'flag.disable', with: step.with };
    case 'scale':
      return { ...base, uses: 'scale.restore', with: {} };
    default:
      return null;
  }
}

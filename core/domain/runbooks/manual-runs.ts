import type { StepEnd, StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { type PlannedStep, planOf, type RunbookPlan } from './plan.ts';

/**
 * First number of runs that people start. Runs are numbered within their incident: from 1 if started by an alert, from
 * this number if started by a person, so that the next number does not have to be coordinated with the workflow.
 */
const MANUAL_RUNS_FROM = 101;

/** Maximum number of runs that people can start within one incident. */
export const MANUAL_RUNS_MAX = 100;

export const isManualRun = (number: number): boolean => number >= MANUAL_RUNS_FROM;

/** Returns the number of the next run started by a person. Null: the maximum is reached. */
export function nextManualRun(numbers: readonly number[]): number | null {
  const next = Math.max(MANUAL_RUNS_FROM - 1, ...numbers) + 1;
  return next >= MANUAL_RUNS_FROM + MANUAL_RUNS_MAX ? null : next;
}

/** Returns the ID of the step that undoes another one. Step IDs in files cannot contain a dot. */
export const undoId = (step: string): string => `${step}.undo`;

/** Where a failed run continues. */
export type Remaining = {
  /** The steps that stopped the run: the first ones to repeat. */
  failed: string[];
  /** Results of the steps that are not repeated. */
  done: StepEnds;
};

/** Computes the remaining steps. Completed steps are not repeated, unless the run undid them or does not know whether it did. */
export function remainingOf({ steps }: Pick<RunbookPlan, 'steps'>, ends: StepEnds): Remaining {
  const stopped = steps.filter(({ id, onFailure }) => ends[id]?.status === 'failed' && onFailure !== 'continue');
  const stage = Math.min(...stopped.map((step) => step.stage));
  const failed = stopped.filter((step) => step.stage === stage);
  const notRepeated = steps.filter((step) => staysDone(step, ends, stage));
  return {
    failed: failed.map(({ id }) => id),
    done: Object.fromEntries(
      notRepeated.flatMap(({ id }) => (ends[id] === undefined ? [] : [[id, ends[id]] as const])),
    ),
  };
}

function staysDone({ id, stage }: PlannedStep, ends: StepEnds, failedStage: number): boolean {
  const undoEnd: StepEnd | undefined = ends[undoId(id)];
  if (undoEnd !== undefined && undoEnd.status !== 'skipped') return false;
  const isDone = ends[id]?.status === 'succeeded' || ends[id]?.status === 'skipped';
  return stage < failedStage || (stage === failedStage && isDone);
}

/** Describes the first steps that are not done yet. @example 'step restart' */
export function nextStepsText(runbook: Runbook, done: StepEnds): string {
  const remaining = planOf(runbook).steps.filter(({ id }) => done[id] === undefined);
  const first = remaining.filter(({ stage }) => stage === remaining[0]?.stage).map(({ id }) => id);
  return `${first.length === 1 ? 'step' : 'steps'} ${first.join(', ')}`;
}

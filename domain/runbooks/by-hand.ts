import type { StepEnd, StepEnds } from '../../schemas/runbook/runs.ts';
import type { Runbook } from '../../schemas/runbook.ts';
import { type PlannedStep, planOf, type RunbookPlan } from './plan.ts';

/**
 * Runs of runbooks are numbered within their incident: those that alerts have started from 1, and those that people have
 * started from here, so that nobody has to agree with the workflow on the next number.
 */
const BY_HAND_FROM = 101;

/** How many runs people can start within one incident. */
export const BY_HAND_MAX = 100;

export const isByHand = (number: number): boolean => number >= BY_HAND_FROM;

/** The number of the next run that a person starts. Null: there have been too many. */
export function nextByHand(numbers: readonly number[]): number | null {
  const next = Math.max(BY_HAND_FROM - 1, ...numbers) + 1;
  return next >= BY_HAND_FROM + BY_HAND_MAX ? null : next;
}

/** What a step is called that takes another one back. No step of a file is. */
export const undoId = (step: string): string => `${step}.undo`;

/** Where a run that has failed is to go on. */
export type Remaining = {
  /** The steps for which it stopped: the first ones that are done again. */
  failed: string[];
  /** How the steps before them have ended, as far as they are not done again. */
  done: StepEnds;
};

/** Steps that have been done stay done, unless the run has taken them back, or does not know whether it has. */
export function remainingOf({ steps }: Pick<RunbookPlan, 'steps'>, ends: StepEnds): Remaining {
  const stopped = steps.filter(({ id, onFailure }) => ends[id]?.status === 'failed' && onFailure !== 'continue');
  const stage = Math.min(...stopped.map((step) => step.stage));
  const failed = stopped.filter((step) => step.stage === stage);
  const kept = steps.filter((step) => isKept(step, ends, stage));
  return {
    failed: failed.map(({ id }) => id),
    done: Object.fromEntries(kept.flatMap(({ id }) => (ends[id] === undefined ? [] : [[id, ends[id]] as const]))),
  };
}

function isKept({ id, stage }: PlannedStep, ends: StepEnds, failedStage: number): boolean {
  const back: StepEnd | undefined = ends[undoId(id)];
  if (back !== undefined && back.status !== 'skipped') return false;
  const isDone = ends[id]?.status === 'succeeded' || ends[id]?.status === 'skipped';
  return stage < failedStage || (stage === failedStage && isDone);
}

/** The first steps that are not done yet, for people. @example 'step restart' */
export function whereFrom(runbook: Runbook, done: StepEnds): string {
  const left = planOf(runbook).steps.filter(({ id }) => done[id] === undefined);
  const first = left.filter(({ stage }) => stage === left[0]?.stage).map(({ id }) => id);
  return `${first.length === 1 ? 'step' : 'steps'} ${first.join(', ')}`;
}

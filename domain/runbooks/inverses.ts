import type { FailureAction } from '../../schemas/runbook/steps.ts';
import type { PlannedInverse, PlannedStep, RunbookPlan } from './plan.ts';

export type Undo = {
  /** In this order. */
  run: PlannedInverse[];
  /** What changed production and stays as it is: there is no way back, or the runbook does not want one. */
  left: PlannedStep[];
};

/**
 * How to take back what was done: the last first.
 *
 * @param done ids of the steps that have succeeded, as often as they did, in the order in which they ended
 */
export function inversesOf(plan: RunbookPlan, done: readonly string[]): Undo {
  const byId = new Map([...plan.steps, ...plan.failureSteps].map((step) => [step.id, step]));
  // What was done twice is taken back once: each way back leads to where the first time began.
  const steps = [...new Set(done)]
    .map((id) => byId.get(id))
    .filter((step) => step !== undefined)
    .filter(({ mutating }) => mutating)
    .toReversed();
  if (plan.undo === 'none') return { run: [], left: steps };
  return {
    run: steps.map(({ inverse }) => inverse).filter((inverse) => inverse !== null),
    left: steps.filter(({ inverse }) => inverse === null),
  };
}

const STRENGTH: readonly FailureAction[] = ['continue', 'stop', 'undo'];

/** What follows once all steps of a stage have ended: of several that have failed, the strongest says it. */
export function afterStage(failed: readonly Pick<PlannedStep, 'onFailure'>[]): FailureAction {
  return STRENGTH[Math.max(0, ...failed.map(({ onFailure }) => STRENGTH.indexOf(onFailure)))] ?? 'stop';
}

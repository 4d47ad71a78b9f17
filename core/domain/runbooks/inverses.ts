import type { FailureAction } from '../../../schemas/runbooks/parts/steps.ts';
import type { PlannedInverse, PlannedStep, RunbookPlan } from './plan.ts';

export type UndoPlan = {
  /** In order of execution. */
  run: PlannedInverse[];
  /** Steps that changed production and are not undone: they have no inverse, or the runbook does not undo. */
  left: PlannedStep[];
};

/**
 * Plans how to undo completed steps, last first.
 *
 * @param done IDs of the succeeded steps in order of completion, one entry per execution
 */
export function inversesOf(plan: RunbookPlan, done: readonly string[]): UndoPlan {
  const byId = new Map([...plan.steps, ...plan.failureSteps].map((step) => [step.id, step]));
  // A step that ran twice is undone once: each inverse restores the state before the first run.
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

/** Returns the action after all steps of a stage have ended: the strongest action of the failed steps. */
export function actionAfterStage(failed: readonly Pick<PlannedStep, 'onFailure'>[]): FailureAction {
  return STRENGTH[Math.max(0, ...failed.map(({ onFailure }) => STRENGTH.indexOf(onFailure)))] ?? 'stop';
}

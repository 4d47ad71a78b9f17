import { undoId } from '../../../domain/runbooks/manual-runs.ts';
import type { Chosen } from './choose.ts';
import type { Outline } from './outline.ts';

/** Returns the undo steps for completed steps, last one first. A step without an inverse is skipped when its undo runs. */
export function undoOrder({ steps, failureSteps, undo }: Chosen, done: readonly string[]): Outline[] {
  if (undo === 'none') return [];
  const byId = new Map([...steps, ...failureSteps].map((step) => [step.id, step]));
  return [...new Set(done)].toReversed().flatMap((id): Outline[] => {
    const step = byId.get(id);
    return step === undefined || !step.mutating ? [] : [{ ...step, id: undoId(id), retry: null, undoes: id }];
  });
}

import { undoId } from '../../../domain/runbooks/by-hand.ts';
import type { Chosen, Outline } from './choose.ts';

/**
 * The ways back of what was done, the last first. Which of them there are is read where they are gone; a step that has
 * none is left out there.
 */
export function undoOrder({ steps, failureSteps, undo }: Chosen, done: readonly string[]): Outline[] {
  if (undo === 'none') return [];
  const byId = new Map([...steps, ...failureSteps].map((step) => [step.id, step]));
  return [...new Set(done)].toReversed().flatMap((id): Outline[] => {
    const step = byId.get(id);
    return step === undefined || !step.mutating ? [] : [{ ...step, id: undoId(id), retry: null, undoes: id }];
  });
}

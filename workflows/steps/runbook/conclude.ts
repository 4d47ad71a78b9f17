import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { RunbookEnd } from '../../../core/domain/ports/runbooks.ts';
import { undoId } from '../../../core/domain/runbooks/manual-runs.ts';
import { planOf } from '../../../core/domain/runbooks/plan.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';
import { wake } from '../../wake.ts';
import { passedOfWindow } from '../verify.ts';
import { contextOf } from './context.ts';
import { storeResult } from './step-results.ts';
import type { RunbookInput } from './outline.ts';
import { describeRemainingChange } from './step-texts.ts';

/**
 * Notes the changes that remain, such as a flag that is still off, and concludes the runbook.
 *
 * @returns the seconds of its verification window that have passed; null: none
 */
export async function concludeRunbook(
  deps: Deps,
  input: RunbookInput,
  end: RunbookEnd,
  ends: StepEnds,
): Promise<number | null> {
  const { incidentId, number } = input;
  const remaining = await remainingChanges(deps, input, ends);
  if (remaining.length > 0)
    // Its key sorts before that of the end: entries of one millisecond are in the order of their keys.
    await deps.incidents.note(incidentId, `runbook-${number}-changes`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'runbook.changes_remain',
      text: `Changes that remain: ${remaining.join('; ')}`,
      detail: { runbook: number },
    });
  // If a person retries the runbook, it continues from here.
  for (const [step, ended] of Object.entries(ends)) await storeResult(deps, input, 'ended', step, ended);
  await deps.runbooks.conclude(incidentId, number, end);
  await wake(deps, incidentId);
  return passedOfWindow(deps, incidentId, { number: 0, runbook: number });
}

async function remainingChanges(deps: Deps, input: RunbookInput, ends: StepEnds): Promise<string[]> {
  const selected = await deps.runbooks.get(input.incidentId, input.number);
  if (selected === undefined) return [];
  const { steps, failureSteps } = planOf(selected.runbook);
  const remaining: string[] = [];
  for (const { id, uses, inverse } of [...steps, ...failureSteps].filter(({ mutating }) => mutating)) {
    const [end, undoEnd] = [ends[id], ends[undoId(id)]];
    if (end === undefined || undoEnd?.status === 'succeeded') continue;
    const { name } = await contextOf(deps, input, { id, undoes: null }, ends);
    const words = describeRemainingChange(uses, {
      name,
      output: end.output,
      hasInverse: inverse !== null,
      undone: undoEnd !== undefined,
    });
    if (end.unclear) remaining.push(`the outcome of "${name}" is unknown`);
    else if (end.status === 'succeeded' && words !== null)
      remaining.push(undoEnd?.unclear ? `${words} (the outcome of the undo is unknown)` : words);
  }
  return remaining;
}

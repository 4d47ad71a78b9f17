import type { Deps, RunbookEnd } from '../../../domain/ports.ts';
import { undoId } from '../../../domain/runbooks/by-hand.ts';
import { planOf } from '../../../domain/runbooks/plan.ts';
import type { IncidentId } from '../../../schemas/names.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnds } from '../../../schemas/runbook/runs.ts';
import { wake } from '../../wake.ts';
import { contextOf } from './context.ts';
import { remember } from './memory.ts';
import { leftAs } from './tell.ts';

/** Its end, and before that, what is left otherwise than it was: nobody has to find out which flag is still off. */
export async function concludeRunbook(deps: Deps, input: RunbookInput, end: RunbookEnd, ends: StepEnds): Promise<null> {
  const { incidentId, number } = input;
  const left = await leftBy(deps, input, ends);
  if (left.length > 0)
    await deps.incidents.note(incidentId, `runbook-${number}-left`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'runbook.left',
      text: `Not as it was before: ${left.join('; ')}`,
      detail: { runbook: number },
    });
  // Where a person has it tried again, it goes on from here.
  for (const [step, ended] of Object.entries(ends)) await remember(deps, input, 'ended', step, ended);
  await deps.runbooks.conclude(incidentId, number, end);
  await wake(deps, incidentId);
  return null;
}

async function leftBy(deps: Deps, input: RunbookInput, ends: StepEnds): Promise<string[]> {
  const followed = await deps.runbooks.get(input.incidentId, input.number);
  if (followed === undefined) return [];
  const { steps, failureSteps } = planOf(followed.runbook);
  const left: string[] = [];
  for (const { id, uses, inverse } of [...steps, ...failureSteps].filter(({ mutating }) => mutating)) {
    const [end, back] = [ends[id], ends[undoId(id)]];
    if (end === undefined || back?.status === 'succeeded') continue;
    const { name } = await contextOf(deps, input, { id, undoes: null }, ends);
    const words = leftAs(uses, { name, output: end.output, hasWayBack: inverse !== null, undone: back !== undefined });
    if (end.unclear) left.push(`whether "${name}" was done is not known`);
    else if (end.status === 'succeeded' && words !== null)
      left.push(back?.unclear ? `${words} (whether it was taken back is not known)` : words);
  }
  return left;
}

/** The acts of a runbook that were done: when it was wrong, they were. */
export async function actsOf(deps: Pick<Deps, 'incidents'>, id: IncidentId, number: number): Promise<string[]> {
  const effects = (await deps.incidents.view(id))?.effects ?? [];
  return effects
    .filter(({ key, state }) => key.startsWith(`${id}.runbook.${number}.`) && state === 'succeeded')
    .map(({ key }) => key);
}

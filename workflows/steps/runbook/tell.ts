import type { Deps } from '../../../domain/ports.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { Context } from './context.ts';

/** What became of a step, on the timeline; once. */
export async function noteStep(
  deps: Deps,
  { number }: RunbookInput,
  { incident, step, inverse, name }: Context,
  status: string,
  detail: string,
): Promise<void> {
  const what = inverse === null ? step.id : `${step.id}.undo`;
  await deps.incidents.note(incident.id, `runbook-${number}-${what}-${status}`, {
    at: deps.clock.now(),
    actor: 'firebreak',
    kind: `runbook.step_${status}`,
    text: `${name}${detail === '' ? '' : `: ${detail}`}`,
    detail: { runbook: number, step: step.id },
  });
}

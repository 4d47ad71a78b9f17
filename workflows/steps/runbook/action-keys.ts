import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { StepContext } from './context.ts';
import type { RunbookInput } from './outline.ts';

/** Returns the idempotency key of an action, the same for every attempt and for every run that takes over. */
export const actionKey = (
  { incident, step, inverse }: StepContext,
  { number }: RunbookInput,
  attemptNumber: number,
): string => {
  const name = inverse === null ? step.id : `${step.id}.undo`;
  return `${incident.id}.runbook.${number}.${name}${attemptNumber > 1 ? `.${attemptNumber}` : ''}`;
};

/** Returns the keys of a runbook's completed actions, which a failed verification counts as wrong. */
export async function actionKeysOf(deps: Pick<Deps, 'incidents'>, id: IncidentId, number: number): Promise<string[]> {
  const effects = (await deps.incidents.view(id))?.effects ?? [];
  return effects
    .filter(({ key, state }) => key.startsWith(`${id}.runbook.${number}.`) && state === 'succeeded')
    .map(({ key }) => key);
}

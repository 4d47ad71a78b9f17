import { sendersOfCause } from '../../../core/domain/alerts/senders.ts';
import type { IntendedAction } from '../../../core/domain/ports/decisions.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import { countsAgainstAutomation, type StepContext } from './context.ts';

/** Returns on whose behalf a step acts, and how it is counted. @param approved a person has approved the step */
export async function intendedBy(
  deps: Pick<Deps, 'incidents'>,
  context: StepContext,
  approved: boolean,
): Promise<Omit<IntendedAction, 'resource'>> {
  const isProposed = countsAgainstAutomation(context);
  const automatic = isProposed && !approved;
  const { items } = automatic ? await deps.incidents.signals(context.incident.id, { limit: 200 }) : { items: [] };
  return {
    serviceEnvironment: context.serviceEnvironment,
    automatic,
    ...(automatic && { senders: sendersOfCause(items) }),
    isProposed,
  };
}

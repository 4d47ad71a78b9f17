import type { IncidentId } from '../../../schemas/config/names.ts';
import type { EvidenceName } from '../../../schemas/incidents/evidence-pack.ts';
import type { DecisionView, Effect } from '../../../schemas/incidents/incident.ts';

/** Returns the name of the evidence of an action: its key without the incident. */
export const evidenceNameOf = (id: IncidentId, key: string): EvidenceName => key.replace(`${id}.`, '');

/** Returns the key of the action that evidence of this name is about. */
export const actionKeyOf = (id: IncidentId, name: EvidenceName): string => `${id}.${name}`;

/**
 * Returns the decision that an action follows from: for a rollback, the one with its number; for the step of a runbook,
 * the newest one about the incident as a whole at that time.
 */
export function decisionOf(
  decisions: readonly DecisionView[],
  name: EvidenceName,
  at: Effect['at'],
): DecisionView | undefined {
  const [, number] = /^roll-back\.(\d+)$/.exec(name) ?? [];
  return number === undefined
    ? decisions.findLast((decision) => decision.question === undefined && decision.at <= at)
    : decisions.find(({ id }) => id.endsWith(`-${number}`));
}

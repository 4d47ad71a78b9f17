import type { DecisionView } from '../schemas/incident.ts';

/**
 * Whether this person's answer counts. Of those whom a runbook names all do; where policy wants more than it names, one
 * of the others for each that is missing, whoever says so first.
 *
 * @param people whom it names; null: whoever may approve
 */
export function isAsked(
  people: readonly string[] | null,
  { needed, given }: DecisionView['approvals'],
  by: string,
): boolean {
  if (people === null || people.includes(by) || given.includes(by)) return true;
  return given.filter((name) => !people.includes(name)).length < needed - people.length;
}

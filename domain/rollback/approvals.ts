import type { DecisionView } from '../../schemas/incidents/incident.ts';
import { isSameActor, isSamePerson } from '../access/actor-identity.ts';

/**
 * Returns whether a person's answer counts. All people named by a runbook count. If the policy requires more approvals
 * than the runbook names people, the first other people to answer fill the remaining places. A token created by a named
 * person does not count: it is neither that person nor another one.
 *
 * @param people people named by the runbook; null: anyone who may approve
 */
export function isApprover(
  people: readonly string[] | null,
  { needed, given }: DecisionView['approvals'],
  by: string,
): boolean {
  if (people === null || people.some((name) => isSameActor(name, by))) return true;
  if (isAmong(people, by)) return false;
  return isAmong(given, by) || given.filter((name) => !isAmong(people, name)).length < needed - people.length;
}

/** Returns whether the actor is one of these people, regardless of spelling and including tokens that they created. */
export const isAmong = (names: readonly string[], by: string): boolean => names.some((name) => isSamePerson(name, by));

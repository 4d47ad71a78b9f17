import type { DecisionView } from '../schemas/incident.ts';
import { isSameActor } from './actor-names.ts';

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
  if (people === null || isAmong(people, by) || isAmong(given, by)) return true;
  return given.filter((name) => !isAmong(people, name)).length < needed - people.length;
}

/** Whether they are one of these, however their name is written. */
export const isAmong = (names: readonly string[], by: string): boolean => names.some((name) => isSameActor(name, by));

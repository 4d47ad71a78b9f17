import type { DecisionView } from '../schemas/incident.ts';
import { isSameActor, isSamePerson } from './actor-names.ts';

/**
 * Whether this person's answer counts. Of those whom a runbook names all do; where policy wants more than it names, one
 * of the others for each that is missing, whoever says so first. A token that one of those named has created does not
 * count: it is neither them nor somebody else.
 *
 * @param people whom it names; null: whoever may approve
 */
export function isAsked(
  people: readonly string[] | null,
  { needed, given }: DecisionView['approvals'],
  by: string,
): boolean {
  if (people === null || people.some((name) => isSameActor(name, by))) return true;
  if (isAmong(people, by)) return false;
  return isAmong(given, by) || given.filter((name) => !isAmong(people, name)).length < needed - people.length;
}

/** Whether they are one of these people: however their name is written, and also by a token that one of them created. */
export const isAmong = (names: readonly string[], by: string): boolean => names.some((name) => isSamePerson(name, by));

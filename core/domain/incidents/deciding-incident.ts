import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Deciding, Overview } from '../messages/story.ts';
import { currentDecisions } from './new-onset.ts';

/** Number of incidents of a group whose decisions are read. */
const READ_MAX = 5;

/** Returns the parent if it is that of a group of a dependency, which has one decision for all its incidents. */
export const parentOfDependency = (
  incident: IncidentRecord,
  parent: IncidentRecord | undefined,
): IncidentRecord | undefined => [incident, parent].find((one) => one?.group_reason?.because === 'shared_dependency');

/** Returns a parent as its child shows it. */
export const shownParent = ({
  id,
  number,
  channel,
  group_reason,
}: IncidentRecord): NonNullable<Overview['parent']> => ({
  id,
  number,
  channel: channel ?? null,
  ...(group_reason && { group_reason }),
});

/**
 * Returns the open incidents of the group of a dependency that can decide for it, the most probable ones first: that of the
 * dependency itself, then those with most judgements.
 */
export const mayDecide = (
  children: readonly IncidentRecord[],
  { group_reason: reason }: IncidentRecord,
): IncidentRecord[] =>
  children
    .filter(({ status }) => status !== 'resolved')
    .toSorted(
      (a, b) =>
        Number(b.service === reason?.name) - Number(a.service === reason?.name) ||
        Number(b.status !== 'open') - Number(a.status !== 'open') ||
        b.mitigations - a.mitigations,
    )
    .slice(0, READ_MAX);

/**
 * Returns the incident that holds the question of a dependency's group, else the one that acts or has acted, else that of the
 * dependency. Undefined: none has decided.
 */
export function decidingOf(
  members: readonly Deciding[],
  { group_reason: reason }: IncidentRecord,
): Deciding | undefined {
  const rank = (member: Deciding): number => {
    const { incident, decisions } = member;
    if (decisions.some(({ state }) => state === 'waiting')) return 4;
    if (incident.status === 'mitigating') return 3;
    if (incident.status === 'mitigated') return 2;
    return incident.service === reason?.name && currentDecisions(member).length > 0 ? 1 : 0;
  };
  const [first] = members.toSorted((a, b) => rank(b) - rank(a));
  return first !== undefined && rank(first) > 0 ? first : undefined;
}

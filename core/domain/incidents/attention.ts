import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { isAcknowledged } from '../paging/acknowledgement.ts';
import type { IncidentSummary } from '../ports/incidents.ts';
import { laterProblemEnd } from './new-onset.ts';
import { contradictionToShow } from './page-contradiction.ts';

/** Why an open incident needs a person, the most urgent reason first. */
export const NEEDS = ['approval', 'failed', 'contradiction', 'unacknowledged', 'unattended', 'closing'] as const;
export type Need = (typeof NEEDS)[number];

/**
 * What an open incident needs: a person for a reason (`closing`: its problem is over, and only a person closes it as resolved), nothing because a person or automation works on it, or nothing because
 * it is mitigated.
 */
export type Attention = Need | 'in-progress' | 'handled';

/** What decides on that. `questions`: number of questions that wait for approval. */
export type Attended = Pick<
  IncidentRecord,
  | 'status'
  | 'verification'
  | 'pages'
  | 'handling'
  | 'roles'
  | 'mitigations'
  | 'opened_at'
  | 'automation_paused'
  | 'page_contradiction'
  | 'by_hand'
  | 'firing'
  | 'verifying'
  | 'new_onset'
  | 'recovered_at'
> & { questions: number };

/** Within this time after an incident has opened, automation may still be looking for its cause. */
const JUDGED_WITHIN_SECONDS = 5 * 60;

/** Returns what an incident that is not resolved needs now. */
export function attentionOf(incident: Attended, now: Timestamp): Attention {
  const { status, verification, pages, handling, roles } = incident;
  // While automation is paused, an answer would have no effect.
  if (incident.questions > 0 && !incident.automation_paused) return 'approval';
  const isUnacknowledged = pages > 0 && !isAcknowledged(incident);
  // A failed mitigation pages again, so that an acknowledgment after it is of this failure.
  if (status === 'open' && verification === 'failed' && isUnacknowledged) return 'failed';
  if (contradictionToShow(incident, now) !== undefined) return 'contradiction';
  const isOver = status === 'mitigated' ? verification === 'passed' : laterProblemEnd(incident) !== undefined;
  if (isUnacknowledged && !isOver) return 'unacknowledged';
  if (isOver || (status === 'mitigated' && verification !== 'pending'))
    return incident.by_hand === true && incident.firing <= 0 ? 'closing' : 'handled';
  const hasPerson = handling?.acknowledged !== undefined || roles?.commander !== undefined;
  const isVerifying = status === 'mitigating' || status === 'mitigated';
  const isJudging = incident.mitigations === 0 && secondsBetween(incident.opened_at, now) <= JUDGED_WITHIN_SECONDS;
  return hasPerson || isVerifying || isJudging ? 'in-progress' : 'unattended';
}

/** What a person sees as one row: an incident, or a group with its open members. `count`: incidents that have this need. */
export type Attending<T> = { incident: T; members: readonly T[]; attention: Attention; count: number };

/** What a group needs because of one of its members. Everything else is needed for all of them together. */
const OF_MEMBERS: ReadonlySet<Attention> = new Set(['approval', 'contradiction']);

/** Returns what a member needs: what it asks itself, or what its group needs. */
export function attentionOfMember(member: Attended, ofGroup: Attention, now: Timestamp): Attention {
  const own = attentionOf(member, now);
  return OF_MEMBERS.has(own) ? own : ofGroup;
}

/**
 * Returns the open incidents by what they need. Members of a group are listed with it; the group needs what it needs itself,
 * or what one of its members asks.
 */
export function attending<T extends IncidentSummary>(open: readonly T[], now: Timestamp): Attending<T>[] {
  const known = new Set(open.map(({ id }) => id));
  const groupOf = ({ parent_id: parent }: T): IncidentId | undefined =>
    parent !== undefined && known.has(parent) ? parent : undefined;
  const members = Map.groupBy(
    open.filter((incident) => groupOf(incident) !== undefined),
    groupOf,
  );
  return open
    .filter((incident) => groupOf(incident) === undefined)
    .map((incident) => {
      const own = members.get(incident.id) ?? [];
      const itself = attentionOf(incident, now);
      const all = own.map((member) => attentionOfMember(member, itself, now));
      const attention = NEEDS.find((need) => itself === need || all.includes(need)) ?? itself;
      const count = Math.max(all.filter((one) => one === attention).length, 1);
      return { incident, members: own, attention, count };
    });
}

/** Returns the number of incidents in rows: a group counts as its members that have its need. */
export const countOf = (rows: readonly Pick<Attending<unknown>, 'count'>[]): number =>
  rows.reduce((sum, { count }) => sum + count, 0);

import type { Effect } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import type { ExternalIncident } from './outlets.ts';
import type { Pager } from './ports.ts';

/** By which a page is known to the pager, and to us as an effect. */
export const pageKey = (id: IncidentId, number: number): string => `${id}.page.${number}`;

/** We have paged, or tried to: what comes after it goes the same way. */
export const isOurs = (page: Effect): boolean => page.followed === undefined && page.state !== 'withheld';

/** A page of an incident, and when it became due. */
export type DuePage = { incidentId: IncidentId; number: number; due: Timestamp };

/**
 * Two senders tell of the same alert within seconds. What was acknowledged and is older than this was acknowledged for
 * something before it, and what has joined it since was only written into its log.
 */
const SAME_MOMENT_SECONDS = 60;

/** An escalation policy's step takes 30 minutes unless it is changed: what nobody has taken for longer may ring no more. */
const RINGS_FOR_SECONDS = 1800;

/** Why an open incident of others does not do for a page of ours. Undefined: it rings for somebody, or has just now. */
export function whyUnheard(
  { status, createdAt, acknowledgedBy }: ExternalIncident,
  { number, due }: Pick<DuePage, 'number' | 'due'>,
): string | undefined {
  const whom = acknowledgedBy.length > 0 ? ` by ${acknowledgedBy.join(', ')}` : '';
  if (status === 'acknowledged' && number > 1) return `it is acknowledged${whom}, and has to be heard again`;
  if (status === 'acknowledged' && createdAt < plusSeconds(due, -SAME_MOMENT_SECONDS))
    return `it was acknowledged${whom} before, and what joins it rings for nobody`;
  if (status === 'triggered' && createdAt < plusSeconds(due, -RINGS_FOR_SECONDS))
    return 'nobody has taken it for more than half an hour, and it may ring for nobody any more';
  return undefined;
}

/** The pager as the target of an effect. */
export const pagerTarget = async ({ pager }: { pager: Pager }): Promise<Pick<Effect, 'target' | 'stand_in'>> => ({
  target: 'pagerduty',
  ...((await pager.standIn?.()) && { stand_in: true }),
});

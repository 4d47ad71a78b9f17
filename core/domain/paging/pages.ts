import type { Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import type { ExternalIncident } from '../ports/external-pager.ts';
import type { Pager } from '../ports/paging.ts';
import { incidentName, type Named } from '../incidents/incident-number.ts';

/** Returns the key of a page at the pager and of its effect. */
export const pageKey = (id: IncidentId, number: number): string => `${id}.page.${number}`;

/** Returns the key of the effect that resolves a page at the pager. */
export const resolutionKey = (id: IncidentId, number: number): string => `${pageKey(id, number)}.resolve`;

/**
 * Returns whether the pager may have resolved a page: then an update would page again. Its resolution was sent, or a person resolved
 * it there, or it is from before the incident was reopened.
 *
 * @param resolution the effect that resolves the page
 */
export const isPageOver = (
  { handling, reopened_at: reopenedAt }: Pick<IncidentRecord, 'handling' | 'reopened_at'>,
  number: number,
  page: Pick<Effect, 'at'>,
  resolution: Effect | undefined,
): boolean =>
  resolution !== undefined ||
  handling?.dismissed?.page === number ||
  (reopenedAt !== undefined && page.at < reopenedAt);

/** Returns the key of a page at the fallback pager and of its effect. */
export const fallbackPageKey = (id: IncidentId, number: number): string => `${pageKey(id, number)}.second`;

/** Returns whether a page reached a pager. Not one that was left to another incident, or for which the page of another stands. */
export const wasSent = ({ state, taken_over: other }: Pick<Effect, 'state' | 'taken_over'>): boolean =>
  state === 'succeeded' && other === undefined;

/** Returns whether an effect is a page that a pager accepted from Firebreak, in the first or the second way. Not one of another system. */
export const isSentPage = (effect: Pick<Effect, 'kind' | 'state' | 'taken_over' | 'followed'>): boolean =>
  (effect.kind === 'page' || effect.kind === 'page-fallback') && effect.followed === undefined && wasSent(effect);

/** Returns whether Firebreak paged, or tried to, in which case later pages use the same pager. */
export const isSentByFirebreak = (page: Effect): boolean => page.followed === undefined && page.state !== 'withheld';

/** Returns the detail of a page of a parent for which a page of its child stands. */
export const takenOver = (child: string, number: number): string =>
  `Not paged again, because page ${number} of incident ${child} was open already`;

/** Returns whether someone is paged for an incident, or has to be. */
export const needsPage = ({ page, severity, pages }: Pick<IncidentRecord, 'page' | 'severity' | 'pages'>): boolean =>
  (page ?? severity === 'critical') || pages > 0;

/** Returns the detail of a page that an incident leaves to its parent. */
export const leftToParent = (parent: Named): string => `${LEFT_TO_PARENT} ${incidentName(parent)} pages`;

const LEFT_TO_PARENT = 'Not paged separately: the parent incident';

/** Returns whether a page was left to the parent of its incident. */
export const isLeftToParent = ({ detail }: Pick<Effect, 'detail'>): boolean => detail.startsWith(LEFT_TO_PARENT);

/** A page of an incident, and when it became due. */
export type DuePage = { incidentId: IncidentId; number: number; due: Timestamp };

/**
 * Seconds between notifications of the same alert by two senders. An acknowledgement older than this concerns an
 * earlier alert; alerts that joined since then only appear in the incident's log.
 */
const SAME_MOMENT_SECONDS = 60;

/**
 * Default duration in seconds of an escalation policy's step: an incident unacknowledged for longer may no longer
 * notify anyone.
 */
const NOTIFIES_FOR_SECONDS = 1800;

/**
 * Returns why an external incident does not replace a page of Firebreak's own. Undefined: it notifies someone, or did
 * so just now.
 */
export function whyPagedAnyway(
  { status, createdAt, acknowledgedBy }: ExternalIncident,
  { number, due }: Pick<DuePage, 'number' | 'due'>,
): string | undefined {
  const byText = acknowledgedBy.length > 0 ? ` by ${acknowledgedBy.join(', ')}` : '';
  if (status === 'acknowledged' && number > 1)
    return `it is already acknowledged${byText}, so it would not notify anyone again`;
  if (status === 'acknowledged' && createdAt < plusSeconds(due, -SAME_MOMENT_SECONDS))
    return `it was acknowledged${byText} earlier, so alerts added to it notify nobody`;
  if (status === 'triggered' && createdAt < plusSeconds(due, -NOTIFIES_FOR_SECONDS))
    return 'it has been unacknowledged for more than 30 minutes, so it may no longer notify anyone';
  return undefined;
}

/** Returns the pager as the target of an effect. */
export const pagerTarget = async ({ pager }: { pager: Pager }): Promise<Pick<Effect, 'target' | 'stand_in'>> => ({
  target: 'pagerduty',
  ...((await pager.standIn?.()) && { stand_in: true }),
});

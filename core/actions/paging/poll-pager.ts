import { isAcknowledged, unacknowledgedPages } from '../../domain/paging/acknowledgement.ts';
import type { ExternalIncident } from '../../domain/ports/external-pager.ts';
import type { VendorResponse } from '../../domain/ports/vendor-response.ts';
import { isSentByFirebreak, pageKey } from '../../domain/paging/pages.ts';
import type { PageReference } from '../../domain/paging/pagerduty/page-reference.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { inTime } from '../../stores/in-time.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Deadline } from '../../domain/concurrency.ts';
import type { FollowDeps } from './follow-pages.ts';
import { wasAcknowledgedByFirebreak } from './acknowledge-pages.ts';
import { recordPolledAcknowledgement } from './record-acknowledgement.ts';
import { resolvePagerUser } from './pager-user.ts';
import { recordPagerResolution } from './record-resolution.ts';
import { acknowledgeGroup } from './acknowledge-group.ts';

export type PollDeps = FollowDeps & Pick<Deps, 'config' | 'onCall' | 'incidentGroups' | 'pager'>;

/** How many of an incident's newest pages are checked. Each check is a call to the pager. */
const PAGES_MAX = 10;

/**
 * Returns whether one of the incident's unacknowledged pages was acknowledged or resolved at the pager without a
 * webhook, for example because none is set up. Records such an action as if a webhook had reported it. Returns false if
 * the pager cannot be asked, so that the escalation continues.
 *
 * @param deadline the remaining time for calls to the pager
 */
export async function isAcknowledgedAtPager(
  deps: PollDeps,
  incident: IncidentRecord,
  deadline: Deadline,
): Promise<boolean> {
  const { id } = incident;
  for (const number of unacknowledgedPages(incident).slice(0, PAGES_MAX)) {
    const page = await deps.effects.get(id, pageKey(id, number));
    // One in progress may have been delivered.
    if (page === undefined || page.state === 'failed' || !isSentByFirebreak(page) || page.taken_over !== undefined)
      continue;
    const response = await responseWithin(deadline, () => deps.externalPager.paged(pageKey(id, number)));
    if (response.kind === 'off') return false;
    if (response.kind !== 'done') {
      const { detail } = response;
      deps.log.warn('the state of a page at PagerDuty could not be read', { incident: id, number, detail });
      return false;
    }
    if (response.value !== null && (await recordPagerState(deps, incident, number, response.value))) return true;
  }
  return incident.group_reason !== undefined && (await areChildrenAcknowledged(deps, incident, deadline));
}

/**
 * Checks the pages of child incidents, which may have paged before they joined. Acknowledging one counts for the
 * parent.
 */
async function areChildrenAcknowledged(deps: PollDeps, { id }: IncidentRecord, deadline: Deadline): Promise<boolean> {
  for (const { incident: child } of await deps.incidentGroups.children(id)) {
    if (child.status === 'resolved' || child.pages === 0 || !(await isAcknowledgedAtPager(deps, child, deadline)))
      continue;
    await acknowledgeGroup(deps, child.id);
    const now = await deps.incidents.read(id);
    if (now === undefined || isAcknowledged(now)) return true;
  }
  return false;
}

/** Records an action found at the pager. Returns whether the incident counts as acknowledged by it. */
async function recordPagerState(
  deps: PollDeps,
  incident: IncidentRecord,
  number: number,
  external: ExternalIncident,
): Promise<boolean> {
  const page = { incidentId: incident.id, number };
  const hasNoPerson = external.acknowledged?.by == null;
  if (external.status === 'acknowledged' && hasNoPerson && (await wasAcknowledgedByFirebreak(deps, incident, number)))
    return false;
  if (external.status === 'acknowledged')
    return recordPolledAcknowledgement(
      deps,
      page,
      external,
      `page-${page.number}-seen-${external.acknowledged?.at ?? ''}`,
    );
  if (external.status === 'resolved' && external.resolvedBy !== null)
    return recordResolved(deps, page, external.resolvedBy);
  return false; // still triggered, or resolved by the pager without a person
}

/**
 * Records that a page was resolved at the pager. If the incident continues, this does not count as an acknowledgement.
 */
async function recordResolved(
  deps: PollDeps,
  page: PageReference,
  by: NonNullable<ExternalIncident['resolvedBy']>,
): Promise<boolean> {
  const { incidentId, number } = page;
  const key = `page-${number}-resolved-there`;
  const how = await recordPagerResolution(deps, page, {
    agent: await resolvePagerUser(deps, by),
    key,
    at: deps.clock.now(),
  });
  if (how === 'over') return true;
  const now = await deps.incidents.read(incidentId);
  return now === undefined || isAcknowledged(now);
}

/** Gives up waiting after the deadline; the call itself continues in the background. */
async function responseWithin<T>(
  { left }: Deadline,
  request: () => Promise<VendorResponse<T>>,
): Promise<VendorResponse<T>> {
  const later = (detail: string): VendorResponse<never> => ({ kind: 'later', detail, afterSeconds: null });
  const late = later('no response within the time limit');
  if (left === 0) return late;
  return (
    (await inTime(
      left,
      request().catch((error: unknown) => later(String(error))),
    )) ?? late
  );
}

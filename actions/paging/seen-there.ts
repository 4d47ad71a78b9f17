import { setTimeout as sleep } from 'node:timers/promises';
import { isAcknowledged, unacknowledgedPages } from '../../domain/paging/acknowledgement.ts';
import type { ExternalIncident, VendorResponse } from '../../domain/messages/channels.ts';
import { isOurs, pageKey } from '../../domain/paging/pages.ts';
import type { PageOf } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Deadline } from '../shared/concurrency.ts';
import type { FollowDeps } from './follow-pages.ts';
import { isToldByUs } from './acknowledge-pages.ts';
import { seenAcknowledged } from './acknowledged.ts';
import { resolvePagerUser } from './agent.ts';
import { resolvedThere } from './resolved.ts';
import { pagerStates } from './together.ts';

export type SeenDeps = FollowDeps & Pick<Deps, 'config' | 'onCall' | 'incidentGroups' | 'pager'>;

/** How many of an incident's newest pages are checked. Each check is a call to the pager. */
const PAGES_MAX = 10;

/**
 * Returns whether one of the incident's unacknowledged pages was acknowledged or resolved at the pager without a
 * webhook, for example because none is set up. Records such an action as if a webhook had reported it. Returns false if
 * the pager cannot be asked, so that the escalation continues.
 *
 * @param asking the remaining time for calls to the pager
 */
export async function isSeenThere(deps: SeenDeps, incident: IncidentRecord, asking: Deadline): Promise<boolean> {
  const { id } = incident;
  for (const number of unacknowledgedPages(incident).slice(0, PAGES_MAX)) {
    const page = await deps.effects.get(id, pageKey(id, number));
    if (page === undefined || page.state !== 'succeeded' || !isOurs(page)) continue;
    const response = await inTime(asking, () => deps.externalPager.paged(pageKey(id, number)));
    if (response.kind === 'off') return false;
    if (response.kind !== 'done') {
      const { detail } = response;
      deps.log.warn('the state of a page at PagerDuty could not be read', { incident: id, number, detail });
      return false;
    }
    if (response.value !== null && (await takenOver(deps, incident, number, response.value))) return true;
  }
  return incident.group_reason !== undefined && (await areChildrenAcknowledged(deps, incident, asking));
}

/**
 * Checks the pages of child incidents, which may have paged before they joined. Acknowledging one counts for the
 * parent.
 */
async function areChildrenAcknowledged(deps: SeenDeps, { id }: IncidentRecord, asking: Deadline): Promise<boolean> {
  for (const { incident: part } of await deps.incidentGroups.children(id)) {
    if (part.status === 'resolved' || part.pages === 0 || !(await isSeenThere(deps, part, asking))) continue;
    await pagerStates(deps, part.id);
    const now = await deps.incidents.read(id);
    if (now === undefined || isAcknowledged(now)) return true;
  }
  return false;
}

/** Records an action found at the pager. Returns whether the incident counts as acknowledged by it. */
async function takenOver(
  deps: SeenDeps,
  incident: IncidentRecord,
  number: number,
  there: ExternalIncident,
): Promise<boolean> {
  const page = { incidentId: incident.id, number };
  const byNobody = there.acknowledged?.by == null;
  if (there.status === 'acknowledged' && byNobody && (await isToldByUs(deps, incident, number))) return false;
  if (there.status === 'acknowledged')
    return seenAcknowledged(deps, page, there, `page-${page.number}-seen-${there.acknowledged?.at ?? ''}`);
  if (there.status === 'resolved' && there.resolvedBy !== null) return resolved(deps, page, there.resolvedBy);
  return false; // still triggered, or resolved by the pager without a person
}

/**
 * Records that a page was resolved at the pager. If the incident continues, this does not count as an acknowledgement.
 */
async function resolved(
  deps: SeenDeps,
  page: PageOf,
  by: NonNullable<ExternalIncident['resolvedBy']>,
): Promise<boolean> {
  const { incidentId, number } = page;
  const key = `page-${number}-resolved-there`;
  const how = await resolvedThere(deps, page, { agent: await resolvePagerUser(deps, by), key, at: deps.clock.now() });
  if (how === 'over') return true;
  const now = await deps.incidents.read(incidentId);
  return now === undefined || isAcknowledged(now);
}

/** Gives up waiting after the deadline; the call itself continues in the background. */
async function inTime<T>(asking: Deadline, ask: () => Promise<VendorResponse<T>>): Promise<VendorResponse<T>> {
  const late: VendorResponse<never> = {
    kind: 'later',
    detail: 'no response within the time limit',
    afterSeconds: null,
  };
  if (asking.left === 0) return late;
  const over = new AbortController();
  try {
    return await Promise.race([ask(), sleep(asking.left, late, { signal: over.signal })]);
  } catch (error) {
    return { kind: 'later', detail: String(error), afterSeconds: null };
  } finally {
    over.abort();
  }
}

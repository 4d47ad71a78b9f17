import type { Agent } from '../../domain/paging/pagerduty/users.ts';
import type { PageReference } from '../../domain/paging/pagerduty/page-reference.ts';
import { openChildren, openChildrenWords } from '../../domain/incidents/children.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { wake } from '../../../workflows/wake.ts';
import { recordExternalEnd, type FollowDeps } from './follow-pages.ts';
import { entryTime, actionTimeText, withUnidentified } from './timeline-entry.ts';
import { followedBy } from './page-of-event.ts';

type ResolvedDeps = FollowDeps & Pick<Deps, 'config' | 'incidentGroups'>;

/**
 * Handles a page that a person resolved at PagerDuty, as `response.yaml` defines. Resolves the incident if its alerts
 * have ended or if `resolve: resolve` is set. Otherwise, adds a timeline entry: the incident continues, and resolving
 * the page does not count as an acknowledgement. If another tool pages, Firebreak pages again about alerts that still
 * fire.
 */
export async function recordPagerResolution(
  deps: ResolvedDeps,
  page: PageReference,
  { agent, key, at }: { agent: Agent; key: string; at: Timestamp },
): Promise<'over' | 'goes_on'> {
  const { incidentId: id } = page;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return 'over';
  const { resolve } = (await deps.config.current()).response.pagerduty;
  const openBecause = whyStillOpen(incident);
  if (resolve === 'resolve' || openBecause === undefined) return requestResolution(deps, incident, { agent, key });
  const external = await followedBy(deps, page);
  if (external !== undefined) {
    const newest = incident.pages === page.number;
    await recordExternalEnd(
      deps,
      id,
      { number: page.number, external, newest },
      `Resolved at PagerDuty by ${agent.shown}`,
    );
    return 'goes_on';
  }
  const now = deps.clock.now();
  const which = incident.pages > 1 ? ` (page ${page.number} of ${incident.pages})` : '';
  const what = `Resolved at PagerDuty${which} by ${agent.shown}${actionTimeText(at, now)}`;
  const timeline = {
    actor: agent.name,
    kind: 'page.dismissed',
    text: `${what}, but ${openBecause}; the incident stays open until it is resolved in Firebreak`,
    detail: { page: page.number },
    at: entryTime(at, now),
  };
  // One key, so that it is recorded once, by the webhook or by the sweeper.
  await deps.incidents.amend(
    id,
    (one) => ({
      ...withUnidentified(agent, one, { handling: { dismissed: { page: page.number, at } } }),
      timeline,
    }),
    `page-${page.number}-dismissed`,
  );
  return 'goes_on';
}

/** Returns why the incident cannot be resolved yet, or undefined if it can. */
function whyStillOpen({ firing, status, group_reason }: IncidentRecord): string | undefined {
  if (status === 'mitigating') return 'a mitigation is in progress';
  if (firing > 0)
    return group_reason === undefined
      ? `${firing} ${firing === 1 ? 'alert still fires' : 'alerts still fire'}`
      : `${firing} of its child incidents ${firing === 1 ? 'is' : 'are'} open`;
  return undefined;
}

async function requestResolution(
  deps: ResolvedDeps,
  { id }: IncidentRecord,
  { agent, key }: { agent: Agent; key: string },
): Promise<'over'> {
  const note = `Resolved at PagerDuty by ${agent.shown}`;
  const also = openChildrenWords(openChildren(await deps.incidentGroups.children(id)));
  const text = also === null ? note : `${note}; this also resolves ${also}`;
  const timeline = { actor: agent.name, kind: 'resolve.requested', text, detail: null };
  await deps.incidents.post(id, { kind: 'resolve', by: agent.name, note }, { timeline }, key);
  await wake(deps, id);
  return 'over';
}

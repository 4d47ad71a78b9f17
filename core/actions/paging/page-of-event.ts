import { pageKey } from '../../domain/paging/pages.ts';
import { type PageReference, pageOfKey, type PagerIncidents } from '../../domain/paging/pagerduty/page-reference.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import { incidentOf, type PagerDutyEvent } from '../../../schemas/messages/pagerduty.ts';

type PageDeps = Pick<Deps, 'incidents' | 'effects' | 'config'> & { pagerIncidents: PagerIncidents };

/**
 * Returns the pages that an event is about; none if it is not ours. Finds them by the deduplication key, and by the ID of
 * the PagerDuty incident: one that was seen before, into which pages were merged, or that Firebreak follows as an incident
 * of another tool.
 */
export async function pagesOfEvent(deps: PageDeps, event: PagerDutyEvent): Promise<PageReference[]> {
  const { id: external } = incidentOf(event);
  const key = 'incident_key' in event.data ? event.data.incident_key : undefined;
  const named = key ? pageOfKey(key) : undefined;
  // Another Firebreak may use the same PagerDuty account.
  const own = named !== undefined && (await deps.incidents.read(named.incidentId)) !== undefined ? named : undefined;
  if (own !== undefined) await deps.pagerIncidents.remember(external, own);
  const known = await deps.pagerIncidents.find(external);
  if (known.length > 0 || named !== undefined) return known;
  const followed = usesExternalPager(await deps.config.current()) ? await findFollowingPage(deps, external) : undefined;
  if (followed === undefined) return [];
  await deps.pagerIncidents.remember(external, followed);
  return [followed];
}

const usesExternalPager = ({ services, paging }: Config): boolean =>
  paging.mode === 'external' || Object.values(services).some((service) => service.paging === 'external');

/**
 * Searches the pages of all open incidents: one read per page. The result is remembered, so this happens once per
 * incident.
 */
async function findFollowingPage(
  { incidents, effects }: PageDeps,
  external: string,
): Promise<PageReference | undefined> {
  for (const { id, pages } of await incidents.open()) {
    for (let number = pages; number >= 1; number -= 1) {
      if ((await followedBy({ effects }, { incidentId: id, number }))?.id === external)
        return { incidentId: id, number };
    }
  }
  return undefined;
}

/** Returns the other tool's incident that Firebreak follows instead of paging, or undefined if Firebreak paged. */
export const followedBy = async (
  { effects }: Pick<Deps, 'effects'>,
  { incidentId, number }: PageReference,
): Promise<NonNullable<Effect['followed']> | undefined> =>
  (await effects.get(incidentId, pageKey(incidentId, number)))?.followed;

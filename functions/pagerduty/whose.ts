import { pageKey } from '../../domain/pages.ts';
import { type PageOf, pageOfKey } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import type { Effect } from '../../schemas/incident.ts';
import { incidentOf, type PagerDutyEvent } from '../../schemas/pagerduty.ts';

type WhoseDeps = Pick<Deps, 'incidents' | 'effects' | 'config' | 'pagerIncidents'>;

/**
 * The page of ours that an event is about: by the key under which it was opened; by its id, where one with the key was
 * heard of before; or because it is followed, being one of others. Undefined: it is no business of ours.
 */
export async function whose(deps: WhoseDeps, event: PagerDutyEvent): Promise<PageOf | undefined> {
  const { id: external } = incidentOf(event);
  const key = 'incident_key' in event.data ? event.data.incident_key : undefined;
  const page = key ? pageOfKey(key) : undefined;
  if (page !== undefined) {
    // Another Firebreak may page by the same account.
    if ((await deps.incidents.read(page.incidentId)) === undefined) return undefined;
    await deps.pagerIncidents.remember(external, page);
    return page;
  }
  const known = await deps.pagerIncidents.find(external);
  if (known !== undefined) return known;
  const followed = othersPage(await deps.config.current()) ? await followedAs(deps, external) : undefined;
  if (followed !== undefined) await deps.pagerIncidents.remember(external, followed);
  return followed;
}

const othersPage = ({ services, paging }: Config): boolean =>
  paging.mode === 'external' || Object.values(services).some((service) => service.paging === 'external');

/** It costs a read for each page of each open incident, once for each incident of others that is ours. */
async function followedAs({ incidents, effects }: WhoseDeps, external: string): Promise<PageOf | undefined> {
  for (const { id, pages } of await incidents.open()) {
    for (let number = pages; number >= 1; number -= 1) {
      if ((await followedBy({ effects }, { incidentId: id, number }))?.id === external)
        return { incidentId: id, number };
    }
  }
  return undefined;
}

/** The incident of others that a page of ours is. Undefined: we have paged. */
export const followedBy = async (
  { effects }: Pick<Deps, 'effects'>,
  { incidentId, number }: PageOf,
): Promise<NonNullable<Effect['followed']> | undefined> =>
  (await effects.get(incidentId, pageKey(incidentId, number)))?.followed;

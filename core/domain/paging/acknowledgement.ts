import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Handling, Attribution } from '../../../schemas/people/response-roles.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

type Paged = Pick<IncidentRecord, 'handling' | 'pages'>;

/** Returns the number of the last acknowledged page. An acknowledgement before the first page is valid as well. */
const lastAcknowledgedPage = ({ handling, pages }: Paged): number | undefined =>
  handling?.acknowledged === undefined ? undefined : (handling.acknowledged.page ?? pages);

/** Returns whether the incident was acknowledged since its newest page: each new page needs a new acknowledgement. */
export function isAcknowledged(incident: Paged): boolean {
  const page = lastAcknowledgedPage(incident);
  return page !== undefined && page >= incident.pages;
}

/** Returns the unacknowledged pages, newest first. */
export function unacknowledgedPages(incident: Paged): number[] {
  const from = lastAcknowledgedPage(incident) ?? 0;
  return Array.from({ length: Math.max(incident.pages - from, 0) }, (_, index) => incident.pages - index);
}

/**
 * An acknowledgement. `page`: the newest page that it covers; absent: all so far. `atPager`: the page that was
 * acknowledged at the pager.
 */
type Acknowledgement = Attribution & { page?: number; atPager?: number };

/** Records an acknowledgement. The first one counts until the next page. */
export function withAcknowledgement(
  incident: Paged,
  { by, at, page = incident.pages, atPager }: Acknowledgement,
): { handling?: Handling } {
  const { acknowledged: before, unacknowledged: withdrawal } = incident.handling ?? {};
  const upTo = withdrawal !== undefined && at < withdrawal.at ? Math.min(page, withdrawal.page - 1) : page;
  if (upTo < Math.min(page, 1)) return {}; // withdrawn in the meantime
  if (before === undefined || (before.page ?? incident.pages) < upTo)
    return {
      handling: { acknowledged: { by, at, page: upTo, ...(atPager !== undefined && { pager_page: atPager }) } },
    };
  const newest = before.last_at_pager ?? before;
  return atPager !== undefined && newest.at < at
    ? { handling: { acknowledged: { ...before, last_at_pager: { by, at } } } }
    : {};
}

/** Records that a page is no longer acknowledged, unless it was acknowledged again in the meantime. */
export function withoutAcknowledgement({ handling = {} }: Paged, page: number, at: Timestamp): { handling: Handling } {
  const { acknowledged, unacknowledged: before } = handling;
  const withdrawal = before !== undefined && before.at > at ? before : { page, at };
  if (acknowledged === undefined || acknowledged.at > at || (acknowledged.page ?? page) < page)
    return { handling: { unacknowledged: withdrawal } };
  const { last_at_pager: laterAtPager, ...first } = acknowledged;
  if (laterAtPager !== undefined && laterAtPager.at > at)
    return { handling: { unacknowledged: withdrawal, acknowledged: { ...first, ...laterAtPager } } };
  return { handling: { unacknowledged: withdrawal, acknowledged: { ...first, page: page - 1 } } };
}

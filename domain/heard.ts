import type { IncidentRecord } from '../schemas/incident.ts';
import type { Care } from '../schemas/response-roles.ts';
import type { Timestamp } from '../schemas/time.ts';

type Ringing = Pick<IncidentRecord, 'care' | 'pages'>;

/** Up to which page they have been heard; before there was any, that somebody sees to it is none the less so. */
const heardUpTo = ({ care, pages }: Ringing): number | undefined =>
  care?.acknowledged === undefined ? undefined : (care.acknowledged.page ?? pages);

/** Whether somebody sees to it since its newest page: what rings anew has to be heard anew. */
export function isHeard(incident: Ringing): boolean {
  const page = heardUpTo(incident);
  return page !== undefined && page >= incident.pages;
}

/**
 * That somebody sees to it. Whoever says so first stands, until it rings again.
 *
 * @param page the one that they have heard; absent: all so far
 */
export function heard(incident: Ringing, by: string, at: Timestamp, page = incident.pages): { care?: Care } {
  const before = heardUpTo(incident);
  return before !== undefined && before >= page ? {} : { care: { acknowledged: { by, at, page } } };
}

/** That nobody sees to this page any more. */
export function unheard({ care }: Ringing, page: number): { care?: Care } {
  const said = care?.acknowledged;
  return said === undefined || (said.page ?? page) < page
    ? {}
    : { care: { acknowledged: { ...said, page: page - 1 } } };
}

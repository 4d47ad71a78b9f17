import type { IncidentRecord } from '../schemas/incident.ts';
import type { Care, Said } from '../schemas/response-roles.ts';
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

/** The pages that nobody has heard yet, the newest first. */
export function unheardPages(incident: Ringing): number[] {
  const from = heardUpTo(incident) ?? 0;
  return Array.from({ length: Math.max(incident.pages - from, 0) }, (_, n) => incident.pages - n);
}

/** `page`: the newest that they have heard; absent: all so far. `there`: the one about which they said it at the pager. */
type Heard = Said & { page?: number; there?: number };

/** That somebody sees to it. Whoever says so first stands, until it rings again. */
export function heard(incident: Ringing, { by, at, page = incident.pages, there }: Heard): { care?: Care } {
  const { acknowledged: before, rings } = incident.care ?? {};
  const upTo = rings !== undefined && at < rings.at ? Math.min(page, rings.page - 1) : page;
  if (upTo < Math.min(page, 1)) return {}; // taken back since
  if (before === undefined || (before.page ?? incident.pages) < upTo)
    return { care: { acknowledged: { by, at, page: upTo, ...(there !== undefined && { there }) } } };
  const newest = before.again ?? before;
  return there !== undefined && newest.at < at ? { care: { acknowledged: { ...before, again: { by, at } } } } : {};
}

/** That nobody sees to this page any more, unless somebody has said so again since. */
export function unheard({ care = {} }: Ringing, page: number, at: Timestamp): { care: Care } {
  const { acknowledged: said, rings: before } = care;
  const rings = before !== undefined && before.at > at ? before : { page, at };
  if (said === undefined || said.at > at || (said.page ?? page) < page) return { care: { rings } };
  const { again, ...first } = said;
  if (again !== undefined && again.at > at) return { care: { rings, acknowledged: { ...first, ...again } } };
  return { care: { rings, acknowledged: { ...first, page: page - 1 } } };
}

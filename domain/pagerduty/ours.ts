import { IncidentId } from '../../schemas/names.ts';

/** One of our pages: the incident that it was for, and its number. */
export type PageOf = { incidentId: IncidentId; number: number };

/** As `pageKey` makes it. */
const PAGE_KEY = /^([0-9A-HJKMNP-TV-Z]{26})\.page\.([1-9]\d{0,5})$/;

/** The page that has this key at the pager; undefined: it was paged by somebody else. */
export function pageOfKey(key: string): PageOf | undefined {
  const [, id, number] = PAGE_KEY.exec(key) ?? [];
  const parsed = IncidentId.safeParse(id);
  return parsed.success && number !== undefined ? { incidentId: parsed.data, number: Number(number) } : undefined;
}

/** Which incidents of the pager are about which pages of ours. */
export type PagerIncidents = {
  /** What is known stays: again is success. @param external the id that the pager has given it */
  remember(external: string, page: PageOf): Promise<void>;
  /** Strongly consistent. */
  find(external: string): Promise<PageOf | undefined>;
};

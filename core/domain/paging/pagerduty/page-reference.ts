import { IncidentId } from '../../../../schemas/config/names.ts';

/** A page sent by Firebreak: its incident and its number within the incident. */
export type PageReference = { incidentId: IncidentId; number: number };

/** Format of the keys that `pageKey` creates. */
const PAGE_KEY = /^([0-9A-HJKMNP-TV-Z]{26})\.page\.([1-9]\d{0,5})$/;

/** Parses the deduplication key of a page; undefined: the page was not sent by Firebreak. */
export function pageOfKey(key: string): PageReference | undefined {
  const [, id, number] = PAGE_KEY.exec(key) ?? [];
  const parsed = IncidentId.safeParse(id);
  return parsed.success && number !== undefined ? { incidentId: parsed.data, number: Number(number) } : undefined;
}

/** Mapping of PagerDuty incidents to pages sent by Firebreak. Pages that were merged into one incident have one. */
export type PagerIncidents = {
  /** Stores a mapping; idempotent. @param external the ID of the incident in PagerDuty */
  remember(external: string, page: PageReference): Promise<void>;
  /** Reads strongly consistently. */
  find(external: string): Promise<PageReference[]>;
};

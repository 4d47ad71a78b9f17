import { reportKind } from '../../core/domain/ports/reports.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { PostmortemRecord } from './schemas/postmortem.ts';

/** A resolved incident with its post-mortem. Null: none is stored. */
export type Row = { incident: IncidentRecord; record: PostmortemRecord | null };

/** `from`: where the page begins. Null: at the newest incident. */
export type ListQuery = {
  /** Only those that are not published yet. */
  isDue: boolean;
  from: string | null;
};

export type ListedPostmortems = {
  rows: readonly Row[];
  /** Where older ones begin. Null: there are none. */
  older: string | null;
};

/** A page of post-mortems, newest incidents first. */
export const POSTMORTEMS = reportKind<ListQuery, ListedPostmortems>('postmortems.list', 'live');

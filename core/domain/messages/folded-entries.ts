import { clockText } from '../../../schemas/time/time.ts';
import type { TimelineEntry } from '../../../schemas/incidents/incident.ts';
import { counted } from '../reports/words.ts';

/** Entries about pages that nobody has to read one by one: what people are to know of them is said by other entries. */
const ABOUT_PAGES = /^page-(?:update|resolve)\.succeeded$/;

/** Folds the entries that only record updates and ends of pages into the newest one. The record of the incident keeps all. */
export function withFoldedPages<E extends Pick<TimelineEntry, 'at' | 'kind' | 'text'>>(entries: readonly E[]): E[] {
  const folded = entries.filter(({ kind }) => ABOUT_PAGES.test(kind)).toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const [oldest, newest] = [folded[0], folded.at(-1)];
  if (oldest === undefined || newest === undefined || oldest === newest) return [...entries];
  const earlier = `${counted(folded.length - 1, 'earlier update')} of pages since ${clockText(oldest.at)}`;
  return entries
    .filter((entry) => entry === newest || !folded.includes(entry))
    .map((entry) => (entry === newest ? { ...entry, text: `${entry.text}; ${earlier}` } : entry));
}

import type { Change } from '../../schemas/change.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time.ts';
import type { Told } from '../outlets.ts';

/** A change of production, told to whoever answers pages. */
export type ChangeEvent = {
  summary: string;
  at: Timestamp;
  links: { href: string; text: string }[];
  details: Record<string, string>;
};

export type ChangeEvents = {
  /** One attempt. The pager knows no keys of these: again is a second one, which harms nobody. */
  send(event: ChangeEvent): Promise<Told<null>>;
};

/** Whoever answers a page asks what has changed just now; what was recorded later than this is history. */
const NEWS_SECONDS = 3600;

const KINDS: Partial<Record<Change['kind'], string>> = { deploy: 'Deploy', rollback: 'Rollback', hotfix: 'Hotfix' };
const WEB = /^https?:\/\//;

/** What of a change is told once for each status that it comes to. Undefined: it is no news any more. */
export function changeEvent(change: Change, now: Timestamp): ChangeEvent | undefined {
  const { id, kind, service, environment, version, status, commit, author, url, made_for, previous_version } = change;
  const at = status === 'started' ? change.started_at : (change.finished_at ?? change.started_at);
  if (secondsBetween(at, now) > NEWS_SECONDS) return undefined;
  const details = { service, environment, version, status, kind, previous_version, commit, author, incident: made_for };
  return {
    summary: `${KINDS[kind] ?? kind}: ${service} ${environment} ${version}${status === 'succeeded' ? '' : ` ${status}`}`,
    at,
    links: url !== null && WEB.test(url) ? [{ href: url, text: 'Where it was made' }] : [],
    details: Object.fromEntries(
      Object.entries({ ...details, change: id }).filter((entry): entry is [string, never] => entry[1] !== null),
    ),
  };
}

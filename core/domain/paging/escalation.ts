import type { Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Escalation } from '../../../schemas/incidents/response.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { isAcknowledged } from './acknowledgement.ts';

/** Timeline kind of an escalation. */
export const ESCALATED = 'page.escalated';

/**
 * Returns whether an incident may need an escalation. A cheap check, so that further queries are limited to these
 * incidents.
 */
export const isUnacknowledged = (incident: IncidentRecord): boolean =>
  incident.pages > 0 &&
  !isAcknowledged(incident) &&
  isOngoing(incident) &&
  incident.parent_id === undefined && // the parent pages
  (incident.status === 'open' || incident.status === 'mitigating'); // an apparently effective mitigation needs no further escalation

/**
 * Returns whether the incident continues. An incident opened by alerts is over once none fires; it only waits to see
 * whether that lasts.
 */
const isOngoing = ({ firing, by_hand, by_event }: IncidentRecord): boolean =>
  firing > 0 || by_hand === true || by_event === true;

/** Seconds until a page that was refused is escalated for the first time: no one can acknowledge it. */
const REFUSED_AFTER_SECONDS = 60;

/**
 * `number`: among all escalations of this incident. `nth`: among those since the last acknowledgement. `isTaken`: a pager has
 * accepted the page.
 */
export type DueEscalation = { number: number; nth: number; isTaken: boolean };

/** The newest page, and what has happened since. */
type PageCourse = {
  page: Effect | undefined;
  /** The same page at the fallback pager. */
  fallback: Effect | undefined;
  /** Times of the incident's previous escalations. */
  before: readonly Timestamp[];
  /** Time of the last acknowledgement before a new page, which restarts the count. */
  acknowledgedAt: Timestamp | undefined;
  /** Time at which the pager resumed notifications for a page that is no longer acknowledged. */
  renotifiedAt: Timestamp | undefined;
};

/** Returns the course of the newest page. */
export const courseOf = (
  { escalated = [], handling }: Pick<IncidentRecord, 'escalated' | 'handling'>,
  page: Effect | undefined,
  fallback: Effect | undefined,
): PageCourse => ({
  page,
  fallback,
  before: escalated,
  acknowledgedAt: handling?.acknowledged?.at,
  renotifiedAt: handling?.unacknowledged?.at,
});

/**
 * Returns the next escalation, and when it is due; null: none. The time counts from the first attempt at the page, whether a pager
 * accepts it or not. `waits`: not before the page is accepted or refused. One that is still being sent is not sent again by the same
 * pager, because both would arrive. Pages by others are escalated by them.
 *
 * @param timeScale factor by which the wait is shortened
 */
export function nextEscalation(
  { afterMinutes, how, times }: Escalation,
  { page, fallback, before, acknowledgedAt, renotifiedAt }: PageCourse,
  timeScale: number,
): (DueEscalation & { at: Timestamp; waits: boolean }) | null {
  if (page === undefined || page.followed !== undefined) return null;
  // An escalation that created no new page was sent by the fallback pager.
  const isTaken =
    page.state === 'succeeded' ||
    fallback?.state === 'succeeded' ||
    before.some((escalatedAt) => escalatedAt > page.at);
  if (page.state === 'withheld' && !isTaken) return null;
  const nth = before.filter((at) => acknowledgedAt === undefined || at > acknowledgedAt).length + 1;
  if (nth > times) return null;
  const since =
    [page.at, ...before, ...(renotifiedAt === undefined ? [] : [renotifiedAt])].toSorted().at(-1) ?? page.at;
  const isRefused = page.state === 'failed' && !isTaken;
  const seconds = isRefused && nth === 1 ? REFUSED_AFTER_SECONDS : afterMinutes * 60;
  const waits = page.state === 'intended' && !isTaken && how === 'page-again';
  return { number: before.length + 1, nth, isTaken, at: plusSeconds(since, seconds / timeScale), waits };
}

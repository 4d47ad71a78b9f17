import type { Effect, IncidentRecord } from '../schemas/incident.ts';
import type { Escalation } from '../schemas/response.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import { isHeard } from './heard.ts';
import { isOurs } from './pages.ts';

/** By this the timeline tells of an escalation. */
export const ESCALATED = 'page.escalated';

/** Whether somebody may have to be called again at all; what it costs to find out more is not spent on others. */
export const isUnheard = (incident: IncidentRecord): boolean =>
  incident.pages > 0 &&
  !isHeard(incident) &&
  goesOn(incident) &&
  incident.parent_id === undefined && // what is a part of something is paged by that
  (incident.status === 'open' || incident.status === 'mitigating'); // a mitigation that is seen to help wakes nobody else

/** What alerts have opened is over once none fires, and only waits for whether that lasts. */
const goesOn = ({ firing, by_hand, by_event }: IncidentRecord): boolean =>
  firing > 0 || by_hand === true || by_event === true;

/** `number`: of all of this incident. `nth`: of those since somebody has last seen to it. */
export type DueEscalation = { number: number; nth: number };

/**
 * The escalation that is due now; null: none is. A page counts from when the pager has taken it; what
 * others have paged is escalated by them.
 *
 * @param page the newest one
 * @param before when somebody was called again so far, of this incident
 * @param heardAt when somebody has seen to it before it rang anew, which begins the count anew
 * @param ringsAt when the pager has begun to call by itself again, for a page that is not acknowledged any more
 * @param timeScale how much faster than the clock the wait goes
 */
export function escalationDue(
  { afterMinutes, times }: Escalation,
  page: Effect | undefined,
  before: readonly Timestamp[],
  {
    now,
    timeScale,
    heardAt,
    ringsAt,
  }: { now: Timestamp; timeScale: number; heardAt: Timestamp | undefined; ringsAt: Timestamp | undefined },
): DueEscalation | null {
  if (page === undefined || page.state !== 'succeeded' || !isOurs(page)) return null;
  const nth = before.filter((at) => heardAt === undefined || at > heardAt).length + 1;
  if (nth > times) return null;
  const since = [page.at, ...before, ...(ringsAt === undefined ? [] : [ringsAt])].toSorted().at(-1) ?? page.at;
  return plusSeconds(since, (afterMinutes * 60) / timeScale) <= now ? { number: before.length + 1, nth } : null;
}

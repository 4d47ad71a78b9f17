import type { Agent } from '../../domain/paging/pagerduty/users.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Handling } from '../../../schemas/people/response-roles.ts';
import { minuteText, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';

/**
 * The maximum age of a new timeline entry, in seconds. The chat announces slightly late entries, but never older ones.
 */
const LATE_SECONDS_MAX = 60;

/**
 * Returns the time of a timeline entry about an action at the pager: the time of the action, unless it is too long ago.
 */
export const entryTime = (done: Timestamp, now: Timestamp): Timestamp => {
  if (done > now) return now;
  return isLate(done, now) ? plusSeconds(now, -LATE_SECONDS_MAX) : done;
};

/** Returns the action's time for the entry's text, if it differs from the entry's time. */
export const actionTimeText = (done: Timestamp, now: Timestamp): string =>
  isLate(done, now) ? ` (at ${minuteText(done)})` : '';

const isLate = (done: Timestamp, now: Timestamp): boolean => secondsBetween(done, now) > LATE_SECONDS_MAX;

/** Returns a change of `handling` that also marks the person as unidentified, if PagerDuty could not be asked who they are. */
export function withUnidentified(
  agent: Agent | null,
  { handling: before }: Pick<IncidentRecord, 'handling'>,
  { handling }: { handling?: Handling } = {},
): { handling?: Handling } {
  if (agent?.isUnidentified !== true) return handling === undefined ? {} : { handling };
  return { handling: { ...handling, unidentified: [...new Set([...(before?.unidentified ?? []), agent.name])] } };
}

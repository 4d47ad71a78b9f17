import type { Agent } from '../../domain/pagerduty/agents.ts';
import { minuteOf } from '../../domain/story.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Care } from '../../schemas/response-roles.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time.ts';

/** Seconds. The chat tells what comes onto the timeline a little late; what is older it would never tell. */
const LATE_MAX = 60;

/** The time of the entry about what was done at the pager: when that was, unless that is long ago by now. */
export const entryAt = (done: Timestamp, now: Timestamp): Timestamp => {
  if (done > now) return now;
  return isLate(done, now) ? plusSeconds(now, -LATE_MAX) : done;
};

/** What the text has to say of the time where the entry's is not that of what was done. */
export const when = (done: Timestamp, now: Timestamp): string => (isLate(done, now) ? ` (at ${minuteOf(done)})` : '');

const isLate = (done: Timestamp, now: Timestamp): boolean => secondsBetween(done, now) > LATE_MAX;

/** A change of what people say, and that nobody could be asked who this one is. */
export function withUnsure(
  agent: Agent | null,
  { care: before }: Pick<IncidentRecord, 'care'>,
  { care }: { care?: Care } = {},
): { care?: Care } {
  if (agent?.unsure !== true) return care === undefined ? {} : { care };
  return { care: { ...care, unsure: [...new Set([...(before?.unsure ?? []), agent.name])] } };
}

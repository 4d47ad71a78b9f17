import { LAST_SEEN_AFTER_SECONDS } from '../../core/domain/alerts/admission.ts';
import { courseOf, isUnacknowledged, nextEscalation } from '../../core/domain/paging/escalation.ts';
import { fallbackPageKey, pageKey } from '../../core/domain/paging/pages.ts';
import { nextReminderAt, reminderFor } from '../../core/domain/paging/reminders.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Escalation } from '../../schemas/incidents/response.ts';
import { recheckHealth, nextRecheckAt } from './watch-health.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';

/** Use cases that the workflow calls at a deadline. */
export type IncidentActions = {
  /** Escalates the incident's page if it is due. */
  escalate(id: IncidentId): Promise<unknown>;
};

/** Seconds of the workflow's time until the next deadline, and until it if a page is sent now. Absent: there is none. */
export type Deadlines = { seconds?: number; secondsIfPaged?: number };

type DeadlineDeps = Pick<Deps, 'incidents' | 'effects' | 'config' | 'clock' | 'log' | 'timeScale'>;

/** Seconds until a deadline that has passed. */
export const DUE_SECONDS = 1;

/** Seconds until something is tried again that is still due after it was tried, as when a pager is down. */
const AGAIN_SECONDS = 60;

/**
 * Does what is due for an incident: escalates its page, reminds people, and looks at health. An error is logged, and it is tried again:
 * nothing else may wait for it.
 */
export async function doWhatIsDue(deps: Deps, id: IncidentId, { escalate }: IncidentActions): Promise<void> {
  for (const [what, work] of [
    ['escalate', () => escalate(id)],
    ['remind', () => remind(deps, id)],
    ['age alerts', () => ageAlerts(deps, id)],
    ['look at health', () => recheckHealth(deps, id)],
  ] as const)
    try {
      await work();
    } catch (error) {
      deps.log.error('what is due for an incident failed', { incident: id, what, error: String(error) });
    }
}

/**
 * Counts alerts as last seen that were not repeated for a day, so that an end that got lost keeps no incident open, and lets it
 * swallow no later outage.
 */
async function ageAlerts({ incidents, clock, timeScale }: DeadlineDeps, id: IncidentId): Promise<void> {
  const before = plusSeconds(clock.now(), -LAST_SEEN_AFTER_SECONDS / timeScale);
  const incident = await incidents.read(id);
  if (incident === undefined || incident.firing <= 0 || incident.group_reason !== undefined) return;
  if (incident.opened_at < before) await incidents.ageEpisodes(id, before);
}

/** Reminds people of an open task. An entry of the timeline, which the Slack projector posts to the incident's channel. */
export async function remind(deps: Omit<DeadlineDeps, 'effects' | 'log'>, id: IncidentId): Promise<boolean> {
  const policy = reminderPolicy(await deps.config.current(), deps.timeScale);
  const amended = await deps.incidents.amend(id, (incident) => {
    const due = reminderFor(incident, policy, deps.clock.now());
    if (due === undefined) return undefined;
    const { kind, text, mention, to, remedies } = due;
    return {
      handling: { reminded: due.reminded },
      timeline: {
        actor: 'firebreak',
        kind: `reminder.${kind}`,
        text,
        detail: { mention, incident: id, remedies, ...(to !== null && { to: to.name }) },
      },
    };
  });
  return amended === 'done';
}

const reminderPolicy = ({ response, people }: Config, timeScale: number) => ({
  triage: response.triage,
  people: Object.keys(people.people).length,
  timeScale,
});

/** @param tried what was due has just been done */
async function deadlinesOf(deps: DeadlineDeps, incident: IncidentRecord, tried: boolean): Promise<Deadlines> {
  const config = await deps.config.current();
  const now = deps.clock.now();
  const { escalation } = config.response;
  const paged = { ...incident, pages: incident.pages + 1 };
  const reminderAt = (of: IncidentRecord): Timestamp | undefined =>
    nextReminderAt(of, reminderPolicy(config, deps.timeScale));
  const soonest = tried ? AGAIN_SECONDS : DUE_SECONDS;
  const seconds = (times: readonly (Timestamp | undefined)[]): number | undefined => {
    const [at] = times.filter((time) => time !== undefined).toSorted();
    if (at === undefined) return undefined;
    const left = Math.ceil(secondsBetween(now, at) * deps.timeScale);
    return left > 0 ? left : soonest;
  };
  const lookAt = nextRecheckAt(incident, config, { now, timeScale: deps.timeScale });
  const next = seconds([reminderAt(incident), escalation && (await escalationAt(deps, escalation, incident)), lookAt]);
  const nextIfPaged = seconds([reminderAt(paged), escalation && sentNow(deps, escalation), lookAt]);
  return {
    ...(next !== undefined && { seconds: next }),
    ...(nextIfPaged !== undefined && { secondsIfPaged: nextIfPaged }),
  };
}

/**
 * Reads the deadlines of an incident. After an error, they are read again soon: nothing else may wait for them.
 *
 * @param more.tried what was due has just been done
 * @param more.known the incident if it was just read
 */
export async function readDeadlines(
  deps: DeadlineDeps,
  id: IncidentId,
  { tried = false, known }: { tried?: boolean; known?: IncidentRecord } = {},
): Promise<Deadlines> {
  try {
    const incident = known ?? (await deps.incidents.read(id));
    return incident === undefined ? {} : await deadlinesOf(deps, incident, tried);
  } catch (error) {
    deps.log.error('the deadlines of an incident could not be read', { incident: id, error: String(error) });
    return { seconds: AGAIN_SECONDS, secondsIfPaged: AGAIN_SECONDS };
  }
}

/** Returns when the page is escalated. Undefined: it is not. */
async function escalationAt(
  deps: DeadlineDeps,
  escalation: Escalation,
  incident: IncidentRecord,
): Promise<Timestamp | undefined> {
  if (!isUnacknowledged(incident)) return undefined;
  const course = await pageCourse(deps, incident);
  if (course.page === undefined) return sentNow(deps, escalation);
  const due = nextEscalation(escalation, course, deps.timeScale);
  const now = deps.clock.now();
  // Once the page is accepted, an escalation that is overdue comes at once.
  return due?.waits && due.at <= now ? plusSeconds(now, AGAIN_SECONDS / deps.timeScale) : due?.at;
}

/** Reads the course of the newest page. */
export async function pageCourse(
  { effects }: Pick<Deps, 'effects'>,
  incident: IncidentRecord,
): Promise<ReturnType<typeof courseOf>> {
  const { id, pages } = incident;
  const keys = [pageKey(id, pages), fallbackPageKey(id, pages)];
  const [page, fallback] = await Promise.all(keys.map((key) => effects.get(id, key)));
  return courseOf(incident, page, fallback);
}

/** Returns when a page is escalated that is sent now. */
const sentNow = ({ clock, timeScale }: DeadlineDeps, { afterMinutes }: Escalation): Timestamp =>
  plusSeconds(clock.now(), (afterMinutes * 60) / timeScale);

import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { isAtLeast, type Severity } from '../../../schemas/config/names.ts';
import type { Stakeholder } from '../stakeholder.ts';
import { wasSetBack } from '../../../core/domain/time/set-back.ts';
import { millisOf, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { isRetriedLater, type LastNotification } from '../../../core/domain/messages/notifications.ts';

/** Returns the state whose changes are sent immediately. */
export const notifiedStateOf = ({ status, severity, handling }: IncidentRecord): string =>
  JSON.stringify([status, severity, handling?.stakeholder_update?.at ?? null]);

type DueContext = {
  services: Config['services'];
  now: Timestamp;
  /** Factor by which Firebreak's own pauses are shortened. */
  timeScale: number;
  /** For a parent incident: its children. */
  children?: readonly Pick<IncidentRecord, 'service'>[];
  /**
   * For a child incident: the stakeholder was notified about its parent, which replaces notifications about the child.
   */
  notifiedOfParent?: boolean;
};

/**
 * Returns whether a notification is due. A stakeholder who was never notified about an incident does not receive its
 * resolution.
 */
export function isDue(
  incident: IncidentRecord,
  stakeholder: Stakeholder,
  before: LastNotification | undefined,
  { services, now, timeScale, children: childIncidents = [], notifiedOfParent = false }: DueContext,
): boolean {
  // The parent's notifications replace those of the child; a stakeholder who was not notified about the parent in time
  // at least receives the child's resolution.
  if (incident.parent_id !== undefined && (incident.status !== 'resolved' || notifiedOfParent)) return false;
  if (before !== undefined && isRetriedLater(before, now)) return false;
  const isNews = before?.about !== notifiedStateOf(incident);
  if (before === undefined || !before.notified)
    return (
      isNews &&
      incident.status !== 'resolved' &&
      concernsStakeholder([incident, ...childIncidents], incident.severity, stakeholder, services)
    );
  if (isNews) return true;
  if (incident.status === 'resolved' || stakeholder.everyMinutes === 'changes' || before.refused) return false;
  const isAhead = wasSetBack(millisOf(before.at), millisOf(now));
  return isAhead || secondsBetween(before.at, now) >= (stakeholder.everyMinutes * 60) / timeScale;
}

/** Records a notification before it is sent, so that a crash cannot cause repeated sending. */
export const notificationState = (incident: IncidentRecord, now: Timestamp): LastNotification => ({
  about: notifiedStateOf(incident),
  at: now,
  notified: true,
});

/** Records that the notification can never be sent, because the recipient does not exist. */
export const neverNotified = (now: LastNotification, before: LastNotification | undefined): LastNotification => ({
  ...now,
  notified: before?.notified ?? false,
  refused: true,
});

/**
 * Returns when the next notification is due at the latest: at the time that a responder has named, or after the interval.
 * Null: neither, or the incident is over.
 */
export function nextNotification(
  { status, handling }: Pick<IncidentRecord, 'status' | 'handling'>,
  { everyMinutes }: Pick<Stakeholder, 'everyMinutes'>,
  { now, timeScale }: Pick<DueContext, 'now' | 'timeScale'>,
): Timestamp | null {
  if (status === 'resolved') return null;
  const named = handling?.stakeholder_update?.next_at;
  if (named !== undefined && named > now) return named;
  return everyMinutes === 'changes' ? null : plusSeconds(now, (everyMinutes * 60) / timeScale);
}

/** Returns whether a stakeholder wants updates about an incident of these services. */
const concernsStakeholder = (
  places: readonly Pick<IncidentRecord, 'service'>[],
  severity: Severity,
  { from, services: only, teams }: Pick<Stakeholder, 'from' | 'services' | 'teams'>,
  services: Config['services'],
): boolean =>
  isAtLeast(from, severity) &&
  places.some(({ service }) => {
    const team = Object.hasOwn(services, service) ? services[service]?.team : undefined;
    const isOfTeam = teams === undefined || (team !== undefined && teams.includes(team));
    return isOfTeam && only?.includes(service) !== false;
  });

import { isFrom, type Severity } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import { isBurnWarning } from '../incidents/burn-warning.ts';
import { looksBackBefore } from '../changes/evidence-window.ts';
import type { Destinations, Mute } from './routing.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';

/** A signal with its route, and the mute that applies. */
export type Arrival = { signal: Signal; delivery: Destinations; mute: Mute | null };

/**
 * Returns the sender's own key for an alert. Senders choose it freely, so it is unique only within a service and
 * environment.
 */
export const senderKeyOf = ({ source, fingerprint }: Pick<Signal, 'source' | 'fingerprint'>): string =>
  `${source}:${fingerprint}`;

/**
 * Returns the key of an alert. An alert has one episode at a time: only the newest one is stored.
 *
 * The key includes the service and environment, so that an alert can't hide one of another service that has, by
 * accident or on purpose, the same fingerprint. An unmatched alert counts as the service that it names.
 */
export const alertOf = (
  signal: Pick<Signal, 'source' | 'fingerprint' | 'service' | 'environment' | 'unmatched'>,
): string =>
  [senderKeyOf(signal), signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

/** Stored state of an alert: its newest episode. */
export type KnownEpisode = {
  status: 'firing' | 'resolved';
  requestsRollback: boolean;
  startsAt: Timestamp;
  endsAt: Timestamp | null;
  /** The sender did not report the end; Firebreak assumed it because the alert could no longer be found. */
  assumed: boolean;
  incidentId: string | null;
  /** Highest severity in the episode. Null: stored before severities were recorded. */
  severity: Severity | null;
  /** The alert was muted when it was received, and therefore opened no incident. */
  muted: boolean;
};

/** When the incident of the stored episode was closed. `verified`: by a passed verification. Null: not closed. */
export type Closed = { resolvedAt: Timestamp; verified?: boolean } | null;

/** Returns when and how an incident was closed. */
export const closeOf = ({
  resolved_at: resolvedAt,
  resolved_by: by,
  verification,
}: Pick<IncidentRecord, 'resolved_at' | 'resolved_by' | 'verification'>): Closed =>
  resolvedAt === null ? null : { resolvedAt, verified: by === null && verification === 'passed' };

/**
 * What a signal adds to the stored state.
 *
 * - `opens`: a new episode; the previous one is over, whether or not its end was reported
 * - `resolves`: the end of the episode
 * - `requests_rollback`: a known episode that now requests a rollback
 * - `raised`: a known episode that is now more severe than ever before
 * - `returns`: its incident was closed while it kept firing, its end had been assumed wrongly, or its mute has ended
 * - `ended`: the end of an alert that was never seen firing
 * - `nothing`: a repeated or late notification
 */
export type Novelty = 'opens' | 'resolves' | 'requests_rollback' | 'raised' | 'returns' | 'ended' | 'nothing';

/**
 * Seconds after a person closes an incident during which a notification does not reopen it, because it may already have
 * been in transit.
 */
export const RETURN_AFTER_SECONDS = 300;

export function noveltyOf(
  signal: Signal,
  known: KnownEpisode | undefined,
  closed: Closed,
  receivedAt: Timestamp,
  mute: Mute | null = null,
): Novelty {
  if (known === undefined) return signal.status === 'firing' ? 'opens' : 'ended';
  if (signal.status === 'resolved') return endedBy(signal, known, receivedAt);
  // The alert ended and started again between two notifications, and only the start was reported.
  const again = signal.startsAt > known.startsAt;
  if (again && signal.episodic && (known.status === 'firing' || known.assumed)) return 'opens';
  // A higher severity than any before can't be a late or repeated notification.
  const raised = known.severity !== null && isHigher(signal.severity, known.severity);
  const late = !raised && closed !== null && secondsBetween(closed.resolvedAt, receivedAt) <= RETURN_AFTER_SECONDS;
  if (known.status === 'resolved' && known.assumed) return late ? 'nothing' : 'returns';
  if (known.status === 'resolved') {
    // An episode that began before the known end was over with it.
    const anew = again || !signal.episodic;
    return raised || (anew && signal.startsAt > (known.endsAt ?? known.startsAt)) ? 'opens' : 'nothing';
  }
  // At the close, people were informed that the warning continues and keeps no incident open.
  if (closed?.verified === true && !raised && isBurnWarning(signal)) return 'nothing';
  if (closed !== null && !late) return 'returns';
  if (known.muted && mute === null) return 'returns';
  // While muted, a request or a higher severity has no effect until the mute ends. The stored state stays as it is
  // until then.
  const isUnmuted = mute === null || known.incidentId === null;
  if (isUnmuted && raised) return 'raised';
  return isUnmuted && signal.requestsRollback && !known.requestsRollback ? 'requests_rollback' : 'nothing';
}

/**
 * Decides what an end ends. An end means that the alert does not fire at that time: it ends any episode that had begun
 * by then, even if it belongs to another one. A sender that reports only some changes does not report the ends and
 * starts in between.
 */
function endedBy(signal: Signal, known: KnownEpisode, receivedAt: Timestamp): Novelty {
  // The episode of an event is over immediately; its signal is ended by this notification.
  const goesOn = known.status === 'firing' || (isEvent(signal) && known.endsAt === null);
  const another = signal.episodic && signal.startsAt !== known.startsAt;
  if (goesOn) return another && (signal.endsAt ?? receivedAt) < known.startsAt ? 'nothing' : 'resolves';
  return another && signal.startsAt > known.startsAt ? 'ended' : 'nothing';
}

/**
 * Returns whether arrivals without an open incident open one: at least one fires, its route requests an incident, and
 * it is not muted. Other arrivals are recorded, and join an open incident.
 */
export const opensIncident = (arrivals: readonly Arrival[]): boolean =>
  arrivals.some(
    ({ signal, delivery: destinations, mute }) => signal.status === 'firing' && destinations.incident && mute === null,
  );

/** Returns whether the arrival pages someone. */
export const pages = ({ delivery: destinations, mute }: Pick<Arrival, 'delivery' | 'mute'>): boolean =>
  destinations.page && mute === null;

/**
 * Returns whether all paging arrivals may be about failures from before a mitigation whose verification is still
 * running.
 */
export function looksBack(
  { verification, verifying }: Pick<IncidentRecord, 'verification' | 'verifying'>,
  loud: readonly Arrival[],
): boolean {
  const at = verification === 'pending' ? verifying?.at : undefined;
  const paging = loud.filter(pages);
  return at !== undefined && paging.length > 0 && paging.every(({ signal }) => looksBackBefore(signal, at));
}

/** Returns whether the arrival requests a rollback. Requests and severities have no effect while muted. */
export const requestsRollback = ({ signal, mute }: Pick<Arrival, 'signal' | 'mute'>): boolean =>
  signal.requestsRollback && mute === null;

/** Alert name of the signal for a deploy that started and did not end in time. */
export const DEPLOY_OVERDUE = 'DeploymentTimedOut';

/**
 * Returns whether the signal is an event. A failed deploy is an event: it does not continue and keeps no incident open;
 * a later successful deploy ends its signal. An overdue deploy continues until it ends. Of the findings of a
 * watch, only a degraded version continues. Firebreak does not know when an experiment ends that it could not stop.
 */
export const isEvent = ({ source, labels, severity }: Pick<Signal, 'source' | 'labels' | 'severity'>): boolean =>
  source === 'watch'
    ? severity === 'info'
    : source === 'experiment' ||
      (source === 'deployment' && !labels.some(([name, value]) => name === 'alertname' && value === DEPLOY_OVERDUE));

export const highest = (severities: readonly Severity[]): Severity =>
  (['critical', 'warning', 'info'] as const).find((severity) => severities.includes(severity)) ?? 'info';

const isHigher = (severity: Severity, than: Severity): boolean => severity !== than && isFrom(than, severity);

/**
 * Returns the key under which one incident at a time can be open. Alerts outside the catalogue share a service but not
 * an incident: they are separated by the name that they give.
 */
export const scopeOf = (signal: Pick<Signal, 'service' | 'environment' | 'unmatched'>): string =>
  [signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

import { FEATURE_SOURCES } from '../../../features/names.ts';
import { isAtLeast, type Severity } from '../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { isBurnWarning } from '../incidents/burn-warning.ts';
import { looksBackBefore } from '../changes/evidence-window.ts';
import type { Destinations, Mute } from './routing.ts';
import { closedAsOf } from '../incidents/closing.ts';
import { millisOf, plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { wasSetBack } from '../time/set-back.ts';

/** A received signal with its destinations, and the mute that applies. */
export type Arrival = { signal: Signal; destinations: Destinations; mute: Mute | null };

/**
 * Returns the sender's own key for an alert. Senders choose it freely, so it is unique only within a service and
 * environment.
 */
export const senderKeyOf = ({ source, fingerprint }: Pick<Signal, 'source' | 'fingerprint'>): string =>
  `${source}:${fingerprint}`;

/**
 * Returns the key of an alert, which several senders can report.
 *
 * The key includes the service and environment, so that an alert can't hide one of another service that has, by
 * accident or on purpose, the same fingerprint. An unmatched alert counts as the service that it names.
 */
export const alertKeyOf = (
  signal: Pick<Signal, 'source' | 'fingerprint' | 'service' | 'environment' | 'unmatched'>,
): string =>
  [senderKeyOf(signal), signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

/** Returns the sender whose alert it is. Undefined: Firebreak itself. */
export const reporterOf = ({ sender, reporter }: Pick<Signal, 'sender' | 'reporter'>): string | undefined =>
  reporter ?? sender;

/**
 * Returns the key of what one sender reports about an alert. A report has one episode at a time: only the newest one is
 * stored. Each sender has its own (ADR 64), so that no sender can end, hide, or change the alert of another one.
 */
export const reportKeyOf = (signal: Parameters<typeof alertKeyOf>[0] & Parameters<typeof reporterOf>[0]): string =>
  [alertKeyOf(signal), encodeURIComponent(reporterOf(signal) ?? '')].join(' ');

/** Stored state of a sender's report of an alert: its newest episode. */
export type KnownEpisode = {
  status: 'firing' | 'resolved';
  /** Never seen firing: only ends were reported. They affect no other episode, even one that overlaps. */
  unseen: boolean;
  requestsRollback: boolean;
  startsAt: Timestamp;
  endsAt: Timestamp | null;
  /** The sender did not report the end; Firebreak assumed it because the alert could no longer be found. */
  assumed: boolean;
  /** Its incident counts it as last seen: it was not repeated for a day, and no end was reported. Absent: no. */
  lastSeen?: boolean;
  incidentId: string | null;
  /** Highest severity in the episode. Null: stored before severities were recorded. */
  severity: Severity | null;
  /** The alert was muted when it was received, and therefore opened no incident. */
  muted: boolean;
  /** When intake received the reported end. Absent: it fires, or its end was assumed, or stored before this was recorded. */
  endReceivedAt?: Timestamp | undefined;
  /**
   * What was received is held. Of an ended alert: that it fires again, shortly after its end. Of a firing one: an end that was not
   * measured. `at`: receipt. `until`: then, it is decided what that means.
   */
  held?: { at: Timestamp; until: Timestamp } | undefined;
  /** It fires although an end was reported or assumed. `after`: that end. `at`: receipt of the notification that showed it. */
  returned?: { after: Timestamp; at: Timestamp } | undefined;
};

/**
 * When the incident of the stored episode was closed. `verified`: by a passed verification. `unverified`: without proof of a
 * recovery. Null: not closed.
 */
export type Closed = { resolvedAt: Timestamp; verified?: boolean; unverified?: boolean } | null;

/** Returns when and how an incident was closed. */
export function closeOf(
  incident: Parameters<typeof closedAsOf>[0] & Pick<IncidentRecord, 'resolved_at' | 'verification'>,
): Closed {
  const { resolved_at: resolvedAt, resolved_by: by, verification } = incident;
  if (resolvedAt === null) return null;
  return {
    resolvedAt,
    verified: by === null && verification === 'passed',
    unverified: closedAsOf(incident) === 'unverified',
  };
}

/**
 * Seconds after its resolution during which an incident is reopened by an alert that it lists and that fires again.
 * Shorter than Prometheus and Alertmanager users separate outages, and longer than the pauses of an alert that flaps.
 */
export const REOPEN_WITHIN_SECONDS = 300;

/** The same for an incident that closed without a proof of recovery: its problem may not have ended at all. */
export const REOPEN_UNVERIFIED_WITHIN_SECONDS = 24 * 3600;

/**
 * Seconds after the receipt of an end in which the same episode can be reported as firing by a late sender: the other one of a
 * pair, whose copies are delayed.
 */
export const PEER_DELAY_SECONDS = 60;

/** Seconds after a refusal or an outage of Firebreak in which a sender may repeat what it could not deliver. */
export const SENDER_RETRY_SECONDS = 300;

/** Seconds without a repetition after which an alert counts as last seen. Senders repeat firing alerts every few hours. */
export const LAST_SEEN_AFTER_SECONDS = 24 * 3600;

/** Seconds for which repetitions of an alert are not recorded one by one, to save writes. */
export const REPETITION_RECORDED_SECONDS = 3600;

/**
 * Returns whether an alert that fires again may reopen its incident. Not an incident of a group, which the parent has
 * closed with, nor one that a person resolved while alerts fired: it no longer counts which of these have ended.
 *
 * @param withinSeconds of its resolution
 */
export const mayReopen = (
  { resolved_at: at, parent_id, group_reason, by_event, firing }: IncidentRecord,
  now: Timestamp,
  withinSeconds: number,
): boolean =>
  at !== null &&
  secondsBetween(at, now) <= withinSeconds &&
  parent_id === undefined &&
  group_reason === undefined &&
  by_event === undefined &&
  firing === 0;

/**
 * What a signal adds to the stored state.
 *
 * - `opens`: a new episode; the previous one is over, whether or not its end was reported
 * - `resolves`: the end of the episode
 * - `requests_rollback`: a known episode that now requests a rollback
 * - `raised`: a known episode that is now more severe than ever before
 * - `measured`: a known episode, the first one of its incident that was measured
 * - `returns`: its incident was closed while it kept firing, its end was none, or its mute has ended
 * - `held`: it is reported as firing after its end, perhaps late, or its end was not measured; that is decided later
 * - `released`: the opposite of what was held was reported since
 * - `ended`: the end of an alert that was never seen firing
 * - `nothing`: a repeated or late notification
 */
export type Novelty =
  | 'opens'
  | 'resolves'
  | 'requests_rollback'
  | 'raised'
  | 'measured'
  | 'returns'
  | 'held'
  | 'released'
  | 'ended'
  | 'nothing';

/**
 * Seconds after a person closes an incident during which a notification does not reopen it, because it may already have
 * been in transit.
 */
export const RETURN_AFTER_SECONDS = 300;

/** `at`: when it is decided what a notification adds. That is later than its receipt if it waited in a queue or in quarantine. */
type Times = {
  receivedAt: Timestamp;
  at: Timestamp;
  /** When Firebreak last refused notifications, or its last outage ended. Null: never. */
  faultAt: Timestamp | null;
};

/** Decides what a notification adds to the stored state of its alert. */
export function noveltyOf(
  signal: Signal,
  known: KnownEpisode | undefined,
  closed: Closed,
  times: Times,
  mute: Mute | null = null,
): Novelty {
  if (known === undefined) return signal.status === 'firing' ? 'opens' : 'ended';
  if (signal.status === 'resolved') return noveltyOfEnd(signal, known, times);
  // The alert ended and started again between two notifications, and only the start was reported.
  const startsLater = signal.startsAt > known.startsAt && !isCopyOfReturn(signal, known);
  if (startsLater && signal.episodic && (known.status === 'firing' || known.assumed)) return 'opens';
  // A higher severity than any before can't be a late or repeated notification.
  const isRaised = known.severity !== null && isHigher(signal.severity, known.severity);
  const isInTransit =
    !isRaised &&
    closed !== null &&
    closed.unverified !== true &&
    secondsBetween(closed.resolvedAt, times.receivedAt) <= RETURN_AFTER_SECONDS;
  // Any start of an alert that was never seen firing is news, unless only its end arrived before it.
  if (known.unseen && (startsLater || !signal.episodic)) return 'opens';
  if (known.status === 'resolved') {
    const isNewEpisode = startsLater || !signal.episodic;
    if (isRaised) return known.assumed ? 'returns' : 'opens';
    if (isReturn(signal, known)) return noveltyOfReturn(signal, known, closed, times);
    if (known.assumed) return isInTransit ? 'nothing' : 'returns';
    return isNewEpisode && signal.startsAt > (known.endsAt ?? known.startsAt) ? 'opens' : 'nothing';
  }
  // The message about the close said that the warning may continue, and that it keeps no incident open.
  if (closed?.verified === true && !isRaised && isBurnWarning(signal)) return 'nothing';
  if (closed !== null && !isInTransit) return 'returns';
  if (known.muted && mute === null) return 'returns';
  // While muted, a request or a higher severity has no effect until the mute ends. The stored state stays as it is
  // until then.
  const isUnmuted = mute === null || known.incidentId === null;
  if (isUnmuted && isRaised) return 'raised';
  return isUnmuted && signal.requestsRollback && !known.requestsRollback ? 'requests_rollback' : 'nothing';
}

/**
 * Decides what a start from before the end adds that is received after the end. Senders also assume ends: Alertmanager does if
 * Prometheus is silent for some minutes, and then passes on the alert with its old start. So the time of receipt decides. What
 * intake received before the end is late, however late it is processed. Shortly after the end, or after a refusal or an outage
 * of Firebreak, the notification may be older than the end; later it is not.
 */
function noveltyOfReturn(signal: Signal, known: KnownEpisode, closed: Closed, times: Times): Novelty {
  const { receivedAt, at, faultAt } = times;
  const endedAt = endReceiptOf(known);
  if (isBefore(times, endedAt)) return 'nothing';
  // The message about the close said that the warning may continue.
  if (closed?.verified === true && isBurnWarning(signal)) return 'nothing';
  if (known.held !== undefined) return isHeld(known.held, at) && receivedAt < known.held.until ? 'nothing' : 'returns';
  // After the clock was set back, a time to wait for would be that much later.
  return heldUntil(endedAt, receivedAt, faultAt) === null || receivedAt < endedAt ? 'returns' : 'held';
}

/**
 * Returns whether a notification was received before a stored time of Firebreak's clock. If that was set back since, nothing is
 * known of the order, and the notification counts as later.
 */
export const isBefore = ({ receivedAt, at }: Pick<Times, 'receivedAt' | 'at'>, stored: Timestamp): boolean =>
  receivedAt < stored && !wasSetBack(millisOf(stored), millisOf(at));

/** Returns whether it is still open what a held notification means. If the clock was set back since, it is decided at once. */
export const isHeld = (held: { at: Timestamp; until: Timestamp }, now: Timestamp): boolean =>
  now < held.until && !wasSetBack(millisOf(held.at), millisOf(now));

/** Returns when the end of an alert was received. For older records and assumed ends, the end itself. */
export const endReceiptOf = ({ endReceivedAt, endsAt, startsAt }: KnownEpisode): Timestamp =>
  endReceivedAt ?? endsAt ?? startsAt;

/**
 * Returns until when it is open whether a notification is older than the end of its alert. Null: it is not older.
 *
 * @param endedAt receipt of the end
 * @param receivedAt receipt of the notification
 */
export function heldUntil(endedAt: Timestamp, receivedAt: Timestamp, faultAt: Timestamp | null): Timestamp | null {
  if (secondsBetween(endedAt, receivedAt) <= PEER_DELAY_SECONDS) return plusSeconds(endedAt, PEER_DELAY_SECONDS);
  const mayBeRetry = faultAt !== null && secondsBetween(faultAt, receivedAt) <= SENDER_RETRY_SECONDS;
  return mayBeRetry ? plusSeconds(faultAt < receivedAt ? faultAt : receivedAt, SENDER_RETRY_SECONDS) : null;
}

/**
 * Returns whether a start that is reported after the end of its alert is from before that end. An event does not continue, and
 * without a reported start, the receipt is the start. An alert that is last seen has no end.
 */
export const isReturn = (signal: Signal, known: KnownEpisode | undefined): boolean =>
  known?.status === 'resolved' &&
  known.lastSeen !== true &&
  signal.episodic &&
  !isEvent(signal) &&
  signal.startsAt <= latestMoment(known) &&
  !(known.unseen && signal.startsAt > known.startsAt);

/** Returns the latest time of an episode. Its end can be before its start, if the clock of the sender is ahead. */
export const latestMoment = ({ startsAt, endsAt }: Pick<KnownEpisode, 'startsAt' | 'endsAt'>): Timestamp =>
  endsAt !== null && endsAt > startsAt ? endsAt : startsAt;

/** Returns whether the alert has returned with this start: the other sender of a pair reports another one. */
const isCopyOfReturn = ({ startsAt }: Signal, { status, returned }: KnownEpisode): boolean =>
  status === 'firing' && returned !== undefined && startsAt <= returned.after;

/**
 * Decides what a `resolved` notification adds. It means that the alert does not fire at that time, so it ends any episode
 * that had begun by then, even if it names another episode. A sender that reports only some changes does not report the
 * ends and starts in between.
 */
function noveltyOfEnd(signal: Signal, known: KnownEpisode, times: Times): Novelty {
  // An event is stored as resolved without an end. This notification is its end.
  // The end of an alert that is only last seen arrives late, and proves that it has ended.
  const isOngoing = known.status === 'firing' || known.lastSeen === true || (isEvent(signal) && known.endsAt === null);
  const isOtherEpisode = signal.episodic && signal.startsAt !== known.startsAt;
  // Received before the notification that showed that the alert still fires.
  if (known.returned !== undefined && isBefore(times, known.returned.at)) return 'nothing';
  const end = signal.endsAt ?? times.receivedAt;
  if (isOngoing) return isOtherEpisode && end < known.startsAt ? 'nothing' : 'resolves';
  // An end that was reported for an earlier episode can be that of a later one.
  const isNewest = isOtherEpisode && signal.startsAt > known.startsAt && end > latestMoment(known);
  if (known.held !== undefined && !(isNewest && signal.startsAt > latestMoment(known)))
    return isBefore(times, known.held.at) ? 'nothing' : 'released';
  return isNewest ? 'ended' : 'nothing';
}

/**
 * Returns whether arrivals without an open incident open one: at least one fires, its route requests an incident, and
 * it is not muted. Other arrivals are recorded, and join an open incident.
 */
export const opensIncident = (arrivals: readonly Arrival[]): boolean =>
  arrivals.some(
    ({ signal, destinations, mute }) => signal.status === 'firing' && destinations.incident && mute === null,
  );

/** Returns whether the arrival pages someone. */
export const pages = ({ destinations, mute }: Pick<Arrival, 'destinations' | 'mute'>): boolean =>
  destinations.page && mute === null;

/**
 * Returns whether all paging arrivals may be about failures from before a mitigation that is still being verified.
 */
export function looksBack(
  { verification, verifying }: Pick<IncidentRecord, 'verification' | 'verifying'>,
  unmutedArrivals: readonly Arrival[],
): boolean {
  const mitigatedAt = verification === 'pending' ? verifying?.at : undefined;
  const paging = unmutedArrivals.filter(pages);
  return (
    mitigatedAt !== undefined && paging.length > 0 && paging.every(({ signal }) => looksBackBefore(signal, mitigatedAt))
  );
}

/** Returns whether the arrival requests a rollback. Requests and severities have no effect while muted. */
export const requestsRollback = ({ signal, mute }: Pick<Arrival, 'signal' | 'mute'>): boolean =>
  signal.requestsRollback && mute === null;

/** Alert name of the signal for a deploy that started and did not end in time. */
export const DEPLOY_OVERDUE = 'DeploymentTimedOut';

const FROM_FEATURES: ReadonlySet<string> = new Set(FEATURE_SOURCES);

/**
 * Returns whether the signal is an event. A failed deploy is an event: it does not continue and keeps no incident open;
 * a later successful deploy ends its signal. An overdue deploy continues until it ends. Of the findings of a watch, only a
 * degraded version (not of severity `info`) continues. A signal of a feature
 * is an event, because nobody reports its end.
 */
export const isEvent = ({ source, labels, severity }: Pick<Signal, 'source' | 'labels' | 'severity'>): boolean =>
  source === 'watch'
    ? severity === 'info'
    : FROM_FEATURES.has(source) ||
      (source === 'deployment' && !labels.some(([name, value]) => name === 'alertname' && value === DEPLOY_OVERDUE));

/**
 * Returns whether an alert can name a problem that was measured, also if it is a warning. A slow-burn warning is about hours or
 * days.
 */
export const namesProblem = (signal: Pick<Signal, 'source' | 'labels' | 'severity'> & { status: string }): boolean =>
  signal.status === 'firing' && !isEvent(signal) && !isBurnWarning(signal);

/** Returns the highest of these severities; `info` if there are none. */
export const highestSeverity = (severities: readonly Severity[]): Severity =>
  (['critical', 'warning', 'info'] as const).find((severity) => severities.includes(severity)) ?? 'info';

const isHigher = (severity: Severity, known: Severity): boolean => severity !== known && isAtLeast(known, severity);

/**
 * Returns the key under which one incident at a time can be open. Alerts outside the catalogue share a service but not
 * an incident: they are separated by the name that they give.
 */
export const scopeOf = (signal: Pick<Signal, 'service' | 'environment' | 'unmatched'>): string =>
  [signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

import { isFrom, type Severity } from '../schemas/names.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { Signal } from '../schemas/signal.ts';
import { isBurnWarning } from './burn-warning.ts';
import { looksBackBefore } from './evidence-window.ts';
import type { Delivery, Mute } from './routing.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';

/** A signal with what the routes make of it, and what keeps it quiet. */
export type Arrival = { signal: Signal; delivery: Delivery; mute: Mute | null };

/** The sender's own name for an alert. Senders choose it freely, so it is unique only within a service and environment. */
export const senderKeyOf = ({ source, fingerprint }: Pick<Signal, 'source' | 'fingerprint'>): string =>
  `${source}:${fingerprint}`;

/**
 * The key of an alert. Each alert has one episode at a time: the newest one is stored, the others are over.
 *
 * The key includes the service and environment, so that an alert can't hide one of another service that has, by accident
 * or on purpose, the same fingerprint. An unmatched alert counts as the service that it names.
 */
export const alertOf = (
  signal: Pick<Signal, 'source' | 'fingerprint' | 'service' | 'environment' | 'unmatched'>,
): string =>
  [senderKeyOf(signal), signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

/** What is known of an alert: its newest episode. */
export type KnownEpisode = {
  status: 'firing' | 'resolved';
  asksRollback: boolean;
  startsAt: Timestamp;
  endsAt: Timestamp | null;
  /** Its end was not said by its sender; it was taken for ended because it could not be found any more. */
  assumed: boolean;
  incidentId: string | null;
  /** The highest one heard of the episode. Null: stored before severities were kept. */
  severity: Severity | null;
  /** It was kept quiet when it was heard, and opened nothing for that. */
  muted: boolean;
};

/** The incident that the known episode belongs to has been closed; when. `verified`: by a verification that passed. */
export type Closed = { resolvedAt: Timestamp; verified?: boolean } | null;

/**
 * What a signal adds to what is known.
 * `opens`: a new episode; the one before is over, whether or not that was said · `resolves` · `asks`: known, and now it asks
 * for a rollback · `raised`: known, and now more severe than ever before in its episode · `returns`: its incident was closed while it went on firing, or it had been taken for ended and had not, or
 * what kept it quiet is over · `ended`: a resolve for something never seen firing · `nothing`: heard before, or late.
 */
export type Novelty = 'opens' | 'resolves' | 'asks' | 'raised' | 'returns' | 'ended' | 'nothing';

/** A notification that was under way when a person closed the incident does not open it again. */
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
  // Between two notifications it has ended and begun again, and only the beginning is told.
  const again = signal.startsAt > known.startsAt;
  if (again && signal.episodic && (known.status === 'firing' || known.assumed)) return 'opens';
  // A higher severity than any before can't be a late or repeated notification of what is known.
  const raised = known.severity !== null && isHigher(signal.severity, known.severity);
  const late = !raised && closed !== null && secondsBetween(closed.resolvedAt, receivedAt) <= RETURN_AFTER_SECONDS;
  if (known.status === 'resolved' && known.assumed) return late ? 'nothing' : 'returns';
  if (known.status === 'resolved') {
    // What began before the end that is known was over with it.
    const anew = again || !signal.episodic;
    return raised || (anew && signal.startsAt > (known.endsAt ?? known.startsAt)) ? 'opens' : 'nothing';
  }
  // It was told at the close that it goes on, and that it holds nothing open.
  if (closed?.verified === true && !raised && isBurnWarning(signal)) return 'nothing';
  if (closed !== null && !late) return 'returns';
  if (known.muted && mute === null) return 'returns';
  // Kept quiet, it is not heard to ask: so it does when the quiet is over. What waits for that is kept as it is now.
  const heard = mute === null || known.incidentId === null;
  if (heard && raised) return 'raised';
  return heard && signal.asksRollback && !known.asksRollback ? 'asks' : 'nothing';
}

/**
 * An end says that the alert does not fire at that time: it ends whatever had begun by then, also what it is not the end
 * of. A sender that tells of changes now and then has not told of the ends and beginnings between.
 */
function endedBy(signal: Signal, known: KnownEpisode, receivedAt: Timestamp): Novelty {
  // What has only happened is over as an episode at once, and by this as a signal.
  const goesOn = known.status === 'firing' || (isEvent(signal) && known.endsAt === null);
  const another = signal.episodic && signal.startsAt !== known.startsAt;
  if (goesOn) return another && (signal.endsAt ?? receivedAt) < known.startsAt ? 'nothing' : 'resolves';
  return another && signal.startsAt > known.startsAt ? 'ended' : 'nothing';
}

/**
 * Whether what found no open incident opens one: something that the routes want one for, and that nothing keeps quiet.
 * The rest is recorded, and joins an incident that is open.
 */
export const opensIncident = (arrivals: readonly Arrival[]): boolean =>
  arrivals.some(({ signal, delivery, mute }) => signal.status === 'firing' && delivery.incident && mute === null);

/** Whether it wakes somebody. */
export const pages = ({ delivery, mute }: Pick<Arrival, 'delivery' | 'mute'>): boolean =>
  delivery.page && mute === null;

/** Whether all of these that page may be about what failed before a mitigation whose verification is not over. */
export function looksBack(
  { verification, verifying }: Pick<IncidentRecord, 'verification' | 'verifying'>,
  loud: readonly Arrival[],
): boolean {
  const at = verification === 'pending' ? verifying?.at : undefined;
  const paging = loud.filter(pages);
  return at !== undefined && paging.length > 0 && paging.every(({ signal }) => looksBackBefore(signal, at));
}

/** What it asks for and how severe it is count for nothing while it is kept quiet. */
export const asks = ({ signal, mute }: Pick<Arrival, 'signal' | 'mute'>): boolean =>
  signal.asksRollback && mute === null;

/** What the signal of a deploy is called that has begun and not ended in its time. */
export const DEPLOY_OVERDUE = 'DeploymentTimedOut';

/**
 * A failed deploy has happened: it does not go on, and holds no incident open. That a later one has succeeded is said, and
 * ends its signal. One that takes too long goes on until it ends.
 */
export const isEvent = ({ source, labels }: Pick<Signal, 'source' | 'labels'>): boolean =>
  source === 'deployment' && !labels.some(([name, value]) => name === 'alertname' && value === DEPLOY_OVERDUE);

export const highest = (severities: readonly Severity[]): Severity =>
  (['critical', 'warning', 'info'] as const).find((severity) => severities.includes(severity)) ?? 'info';

const isHigher = (severity: Severity, than: Severity): boolean => severity !== than && isFrom(than, severity);

/**
 * Key of what can have one open incident at a time. Alerts outside the catalogue share a service, but not an incident:
 * each keeps to what it calls its own.
 */
export const scopeOf = (signal: Pick<Signal, 'service' | 'environment' | 'unmatched'>): string =>
  [signal.service, signal.environment, ...(signal.unmatched === null ? [] : [signal.unmatched])]
    .map(encodeURIComponent)
    .join('#');

import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord, TimelineEntry } from '../../../schemas/incidents/incident.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { looksBackBefore } from '../changes/evidence-window.ts';
import { closedAsOf } from '../incidents/closing.ts';
import { reopeningPost } from '../incidents/reopening.ts';
import { alertTitle, isMeasuredTitle, mostSevereOf, problemTitle } from './incident-title.ts';
import { lastingTitle } from './lasting-title.ts';
import type { Mute } from './routing.ts';
import { blankIncident, type NewIncident, newIncident } from '../incidents/new-incident.ts';
import { type InboxPost, inboxPostOf } from '../incidents/inbox-post.ts';
import {
  newOnset,
  newOnsetAfterChange,
  newOnsetText,
  recovered,
  reopenedProblem,
  type UrgentFailure,
} from '../incidents/new-onset.ts';
import type { DayStarts } from '../ports/alerts.ts';
import type { Admitted, IncidentChange } from '../ports/incidents.ts';
import {
  type Arrival,
  requestsRollback,
  type Closed,
  endReceiptOf,
  heldUntil,
  highestSeverity,
  isEvent,
  namesProblem,
  isReturn,
  latestMoment,
  type KnownEpisode,
  looksBack,
  type Novelty,
  noveltyOf,
  opensIncident,
  pages,
} from './admission.ts';
import {
  isReportedCount,
  pagesAgain,
  SHARED_ENVIRONMENT,
  SHARED_SCOPE,
  sharedTitle,
  type Target,
  type UnmatchedScope,
} from './unmatched.ts';
import { detailOf, kindOf, textOf } from './admission-texts.ts';

/** Stored state of an alert: its newest episode, and the incident that lists it. */
export type AlertEpisode = KnownEpisode & {
  episode: string;
  incidentId: IncidentId | null;
  /** When it began to fire, newest first, up to `FIRED_AT_MAX` times. Empty: stored before this was recorded. */
  firedAt: readonly Timestamp[];
  /** How often it began to fire without an incident and unmuted, by day, newest first, up to `START_DAYS_MAX` days. */
  starts: readonly DayStarts[];
};

/** What another sender reports about the same alert. */
export type OtherReport = Pick<AlertEpisode, 'status' | 'incidentId'> & { reporter: string };

/** How many starts of an alert are stored. They show whether an alert without incidents fires often. */
const FIRED_AT_MAX = 20;

/** Of how many days with a start the number of starts is stored. Reports look back 14 days. */
const START_DAYS_MAX = 16;

/** What the admission of arrivals with the same target depends on. */
export type AdmissionState = {
  /** Time of the admission. */
  at: Timestamp;
  /** When Firebreak received the notification. */
  receivedAt: Timestamp;
  /** ID of the trace of the request that brought the arrivals. */
  trace: string;
  target: Target;
  /** Stored state of each arrival's alert. Undefined: unknown. */
  alerts: readonly (AlertEpisode | undefined)[];
  /** What other senders report about each arrival's alert. Needed only for ends that end no episode. */
  others?: readonly (readonly OtherReport[])[];
  /** Resolved incidents of these alerts. */
  closed: ReadonlyMap<IncidentId, Closed>;
  /** ID of an incident that opens. */
  newId: IncidentId;
  /** When Firebreak last refused notifications, or its last outage ended. Null: never, or no arrival depends on it. */
  faultAt?: Timestamp | null;
  /** The incident that an alert of this target reopens if it fires again. Absent: none. */
  reopenable?: IncidentRecord | undefined;
  /** How many seconds a recovery must last to be known as one. Absent: the usual ones. */
  recoverySeconds?: number;
  /** Newest changes of the service of the open incident, and of the one that was rolled back. Absent: no alert begins. */
  changes?: readonly Change[];
};

/** What identifies an alert among those that an incident lists. */
export type Listing = Pick<Signal, 'startsAt' | 'episode' | 'sender' | 'reporter'>;

/** End of an alert that an incident lists. */
export type SignalEnd = Listing & { endsAt: Timestamp };

/**
 * What the admission writes, in one transaction, on condition that nothing it depends on has changed.
 *
 * - `known`: nothing, except that an open incident was notified again
 * - `recorded`: only the alerts themselves
 * - `opens`: a new incident. `slots`: of services outside the catalogue
 * - `reopens`: the incident that was resolved just now
 * - `joins`: the open incident, with a message unless the workflow needs none
 */
export type AdmissionPlan = {
  /** New state of each arrival's alert. Null: unchanged. */
  alerts: readonly (AlertEpisode | null)[];
  incident:
    | { kind: 'known'; renotified: IncidentId | null }
    | { kind: 'recorded' }
    | { kind: 'opens'; opens: NewIncident; slots: readonly UnmatchedScope[] | null }
    | { kind: 'reopens'; id: IncidentId; scope: string; post: InboxPost }
    | { kind: 'joins'; id: IncidentId; post: InboxPost | null };
  /** Alerts that the incident lists from now on, with the mute that applies. */
  listed: readonly { signal: Signal; mute: Mute | null; pages: boolean }[];
  /** Listed alerts that have ended, by incident. `entry`: of an incident that was closed before, which gets no message. */
  ended: readonly { id: IncidentId; ends: readonly SignalEnd[]; entry?: TimelineEntry }[];
  /**
   * Listed alerts whose state or end was not measured, or is now. `because`: reason of the sender. Undefined: it is measured.
   * `unmuted`: a mute of it has ended, if there was one.
   */
  measured: readonly (Listing & { because: string | undefined; monitoringFailure?: boolean; unmuted: boolean })[];
  admitted: Admitted;
};

/**
 * An arrival with what it adds to the stored state of its alert. `unmuted`: an alert that this incident lists was
 * expected from an experiment, and is real now.
 */
type Reported = Arrival & { known: AlertEpisode | undefined; novelty: Novelty; unmuted: boolean };

/**
 * Arrivals by their effect on the incident. `replaced`: fired again without having been reported as resolved. `raised`:
 * alerts of this incident with a higher severity. `unmeasured`: with an end that was not measured. `measured`: the first ones of
 * this incident that fire and were measured.
 */
type ArrivalsByEffect = Record<
  'attached' | 'ended' | 'unmeasured' | 'measured' | 'replaced' | 'requesting' | 'raised',
  readonly Reported[]
>;

/** Decides what arrivals with the same target add to the stored state. */
export function planAdmission(state: AdmissionState, arrivals: readonly Arrival[]): AdmissionPlan {
  const { at, target, reopenable } = state;
  const { incident } = target;
  const reported = arrivals.map((arrival, index) => reportedOf(arrival, state.alerts[index], state));
  const fired = reported.filter(({ novelty }) => novelty === 'opens' || novelty === 'returns');
  const requesting = reported.filter(
    ({ novelty, signal, known, mute, unmuted }) =>
      (novelty === 'requests_rollback' ||
        (novelty === 'raised' && signal.requestsRollback && (unmuted || known?.requestsRollback === false))) &&
      mute === null &&
      (known?.incidentId === incident?.id || known?.incidentId === null),
  );
  const raisedWithoutIncident = reported.filter(
    ({ novelty, known, mute }) => novelty === 'raised' && mute === null && known?.incidentId === null,
  );
  const needsIncident =
    target.mayOpen && incident === undefined && opensIncident([...fired, ...requesting, ...raisedWithoutIncident]);
  const reopened =
    needsIncident && reopenable !== undefined && opensIncident(fired.filter((one) => mayReopenBy(one, reopenable)))
      ? reopenable
      : undefined;
  const opens = needsIncident && reopened === undefined;
  const id = incident?.id ?? reopened?.id ?? (opens ? state.newId : null);
  const ofIncident = reported.filter(({ known }) => incident !== undefined && known?.incidentId === incident.id);
  const novel = reported.filter(({ novelty }) => novelty !== 'nothing');
  const news = novel.filter((arrival) => !leavesEnd(arrival));
  const counts = { opened: opens ? 1 : 0, joined: 0, recorded: 0, known: reported.length - news.length };
  if (novel.length === 0) {
    const renotified = reported.some(({ signal }) => signal.status === 'firing') ? id : null;
    return {
      alerts: reported.map(() => null),
      incident: { kind: 'known', renotified },
      listed: [],
      ended: [],
      measured: [],
      admitted: {
        wake: id === null ? [] : [id],
        opened: [],
        withoutIncident: arrivalsWithoutIncident(reported, null, []),
        ignoredEnds: ignoredEndsOf(reported, state),
        counts,
      },
    };
  }
  // An alert that was recorded without an incident, and now requests a rollback or has a higher severity, belongs to
  // the incident that it opens.
  const attached = [
    ...new Set([...fired, ...requesting.filter(({ known }) => known?.incidentId === null), ...raisedWithoutIncident]),
  ];
  const byEffect: ArrivalsByEffect = {
    attached,
    requesting,
    raised: ofIncident.filter(({ novelty }) => novelty === 'raised'),
    ended: ofIncident.filter(({ novelty }) => novelty === 'resolves'),
    unmeasured: ofIncident.filter(({ novelty, signal }) => novelty === 'held' && signal.status === 'resolved'),
    measured:
      incident?.unmeasured === true
        ? [...new Set([...attached, ...ofIncident])].filter(
            (one) => one.novelty !== 'nothing' && one.novelty !== 'held' && isMeasured(one),
          )
        : [],
    replaced: ofIncident.filter(({ novelty, known }) => novelty === 'opens' && isNotEnded(known)),
  };
  if (id === null) counts.recorded = news.length;
  else counts.joined = opens ? attached.length - 1 : attached.length; // a reopened incident is joined, too
  return {
    alerts: reported.map((arrival) =>
      arrival.novelty === 'nothing' ? null : episodeOf(arrival, attached.includes(arrival), id, state),
    ),
    incident:
      id === null
        ? { kind: 'recorded' }
        : reopened !== undefined
          ? { kind: 'reopens', id, scope: target.scope, post: planReopening(state, reopened, attached) }
          : incident === undefined
            ? planOpening(state, attached)
            : { kind: 'joins', id, post: planPost(state, incident, byEffect) },
    listed:
      id === null
        ? []
        : attached.map((arrival) => ({
            signal: listedSignal(arrival),
            mute: arrival.mute,
            pages: arrival.destinations.page,
          })),
    ended: [
      ...(id === null ? [] : [{ id, ends: [...byEffect.ended, ...byEffect.replaced].map((one) => endOf(one, at)) }]),
      ...endedLate(reported, state),
    ],
    measured: ofIncident
      .filter(({ novelty, known }) => known?.status === 'firing' && CHANGES_MEASUREMENT.has(novelty))
      .map(({ signal: { monitoringFailure, ...signal }, known, mute }) => ({
        ...signal,
        ...listingOf(known ?? signal),
        because: signal.unmeasured,
        unmuted: signal.status === 'firing' && mute === null,
        ...(signal.status === 'firing' && { monitoringFailure }),
      })),
    admitted: {
      wake: id === null ? [] : [id],
      opened: opens && id !== null ? [id] : [],
      withoutIncident: arrivalsWithoutIncident(reported, id, attached),
      ignoredEnds: ignoredEndsOf(reported, state),
      counts,
    },
  };
}

/**
 * Returns whether an alert reopens the incident that lists it: by a new start, by a start that shows that its end was none, or, if
 * nothing has shown that the service recovered, also by a repetition.
 */
const mayReopenBy = ({ novelty, known }: Reported, reopenable: IncidentRecord): boolean =>
  known?.incidentId === reopenable.id &&
  (novelty === 'opens' ||
    (novelty === 'returns' && (known.status === 'resolved' || closedAsOf(reopenable) === 'unverified')));

/** Returns whether an arrival changes nothing about the end of its alert: what it means is decided later, or was just decided. */
const leavesEnd = ({ novelty }: Reported): boolean => novelty === 'held' || novelty === 'released';

/** Returns whether only a notification with a start from before an end shows that the alert fires. */
const isReturned = ({ signal, known, novelty }: Reported): boolean =>
  isReturn(signal, known) || (known?.returned !== undefined && known.status === 'firing' && novelty !== 'opens');

const listedSignal = (arrival: Reported): Signal =>
  isReturned(arrival) ? { ...arrival.signal, returned: true } : arrival.signal;

/** Returns whether no end was reported of an alert's episode. */
const isNotEnded = (known: AlertEpisode | undefined): boolean => known?.status === 'firing' || known?.lastSeen === true;

/** Returns how many of these alerts their incident counts as last seen, and which are repeated now. */
const countSeenAgain = (incident: IncidentRecord, reported: readonly Reported[]): number =>
  new Set(reported.filter(({ known }) => known?.lastSeen === true && known.incidentId === incident.id)).size;

function reportedOf(
  arrival: Arrival,
  known: AlertEpisode | undefined,
  { target, closed, at, receivedAt, faultAt = null }: AdmissionState,
): Reported {
  const { incidentId = null } = known ?? {};
  const closedState =
    incidentId === null || incidentId === target.incident?.id ? null : (closed.get(incidentId) ?? null);
  const novelty = noveltyOf(arrival.signal, known, closedState, { receivedAt, at, faultAt }, arrival.mute);
  const unmuted = novelty === 'returns' && known?.muted === true && incidentId !== null && closedState === null;
  if (known?.status === 'firing' && incidentId !== null && incidentId === target.incident?.id) {
    const { held } = known;
    if (novelty === 'resolves' && arrival.signal.unmeasured !== undefined)
      return { ...arrival, known, novelty: held === undefined ? 'held' : 'nothing', unmuted };
    if (novelty === 'nothing' && held !== undefined && arrival.signal.status === 'firing' && receivedAt >= held.at)
      return { ...arrival, known, novelty: 'released', unmuted };
    const isFirst = target.incident?.unmeasured === true && arrival.mute === null && isMeasured(arrival);
    if (novelty === 'nothing' && held === undefined && isFirst)
      return { ...arrival, known, novelty: 'measured', unmuted };
  }
  // Its incident lists it already, so it counts like an alert with a higher severity.
  return { ...arrival, known, novelty: unmuted ? 'raised' : novelty, unmuted };
}

const isMeasured = ({ signal }: Arrival): boolean => signal.status === 'firing' && !signal.monitoringFailure;

/** Returns the ends of alerts that only other senders report as firing. */
const ignoredEndsOf = (
  reported: readonly Reported[],
  { target: { incident }, others = [] }: AdmissionState,
): Admitted['ignoredEnds'] =>
  reported.flatMap(({ signal, novelty }, index) => {
    const reporters = (others[index] ?? [])
      .filter(({ status, incidentId }) => status === 'firing' && incidentId === incident?.id)
      .map(({ reporter }) => reporter);
    const isIgnored = signal.status === 'resolved' && novelty !== 'resolves' && reporters.length > 0;
    return isIgnored && incident !== undefined ? [{ incident: incident.id, signal, reporters }] : [];
  });

/** Returns the alerts that ended after their incident was closed. */
function endedLate(reported: readonly Reported[], { at, closed }: AdmissionState): AdmissionPlan['ended'] {
  const late = reported.flatMap((arrival) => {
    const id = arrival.known?.incidentId;
    return id != null && arrival.novelty === 'resolves' && closed.get(id) != null ? [{ ...arrival, id }] : [];
  });
  return [...Map.groupBy(late, ({ id }) => id)].map(([id, ended]) => {
    const effects = { attached: [], raised: [], unmeasured: [], requesting: [], measured: [], ended };
    const entry = { at, actor: 'alerts', kind: kindOf(effects), text: textOf(effects), detail: detailOf(effects) };
    return { id, ends: ended.map((arrival) => endOf(arrival, at)), entry };
  });
}

/** Returns the arrivals without an incident and their status: a late "firing" does not reopen a resolved alert. */
const arrivalsWithoutIncident = (
  reported: readonly Reported[],
  id: IncidentId | null,
  attached: readonly Reported[],
): Admitted['withoutIncident'] =>
  reported
    .filter((arrival) => (id === null || !attached.includes(arrival)) && (arrival.known?.incidentId ?? null) === null)
    .map(({ signal, destinations, mute, novelty, known }) => ({
      arrival: { signal, destinations, mute },
      status:
        (novelty === 'nothing' || novelty === 'held') && !isEvent(signal)
          ? (known?.status ?? signal.status)
          : signal.status,
    }));

/** Returns whether this is a different episode from the known one. */
const isOtherEpisode = ({ known, novelty }: Reported): boolean =>
  known === undefined || novelty === 'opens' || novelty === 'ended';

/** Returns the new state of an alert. @param attached it belongs to the incident from now on, listed under its start */
function episodeOf(
  arrival: Reported,
  attached: boolean,
  id: IncidentId | null,
  { at, receivedAt, faultAt = null }: AdmissionState,
): AlertEpisode {
  const { signal, mute, known, novelty } = arrival;
  if (known !== undefined && leavesEnd(arrival)) {
    const { held: _, ...rest } = known;
    if (novelty === 'released') return known.status === 'firing' ? rest : { ...rest, endReceivedAt: receivedAt };
    const until = signal.status === 'firing' ? heldUntil(endReceiptOf(known), receivedAt, faultAt) : null;
    return { ...rest, held: { at: receivedAt, until: until ?? receivedAt } };
  }
  const before = known !== undefined && !isOtherEpisode(arrival) ? known : undefined;
  const { episode, startsAt } = attached ? signal : (before ?? signal);
  const incidentId = attached ? id : (known?.incidentId ?? null);
  const firedBefore = known?.firedAt ?? [];
  const startsBefore = known?.starts ?? [];
  // A mute that ends while the alert fires is a start.
  const isStart =
    incidentId === null && mute === null && (novelty === 'opens' || (novelty === 'returns' && known?.muted === true));
  return {
    unseen: arrival.novelty === 'ended' && (known === undefined || known.unseen),
    firedAt: arrival.novelty === 'opens' ? [at, ...firedBefore].slice(0, FIRED_AT_MAX) : firedBefore,
    starts: isStart ? withStart(startsBefore, at) : startsBefore,
    episode,
    startsAt,
    incidentId,
    status: isEvent(signal) ? 'resolved' : signal.status,
    endsAt: signal.status === 'resolved' ? (signal.endsAt ?? at) : null,
    ...(signal.status === 'resolved' && { endReceivedAt: receivedAt }),
    ...(signal.status === 'firing' && isReturned(arrival) && { returned: returnedOf(known, receivedAt) }),
    assumed: false,
    requestsRollback: signal.requestsRollback || before?.requestsRollback === true,
    severity: highestSeverity([signal.severity, ...(before?.severity ? [before.severity] : [])]),
    // A muted alert is evaluated again when the mute ends and it still fires; an event is over by then. A person decided
    // on a silence or maintenance, and sees in the incident that it applies; the other mutes end by themselves.
    muted:
      mute !== null &&
      (incidentId === null || mute.by === 'experiment' || mute.by === 'inhibition') &&
      signal.status === 'firing' &&
      !isEvent(signal),
  };
}

function withStart([last, ...earlier]: readonly DayStarts[], at: Timestamp): DayStarts[] {
  const day = (of: Timestamp): string => of.slice(0, 'YYYY-MM-DD'.length);
  if (last === undefined) return [{ at, times: 1 }];
  return day(last.at) === day(at)
    ? [{ at, times: last.times + 1 }, ...earlier]
    : [{ at, times: 1 }, last, ...earlier].slice(0, START_DAYS_MAX);
}

/** Returns the end that was none, and when that was shown. */
const returnedOf = (known: AlertEpisode | undefined, receivedAt: Timestamp): AlertEpisode['returned'] =>
  known?.returned !== undefined && known.status === 'firing'
    ? known.returned
    : { after: known === undefined ? receivedAt : latestMoment(known), at: receivedAt };

/** What can say of a firing alert whether it is measured. */
const CHANGES_MEASUREMENT: ReadonlySet<Novelty> = new Set([
  'held',
  'released',
  'requests_rollback',
  'raised',
  'measured',
]);

const listingOf = ({ startsAt, episode }: Pick<AlertEpisode, 'startsAt' | 'episode'>) => ({ startsAt, episode });

/** Ends a listed alert under its known start and name. An alert that fires again had ended by then. */
function endOf({ signal, known }: Reported, at: Timestamp): SignalEnd {
  const { startsAt, episode } = known ?? signal;
  return { ...signal, startsAt, episode, endsAt: signal.status === 'firing' ? signal.startsAt : (signal.endsAt ?? at) };
}

function planOpening(
  { at, receivedAt, trace, target, newId: id }: AdmissionState,
  attached: readonly Arrival[],
): AdmissionPlan['incident'] {
  const unmutedArrivals = attached.filter(({ mute }) => mute === null);
  const signals = attached.map(({ signal }) => signal);
  const mostSevere = mostSevereOf(unmutedArrivals.map(({ signal }) => signal));
  if (mostSevere === undefined) throw new RangeError('an incident must open with at least one signal');
  const { service, environment, unmatched } = mostSevere;
  const isShared = target.scope === SHARED_SCOPE;
  const incident: IncidentRecord = {
    ...blankIncident,
    id,
    service,
    environment,
    unmatched,
    title: alertTitle(mostSevere, lastingTitle),
    severity: highestSeverity(unmutedArrivals.map(({ signal }) => signal.severity)),
    page: unmutedArrivals.some(pages),
    notified_channels: [...new Set(unmutedArrivals.flatMap(({ destinations }) => destinations.channels))],
    opened_at: at,
    began_at: earliestStart(attached, receivedAt),
    trace,
    signal_count: signals.length,
    firing: countLasting(signals),
    ...(countLasting(signals) === 0 && { by_event: true as const }),
    ...(!attached.some(isMeasured) && { unmeasured: true as const }),
    requests_rollback: attached.some(requestsRollback),
    // A shared incident belongs to no service; its title, which the page shows, is the number of alerts.
    ...(isShared && {
      environment: SHARED_ENVIRONMENT,
      unmatched: '',
      title: sharedTitle(signals.length),
    }),
  };
  const { scope, otherSlots } = target;
  return {
    kind: 'opens',
    opens: newIncident(incident, scope, signals, isShared ? {} : { reported: alertTitle(mostSevere) }),
    slots: otherSlots === undefined ? null : [...otherSlots, { scope, incident: id, at }],
  };
}

/**
 * Returns the message that reopens an incident, with everything that its next run starts from: nothing is left of a problem that
 * was mitigated, or of the runs until the resolution.
 */
function planReopening(
  { at, receivedAt }: AdmissionState,
  incident: IncidentRecord,
  attached: readonly Reported[],
): InboxPost {
  const unmutedArrivals = attached.filter(({ mute }) => mute === null);
  const signals = attached.map(({ signal }) => signal);
  const severity = highestSeverity([incident.severity, ...unmutedArrivals.map(({ signal }) => signal.severity)]);
  const message: Message & { kind: 'reopened' } = {
    kind: 'reopened',
    critical: unmutedArrivals.some(({ signal }) => signal.severity === 'critical'),
    pages: unmutedArrivals.some(pages),
    requestsRollback: attached.some(requestsRollback),
  };
  const resolver = incident.resolved_by === null ? '' : ` by ${incident.resolved_by.replace(/^person:/, '')}`;
  const firedTitles = signals.map(({ title }) => `"${title}"`).join(', ');
  const text =
    closedAsOf(incident) === 'unverified'
      ? `Reopened: ${firedTitles} still fires or fires again. The incident was closed without a verified recovery`
      : attached.every(isReturned)
        ? `Reopened: ${firedTitles} still fires. Its sender reports a start from before the end, which was therefore only assumed. A person decides about a rollback`
        : `Reopened: ${firedTitles} fired again within minutes after the incident was resolved${resolver}`;
  const problem = reopenedProblem(incident, {
    since: earliestStart(attached, receivedAt),
    pages: message.pages,
    title: problemTitle(unmutedArrivals.map(({ signal }) => signal)),
  });
  const post = inboxPostOf(
    incident,
    message,
    at,
    {
      ...(severity !== incident.severity && { severity }),
      status: 'open',
      verification: 'not_needed',
      ...problem,
      unmeasured: !attached.some(isMeasured),
      timeline: {
        actor: 'alerts',
        kind: 'incident.reopened',
        text,
        detail: { episodes: signals.map(({ episode }) => episode), resolved_at: incident.resolved_at },
      },
    },
    {
      signals: attached.filter(({ novelty }) => novelty !== 'returns').length,
      firing: countLasting(signals),
      lastSeen: -countSeenAgain(incident, attached),
      requestsRollback: message.requestsRollback,
    },
  );
  return reopeningPost(incident, post, at, message.pages ? { page: true } : {});
}

/** Returns the message about alerts that join, change, or end. Null: the workflow needs none. */
function planPost(state: AdmissionState, incident: IncidentRecord, byEffect: ArrivalsByEffect): InboxPost | null {
  const { at, trace, target } = state;
  const attachedSignals = byEffect.attached.map(({ signal }) => signal);
  const unmutedArrivals = [...byEffect.attached, ...byEffect.raised].filter(({ mute }) => mute === null);
  const isShared = target.scope === SHARED_SCOPE;
  const again =
    isShared && unmutedArrivals.some(pages) && pagesAgain(incident.paged_again_at ?? incident.opened_at, at);
  const course = courseOf(state, incident, byEffect);
  const isNewOnset = course.newOnset !== undefined;
  const isMeasuredNow = byEffect.measured.length > 0;
  const isFirstToFire =
    isNewOnset || (incident.firing <= 0 && incident.by_event !== true && byEffect.attached.length > 0);
  const isUnmeasured = isFirstToFire && !byEffect.attached.some(isMeasured);
  const message: Message & { kind: 'signals' } = {
    kind: 'signals',
    // A higher severity counts as news, like another alert.
    fired: attachedSignals.length + byEffect.raised.length,
    resolved: byEffect.ended.length,
    critical: unmutedArrivals.some(({ signal }) => signal.severity === 'critical'),
    pages: unmutedArrivals.some(pages),
    requestsRollback: [...byEffect.attached, ...byEffect.requesting].some(requestsRollback),
    ...(trace === incident.trace && { opening: true as const }),
    ...(isNewOnset
      ? {
          new_onset: true as const,
          ...(course.newOnset?.after_change && { after_change: course.newOnset.after_change.name }),
        }
      : looksBack(incident, unmutedArrivals) && { looks_back: true as const }),
    ...(again && { again: true as const }),
    ...(isMeasuredNow && { measured: true as const }),
    ...(byEffect.attached.length > 0 && unmutedArrivals.length === 0 && { muted: true as const }),
  };
  const { requesting, unmeasured, measured } = byEffect;
  if (message.fired === 0 && message.resolved === 0 && [...requesting, ...unmeasured, ...measured].length === 0)
    return null;
  const severity = highestSeverity([incident.severity, ...unmutedArrivals.map(({ signal }) => signal.severity)]);
  const countChanges = {
    // A returning alert was counted before.
    signals: byEffect.attached.filter((arrival) => isOtherEpisode(arrival) || arrival.known?.incidentId !== incident.id)
      .length,
    firing:
      countLasting(attachedSignals) -
      countLasting(
        [...byEffect.ended, ...byEffect.replaced]
          .filter(({ known }) => known?.lastSeen !== true)
          .map(({ signal }) => signal),
      ),
    lastSeen: -countSeenAgain(incident, [...byEffect.attached, ...byEffect.ended]),
    requestsRollback: message.requestsRollback,
  };
  const timeline = {
    actor: 'alerts',
    // The channel gets no line for each alert, but one for a new problem.
    kind: isNewOnset ? 'incident.failing_again' : kindOf(byEffect),
    text: [textOf(byEffect), ...(message.looks_back ? [NO_NEW_PAGE] : []), ...courseTexts(course)].join('. '),
    detail: detailOf(byEffect),
  };
  const change = {
    ...course,
    ...(severity === incident.severity ? {} : { severity }),
    ...(again && { pagedAgainAt: at }),
    ...(isMeasuredNow ? { unmeasured: false } : isUnmeasured && { unmeasured: true }),
    ...(isShared ? sharedChange(incident, countChanges, timeline) : { timeline }),
  };
  return inboxPostOf(incident, message, at, change, countChanges);
}

/** Returns what the alerts say about the problem that was mitigated: that it is over, or that another one has begun since. */
function courseOf(state: AdmissionState, incident: IncidentRecord, byEffect: ArrivalsByEffect): IncidentChange {
  const course = courseByAlerts(state, incident, byEffect);
  if (course.newOnset !== undefined) return course;
  const begun = newOnsetAfterChange(incident, state.changes ?? [], urgentOf(byEffect.attached, state));
  return { ...course, ...(begun.newOnset === undefined ? namedBy(incident, byEffect.attached) : begun) };
}

/** Returns the title of a problem that was measured before these alerts have reported it. */
function namedBy(incident: IncidentRecord, attached: readonly Reported[]): Pick<IncidentChange, 'title'> {
  const name = isMeasuredTitle(incident.title, incident)
    ? problemTitle(attached.filter(names).map(({ signal }) => signal))
    : undefined;
  return name === undefined ? {} : { title: name };
}

/** Returns whether an alert that has begun can name a problem that was measured. */
const names = (one: Reported): boolean => isOtherEpisode(one) && one.mute === null && namesProblem(one.signal);

/** Returns the alerts that have begun and are critical or page. */
const urgentOf = (attached: readonly Reported[], { receivedAt }: AdmissionState): UrgentFailure[] =>
  attached
    .filter((one) => begins(one) && (one.signal.severity === 'critical' || pages(one)))
    .map((one) => ({ since: earliestStart([one], receivedAt), pages: pages(one), alert: one.signal }));

/** Returns whether a new episode has begun that lasts. */
const begins = (one: Reported): boolean => isOtherEpisode(one) && opensIncident([one]) && !isEvent(one.signal);

/**
 * Returns what the alerts alone say about it. An alert that may be about the time before the mitigation says neither, unless it
 * has ended in between.
 */
function courseByAlerts(
  { at, receivedAt, recoverySeconds }: AdmissionState,
  incident: IncidentRecord,
  { attached, ended, replaced }: ArrivalsByEffect,
): IncidentChange {
  const { firing, verification, verifying, by_event: byEvent } = incident;
  const over = [...ended, ...replaced].filter(({ known }) => known?.lastSeen !== true);
  // The end of an alert says nothing about an event that opened the incident.
  const areAllOver = over.length > 0 && byEvent !== true && firing <= countLasting(over.map(({ signal }) => signal));
  const endedAt = areAllOver ? earliest([latest(over.map((one) => endOf(one, at).endsAt)), receivedAt]) : null;
  const mitigatedAt = verification === 'pending' ? verifying?.at : undefined;
  const isNew = (one: Reported): boolean =>
    begins(one) &&
    (mitigatedAt === undefined || !looksBackBefore(one.signal, mitigatedAt) || endBefore(one) >= mitigatedAt);
  const fresh = attached.filter(isNew);
  // An alert that returns had not ended.
  const isSame = incident.recovered_at !== undefined && attached.some(({ signal, known }) => isReturn(signal, known));
  if (fresh.length === 0 && isSame) return { recoveredAt: null };
  if (fresh.length === 0) return endedAt === null ? {} : recovered(incident, endedAt);
  const since = earliestStart(fresh, receivedAt);
  const title = problemTitle(fresh.map(({ signal }) => signal));
  return newOnset(incident, { since, recoveredAt: endedAt, pages: fresh.some(pages), title, recoverySeconds });
}

/** Returns the earliest start of these alerts. The alert of a watch starts with the first measurement of its version. */
const earliestStart = (fresh: readonly Pick<Arrival, 'signal'>[], receivedAt: Timestamp): Timestamp =>
  earliest([...fresh.map(({ signal }) => (signal.source === 'watch' ? receivedAt : signal.startsAt)), receivedAt]);

/** Returns when the episode before this one ended. Empty: there was none. */
const endBefore = ({ signal, known }: Reported): string =>
  known === undefined ? '' : known.status === 'firing' ? signal.startsAt : (known.endsAt ?? known.startsAt);

const earliest = (times: readonly Timestamp[]): Timestamp => times.reduce((a, b) => (b < a ? b : a));
const latest = (times: readonly Timestamp[]): Timestamp => times.reduce((a, b) => (b > a ? b : a));

const courseTexts = ({ newOnset: onset, recoveredAt }: IncidentChange): string[] =>
  onset !== undefined
    ? [newOnsetText(onset)]
    : recoveredAt == null
      ? []
      : ['The problem is over: all alerts have ended'];

function sharedChange(
  { signal_count, firing }: IncidentRecord,
  countChanges: { signals: number; firing: number },
  timeline: NonNullable<IncidentChange['timeline']>,
): IncidentChange {
  const count = signal_count + countChanges.signals;
  const isInTimeline = isReportedCount(signal_count, count) || isReportedCount(firing, firing + countChanges.firing);
  return {
    title: sharedTitle(count),
    ...(isInTimeline && { timeline: { ...timeline, text: `${timeline.text}. ${count} alerts so far` } }),
  };
}

const NO_NEW_PAGE = 'No new page: the time range of these alerts begins before the mitigation, which is being verified';

/** Counts the alerts that stay active until they are resolved. */
const countLasting = (signals: readonly Signal[]): number => signals.filter((signal) => !isEvent(signal)).length;

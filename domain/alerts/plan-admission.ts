import type { IncidentId } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Message } from '../../schemas/incidents/inbox.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { blankIncident, type NewIncident, newIncident } from '../incidents/new-incident.ts';
import { type Post, postOf } from '../incidents/post.ts';
import type { Admitted, IncidentChange } from '../ports/incidents.ts';
import {
  type Arrival,
  requestsRollback,
  type Closed,
  highest,
  isEvent,
  type KnownEpisode,
  looksBack,
  type Novelty,
  noveltyOf,
  opensIncident,
  pages,
} from './admission.ts';
import {
  isWorthTelling,
  pagesAgain,
  SHARED_ENVIRONMENT,
  SHARED_SCOPE,
  sharedTitle,
  type Target,
  type UnmatchedScope,
} from './unmatched.ts';

/** Stored state of an alert: its newest episode, and the incident that lists it. */
export type AlertEpisode = KnownEpisode & {
  episode: string;
  incidentId: IncidentId | null;
  /** When it began to fire, newest first, up to `FIRED_KEPT` times. Empty: stored before this was recorded. */
  firedAt: readonly Timestamp[];
};

/** How many starts of an alert are kept. They show whether an alert without incidents fires often. */
const FIRED_KEPT = 20;

/** What the admission of arrivals with the same target depends on. */
export type AdmissionState = {
  at: Timestamp;
  receivedAt: Timestamp;
  trace: string;
  target: Target;
  /** Stored state of each arrival's alert. Undefined: unknown. */
  alerts: readonly (AlertEpisode | undefined)[];
  /** Resolved incidents of these alerts. */
  closed: ReadonlyMap<IncidentId, Closed>;
  /** ID of an incident that opens. */
  newId: IncidentId;
};

/**
 * What the admission writes, in one transaction, on condition that nothing it depends on has changed.
 *
 * - `known`: nothing, except that an open incident was notified again
 * - `recorded`: only the alerts themselves
 * - `opens`: a new incident. `slots`: of services outside the catalogue
 * - `joins`: the open incident, with a message unless the workflow needs none
 */
export type AdmissionPlan = {
  /** New state of each arrival's alert. Null: unchanged. */
  alerts: readonly (AlertEpisode | null)[];
  incident:
    | { kind: 'known'; renotified: IncidentId | null }
    | { kind: 'recorded' }
    | { kind: 'opens'; opens: NewIncident; slots: readonly UnmatchedScope[] | null }
    | { kind: 'joins'; id: IncidentId; post: Post | null };
  /** Alerts that the incident lists from now on. */
  listed: readonly Signal[];
  /** Listed alerts that have ended. */
  ended: readonly { startsAt: Timestamp; episode: string; endsAt: Timestamp }[];
  admitted: Admitted;
};

/**
 * An arrival with what it adds to the stored state of its alert. `unmuted`: an alert that this incident lists was
 * expected from an experiment, and is real now.
 */
type Reported = Arrival & { known: AlertEpisode | undefined; novelty: Novelty; unmuted: boolean };

/**
 * Arrivals by their effect on the incident. `replaced`: fired again without having been reported as resolved. `raised`:
 * alerts of this incident with a higher severity.
 */
type Parts = Record<'attached' | 'ended' | 'replaced' | 'asking' | 'raised', readonly Reported[]>;

/** Decides what arrivals with the same target add to the stored state. */
export function planAdmission(state: AdmissionState, arrivals: readonly Arrival[]): AdmissionPlan {
  const { at, target } = state;
  const { incident } = target;
  const reported = arrivals.map((arrival, n) => reportedOf(arrival, state.alerts[n], state));
  const fired = reported.filter(({ novelty }) => novelty === 'opens' || novelty === 'returns');
  const requesting = reported.filter(
    ({ novelty, signal, known, mute, unmuted }) =>
      (novelty === 'requests_rollback' ||
        (novelty === 'raised' && signal.requestsRollback && (unmuted || known?.requestsRollback === false))) &&
      mute === null &&
      (known?.incidentId === incident?.id || known?.incidentId === null),
  );
  const raisedApart = reported.filter(
    ({ novelty, known, mute }) => novelty === 'raised' && mute === null && known?.incidentId === null,
  );
  const ofThis = reported.filter(({ known }) => incident !== undefined && known?.incidentId === incident.id);
  const opens = target.mayOpen && incident === undefined && opensIncident([...fired, ...requesting, ...raisedApart]);
  const id = incident?.id ?? (opens ? state.newId : null);
  const news = reported.filter(({ novelty }) => novelty !== 'nothing');
  const counts = { opened: opens ? 1 : 0, joined: 0, recorded: 0, known: reported.length - news.length };
  if (news.length === 0) {
    const renotified = reported.some(({ signal }) => signal.status === 'firing') ? id : null;
    return {
      alerts: reported.map(() => null),
      incident: { kind: 'known', renotified },
      listed: [],
      ended: [],
      admitted: { wake: id === null ? [] : [id], opened: [], withoutIncident: apartOf(reported, null, []), counts },
    };
  }
  // An alert that was recorded without an incident, and now requests a rollback or has a higher severity, belongs to
  // the incident that it opens.
  const attached = [
    ...new Set([...fired, ...requesting.filter(({ known }) => known?.incidentId === null), ...raisedApart]),
  ];
  const parts: Parts = {
    attached,
    asking: requesting,
    raised: ofThis.filter(({ novelty }) => novelty === 'raised'),
    ended: ofThis.filter(({ novelty }) => novelty === 'resolves'),
    replaced: ofThis.filter(({ novelty, known }) => novelty === 'opens' && known?.status === 'firing'),
  };
  if (id === null) counts.recorded = news.length;
  else counts.joined = opens ? attached.length - 1 : attached.length;
  return {
    alerts: reported.map((one) => (one.novelty === 'nothing' ? null : episodeOf(one, attached.includes(one), id, at))),
    incident:
      id === null
        ? { kind: 'recorded' }
        : incident === undefined
          ? opening(state, attached)
          : { kind: 'joins', id, post: joining(state, incident, parts) },
    listed: id === null ? [] : attached.map(({ signal }) => signal),
    ended: [...parts.ended, ...parts.replaced].map((one) => endOf(one, at)),
    admitted: {
      wake: id === null ? [] : [id],
      opened: opens && id !== null ? [id] : [],
      withoutIncident: apartOf(reported, id, attached),
      counts,
    },
  };
}

function reportedOf(
  arrival: Arrival,
  known: AlertEpisode | undefined,
  { target, closed, receivedAt }: AdmissionState,
): Reported {
  const { incidentId = null } = known ?? {};
  const over = incidentId === null || incidentId === target.incident?.id ? null : (closed.get(incidentId) ?? null);
  const novelty = noveltyOf(arrival.signal, known, over, receivedAt, arrival.mute);
  const unmuted = novelty === 'returns' && known?.muted === true && incidentId !== null && over === null;
  // Its incident lists it already, so it counts like an alert with a higher severity.
  return { ...arrival, known, novelty: unmuted ? 'raised' : novelty, unmuted };
}

/** Returns the arrivals without an incident and their status: a late "firing" does not reopen a resolved alert. */
const apartOf = (
  reported: readonly Reported[],
  id: IncidentId | null,
  attached: readonly Reported[],
): Admitted['withoutIncident'] =>
  reported
    .filter((one) => (id === null || !attached.includes(one)) && (one.known?.incidentId ?? null) === null)
    .map(({ signal, delivery: destinations, mute, novelty, known }) => ({
      arrival: { signal, delivery: destinations, mute },
      status: novelty === 'nothing' && !isEvent(signal) ? (known?.status ?? signal.status) : signal.status,
    }));

/** Returns whether this is a different episode from the known one. */
const beginsAnew = ({ known, novelty }: Reported): boolean =>
  known === undefined || novelty === 'opens' || novelty === 'ended';

/** Returns the new state of an alert. @param attached it belongs to the incident from now on, listed under its start */
function episodeOf(one: Reported, attached: boolean, id: IncidentId | null, at: Timestamp): AlertEpisode {
  const { signal, mute, known } = one;
  const before = known !== undefined && !beginsAnew(one) ? known : undefined;
  const { episode, startsAt } = attached ? signal : (before ?? signal);
  const incidentId = attached ? id : (known?.incidentId ?? null);
  const earlier = known?.firedAt ?? [];
  return {
    firedAt: one.novelty === 'opens' ? [at, ...earlier].slice(0, FIRED_KEPT) : earlier,
    episode,
    startsAt,
    incidentId,
    status: isEvent(signal) ? 'resolved' : signal.status,
    endsAt: signal.status === 'resolved' ? (signal.endsAt ?? at) : null,
    assumed: false,
    requestsRollback: signal.requestsRollback || before?.requestsRollback === true,
    severity: highest([signal.severity, ...(before?.severity ? [before.severity] : [])]),
    // A muted alert is evaluated again when the mute ends and it still fires; an event is over by then.
    muted:
      mute !== null &&
      (incidentId === null || mute.by === 'experiment') &&
      signal.status === 'firing' &&
      !isEvent(signal),
  };
}

/** Ends a listed alert under its known start and name. An alert that fires again had ended by then. */
function endOf({ signal, known }: Reported, at: Timestamp): AdmissionPlan['ended'][number] {
  const { startsAt, episode } = known ?? signal;
  return { startsAt, episode, endsAt: signal.status === 'firing' ? signal.startsAt : (signal.endsAt ?? at) };
}

function opening(
  { at, trace, target, newId: id }: AdmissionState,
  attached: readonly Arrival[],
): AdmissionPlan['incident'] {
  const loud = attached.filter(({ mute }) => mute === null);
  const signals = attached.map(({ signal }) => signal);
  const [loudest] = loud
    .map(({ signal }) => signal)
    .toSorted((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'));
  if (loudest === undefined) throw new RangeError('an incident must open with at least one signal');
  const { service, environment, unmatched, title } = loudest;
  const incident: IncidentRecord = {
    ...blankIncident,
    id,
    service,
    environment,
    unmatched,
    title: unmatched ? `${unmatched}: ${title}` : title,
    severity: highest(loud.map(({ signal }) => signal.severity)),
    page: loud.some(pages),
    notified_channels: [...new Set(loud.flatMap(({ delivery: destinations }) => destinations.channels))],
    opened_at: at,
    trace,
    signal_count: signals.length,
    firing: lasting(signals),
    ...(lasting(signals) === 0 && { by_event: true as const }),
    requests_rollback: attached.some(requestsRollback),
    // A shared incident belongs to no service; its title, which the page shows, is the number of alerts.
    ...(target.scope === SHARED_SCOPE && {
      environment: SHARED_ENVIRONMENT,
      unmatched: '',
      title: sharedTitle(signals.length),
    }),
  };
  const { scope, otherSlots } = target;
  return {
    kind: 'opens',
    opens: newIncident(incident, scope, signals),
    slots: otherSlots === undefined ? null : [...otherSlots, { scope, incident: id, at }],
  };
}

/** Returns the message about alerts that join, change, or end. Null: the workflow needs none. */
function joining({ at, trace, target }: AdmissionState, incident: IncidentRecord, parts: Parts): Post | null {
  const fresh = parts.attached.map(({ signal }) => signal);
  const loud = [...parts.attached, ...parts.raised].filter(({ mute }) => mute === null);
  const isShared = target.scope === SHARED_SCOPE;
  const again = isShared && loud.some(pages) && pagesAgain(incident.paged_again_at ?? incident.opened_at, at);
  const message: Message & { kind: 'signals' } = {
    kind: 'signals',
    // A higher severity counts as news, like another alert.
    fired: fresh.length + parts.raised.length,
    resolved: parts.ended.length,
    critical: loud.some(({ signal }) => signal.severity === 'critical'),
    pages: loud.some(pages),
    requestsRollback: [...parts.attached, ...parts.asking].some(requestsRollback),
    ...(trace === incident.trace && { opening: true as const }),
    ...(looksBack(incident, loud) && { looks_back: true as const }),
    ...(again && { again: true as const }),
  };
  if (message.fired === 0 && message.resolved === 0 && parts.asking.length === 0) return null;
  const severity = highest([incident.severity, ...loud.map(({ signal }) => signal.severity)]);
  const counted = {
    // A returning alert was counted before.
    signals: parts.attached.filter((one) => beginsAnew(one) || one.known?.incidentId !== incident.id).length,
    firing: lasting(fresh) - lasting([...parts.ended, ...parts.replaced].map(({ signal }) => signal)),
    requestsRollback: message.requestsRollback,
  };
  const timeline = {
    actor: 'alerts',
    kind: kindOf(parts),
    text: message.looks_back ? `${textOf(parts)}. ${NO_NEW_PAGE}` : textOf(parts),
    detail: detailOf(parts),
  };
  const change = {
    ...(severity === incident.severity ? {} : { severity }),
    ...(again && { pagedAgainAt: at }),
    ...(isShared ? sharedChange(incident, counted, timeline) : { timeline }),
  };
  return postOf(incident, message, at, change, counted);
}

/** Returns the message about an alert whose end its sender did not report. @param text reason for the assumption */
export const assumedEnd = (incident: IncidentRecord, episode: string, text: string, at: Timestamp): Post =>
  postOf(
    incident,
    { kind: 'signals', fired: 0, resolved: 1, critical: false, requestsRollback: false },
    at,
    { timeline: { actor: 'firebreak', kind: 'alerts.ended', text, detail: { resolved: [episode] } } },
    { firing: -1 },
  );

function sharedChange(
  { signal_count, firing }: IncidentRecord,
  more: { signals: number; firing: number },
  timeline: NonNullable<IncidentChange['timeline']>,
): IncidentChange {
  const count = signal_count + more.signals;
  const isTold = isWorthTelling(signal_count, count) || isWorthTelling(firing, firing + more.firing);
  return {
    title: sharedTitle(count),
    ...(isTold && { timeline: { ...timeline, text: `${timeline.text}. ${count} alerts so far` } }),
  };
}

const NO_NEW_PAGE = 'No new page: the time range of these alerts begins before the mitigation, which is being verified';

const kindOf = ({ attached, raised, ended }: Parts): string =>
  attached.length > 0
    ? 'alerts.fired'
    : raised.length > 0
      ? 'alerts.raised'
      : ended.length > 0
        ? 'alerts.resolved'
        : 'alerts.rollback_requested';

const textOf = ({ attached, raised, ended, asking: requesting }: Parts): string =>
  [
    attached.length > 0 ? `Firing: ${titles(attached)}` : '',
    raisedText(raised),
    ended.length > 0 ? `Resolved: ${titles(ended)}` : '',
    attached.length + raised.length === 0 && requesting.length > 0 ? `Rollback requested: ${titles(requesting)}` : '',
  ]
    .filter(Boolean)
    .join('. ');

function raisedText(raised: readonly Reported[]): string {
  const [unmuted, others] = [raised.filter((one) => one.unmuted), raised.filter((one) => !one.unmuted)];
  return [
    others.length > 0
      ? `Severity raised to ${highest(others.map(({ signal }) => signal.severity))}: ${titles(others)}`
      : '',
    unmuted.length > 0 ? `No longer expected, and still firing: ${titles(unmuted)}` : '',
  ]
    .filter(Boolean)
    .join('. ');
}

function titles(reported: readonly Reported[]): string {
  const names = [...new Set(reported.map(({ signal }) => signal.title))];
  return (
    names.slice(0, 3).join('; ') +
    (names.length > 3 || reported.length > names.length ? ` (${reported.length} alerts)` : '')
  );
}

const detailOf = ({ attached, raised, ended, asking: requesting }: Parts) => ({
  ...(raised.length > 0 && { raised: raised.map(({ signal }) => signal.episode) }),
  fired: attached.map(({ signal }) => signal.episode),
  resolved: ended.map(({ signal }) => signal.episode),
  asked: requesting.map(({ signal }) => signal.episode),
});

/** Counts the alerts that stay active until they are resolved. */
const lasting = (signals: readonly Signal[]): number => signals.filter((signal) => !isEvent(signal)).length;

import type { Config } from '../../../schemas/config/config.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import type { RecordedIncident } from '../recording.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { pages, requestsRollback, scopeOf } from '../../../core/domain/alerts/admission.ts';
import { planAdmission } from '../../../core/domain/alerts/plan-admission.ts';
import { SHARED_SCOPE } from '../../../core/domain/alerts/unmatched.ts';
import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import { scopeOfGroup } from '../../../core/domain/incidents/incident-group.ts';
import { arrivalOf } from './signals.ts';

/** An incident as a policy opens it. `scope`: at most one incident of it is open. */
export type Opened = { incident: IncidentRecord; scope: string; channels: readonly string[] };

/** Alerts that were admitted in one transaction. */
export type Batch = { at: Timestamp; signals: readonly RecordedSignal[] };

/** Groups alerts by the transaction in which they were admitted, oldest first. */
export function batchesOf(signals: readonly RecordedSignal[]): Batch[] {
  const batches = new Map<Timestamp, RecordedSignal[]>();
  for (const signal of signals) batches.set(signal.at, [...(batches.get(signal.at) ?? []), signal]);
  return [...batches]
    .map(([at, all]) => ({ at, signals: all.toSorted((a, b) => (a.episode < b.episode ? -1 : 1)) }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

/**
 * Returns the incident that alerts open under a policy. Null: they open none.
 *
 * @param isShared the incident is the one that all services outside the catalogue share beyond their limit
 */
export function openingBy(id: RecordedIncident['id'], batch: Batch, policy: Config, isShared = false): Opened | null {
  const arrivals = batch.signals.map((signal) => arrivalOf(signal, policy));
  const [first] = arrivals;
  const [received] = batch.signals;
  if (first === undefined || received === undefined) return null;
  const { incident } = planAdmission(
    {
      at: batch.at,
      receivedAt: received.received_at,
      trace: '',
      target: { scope: isShared ? SHARED_SCOPE : scopeOf(first.signal), incident: undefined, mayOpen: true },
      alerts: arrivals.map(() => undefined),
      closed: new Map(),
      newId: id,
    },
    arrivals,
  );
  if (incident.kind !== 'opens') return null;
  const { opens } = incident;
  return { incident: opens.incident, scope: opens.scope, channels: opens.incident.notified_channels ?? [] };
}

/** Returns an incident that a person or a group opened: no policy for alerts decides about that. */
export function openingAsRecorded(recorded: RecordedIncident): Opened {
  const { id, service, environment, unmatched, title, severity, opened_at } = recorded;
  const isGroup = recorded.opened_by === 'group';
  return {
    incident: {
      ...blankIncident,
      id,
      service,
      environment,
      unmatched,
      title,
      severity,
      opened_at,
      trace: '',
      ...(isGroup ? { group_reason: { because: 'many' as const, name: '', text: '' } } : { by_hand: true as const }),
    },
    scope: isGroup ? scopeOfGroup(environment) : scopeOf(recorded),
    channels: [],
  };
}

/** Returns the message that alerts make when they join an incident under a policy. */
export function joinedMessage(incident: IncidentRecord, scope: string, batch: Batch, policy: Config): Message | null {
  const arrivals = batch.signals.map((signal) => arrivalOf(signal, policy));
  const [received] = batch.signals;
  if (received === undefined) return null;
  const plan = planAdmission(
    {
      at: batch.at,
      receivedAt: received.received_at,
      trace: '-',
      target: { scope, incident, mayOpen: true },
      alerts: arrivals.map(() => undefined),
      closed: new Map(),
      newId: incident.id,
    },
    arrivals,
  );
  return plan.incident.kind === 'joins' ? (plan.incident.post?.message ?? null) : null;
}

type SignalsMessage = Extract<Message, { kind: 'signals' }>;

/**
 * Returns a recorded message about alerts as a policy would have written it. Whether alerts page depends on the routes
 * and mutes; what fired and ended does not.
 *
 * @param batch the alerts that the message is about. Undefined: only known alerts changed, which are not recorded again
 * @param all alerts of the incident
 */
export function messageUnder(
  message: SignalsMessage,
  batch: Batch | undefined,
  all: readonly RecordedSignal[],
  policy: Config,
): SignalsMessage {
  const { muted: _, ...rest } = message;
  if (batch === undefined) return { ...rest, ...raisedUnder(message, all, policy) };
  const arrivals = batch.signals.map((signal) => arrivalOf(signal, policy));
  const unmuted = arrivals.filter(({ mute }) => mute === null);
  const isRaised = message.fired > batch.signals.length;
  const raised = isRaised ? raisedUnder(message, all, policy) : { pages: false };
  return {
    ...rest,
    critical: unmuted.some(({ signal }) => signal.severity === 'critical') || (raised.pages && message.critical),
    pages: unmuted.some(pages) || raised.pages,
    requestsRollback: arrivals.some(requestsRollback) || (message.requestsRollback && isRaised),
    ...(unmuted.length === 0 && !isRaised && { muted: true as const }),
  };
}

/** Returns whether a known alert that became critical pages under a policy. Only that it did so is recorded. */
function raisedUnder(message: SignalsMessage, all: readonly RecordedSignal[], policy: Config): { pages: boolean } {
  if (!(message.pages ?? message.critical)) return { pages: false };
  return { pages: all.some((signal) => pages(arrivalOf({ ...signal, severity: 'critical' }, policy))) };
}

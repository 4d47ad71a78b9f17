import type { RecordedSignal } from '../../../../schemas/alerts/recorded-signal.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { type RecordedAlert, type RecordedDecision, type RecordedIncident, RECORDING_FORMAT } from '../../recording.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { DecisionInputs } from '../../../../core/domain/rollback/judgement.ts';
import { decide } from '../../../../core/domain/rollback/rollback.ts';
import { askedOf } from '../../decisions/policy-inputs.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { INCIDENT, NOON } from '../../../../test/core/arbitraries.ts';

/** Builds a critical alert of checkout that was admitted at noon. */
export function recordedSignal(more: Partial<RecordedSignal> = {}): RecordedSignal {
  const at = more.at ?? NOON;
  const fingerprint = more.fingerprint ?? 'e13f9abf0ab3b700';
  const { severity = 'critical', service = 'checkout', environment = 'production' } = more;
  return {
    at,
    received_at: at,
    muted: null,
    source: 'alertmanager',
    episode: `alertmanager:${fingerprint}:${at}`,
    fingerprint,
    episodic: true,
    starts_at: at,
    ends_at: null,
    service: service as ServiceName,
    environment: environment as EnvironmentName,
    unmatched: null,
    severity,
    requests_rollback: false,
    monitoring_failure: false,
    title: 'checkout answers with errors',
    labels: [
      ['alertname', 'HighErrorRatio'],
      ['service', service],
      ['environment', environment],
      ['severity', severity],
    ],
    annotations: [],
    ...more,
  };
}

/** Builds the decision that these inputs give. */
export function recordedDecision(
  inputs: DecisionInputs,
  number = 1,
  at: Timestamp = plusSeconds(NOON, 10),
): RecordedDecision {
  const { kind, from, to } = decide(inputs);
  const state = kind === 'approve' ? 'waiting' : 'final';
  return { number, at, kind, state, from, to, inputs: JSON.parse(JSON.stringify(inputs)) };
}

/** Builds an incident of checkout in production that opened at noon, recorded under a policy. */
export function recordedIncident(policy: Config, more: Partial<RecordedIncident> = {}): RecordedIncident {
  const at = { service: 'checkout' as ServiceName, environment: 'production' as EnvironmentName };
  return {
    format: RECORDING_FORMAT,
    id: INCIDENT as IncidentId,
    ...at,
    unmatched: null,
    title: 'checkout answers with errors',
    severity: 'critical',
    opened_at: NOON,
    resolved_at: plusSeconds(NOON, 900),
    opened_by: 'alerts',
    parent: null,
    pages_by_parent: [],
    asked: askedOf(policy, at),
    responder: null,
    signals: [recordedSignal()],
    truncated: false,
    messages: [],
    decisions: [],
    runbooks: [],
    pages: [{ number: 1, at: NOON }],
    ...more,
  };
}

/** Builds an alert that opened no incident. */
export const recordedAlert = (more: Partial<RecordedSignal>, firedAt: Timestamp[]): RecordedAlert => ({
  signal: recordedSignal({ severity: 'warning', ...more }),
  fired_at: firedAt,
});

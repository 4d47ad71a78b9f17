import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import type { AdmittedSignal } from '../ports/alerts.ts';

/** Returns an alert as it was admitted. */
export function recordedSignal(signal: AdmittedSignal): RecordedSignal {
  return {
    at: signal.first_seen_at,
    received_at: signal.received_at ?? signal.first_seen_at,
    muted: signal.mute ?? null,
    source: signal.source,
    episode: signal.episode,
    fingerprint: signal.fingerprint,
    episodic: signal.episodic,
    starts_at: signal.startsAt,
    ends_at: signal.status === 'resolved' ? signal.endsAt : null,
    service: signal.service,
    environment: signal.environment,
    unmatched: signal.unmatched,
    severity: signal.severity,
    requests_rollback: signal.requestsRollback,
    ...(signal.rollbackNotPermitted && { rollback_not_permitted: true as const }),
    monitoring_failure: signal.monitoringFailure,
    ...(signal.sender !== undefined && { sender: signal.sender }),
    title: signal.title,
    labels: signal.labels,
    annotations: signal.annotations,
  };
}

import type { Config } from '../../../schemas/config/config.ts';
import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Arrival } from '../../../core/domain/alerts/admission.ts';
import { destinationsOf, mutedBy } from '../../../core/domain/alerts/routing.ts';
import { serviceEnvironmentOf } from '../../../core/domain/alerts/signal.ts';

/** Senders whose alerts carry their service beside the labels. */
const SOURCES_WITH_SERVICE: ReadonlySet<Signal['source']> = new Set(['deployment']);

/** Returns a recorded alert as it fired, with the service and environment that a configuration gives it. */
export function signalOf(recorded: RecordedSignal, config: Config): Signal {
  const labels = new Map(recorded.labels);
  const { service, environment, unmatched } = SOURCES_WITH_SERVICE.has(recorded.source)
    ? recorded
    : serviceEnvironmentOf(labels, config);
  return {
    source: recorded.source,
    episode: recorded.episode,
    fingerprint: recorded.fingerprint,
    episodic: recorded.episodic,
    status: 'firing',
    startsAt: recorded.starts_at,
    endsAt: null,
    service,
    environment,
    unmatched,
    severity: recorded.severity,
    requestsRollback: recorded.requests_rollback,
    ...(recorded.rollback_not_permitted && { rollbackNotPermitted: true as const }),
    ...(recorded.sender !== undefined && { sender: recorded.sender }),
    monitoringFailure: recorded.monitoring_failure,
    title: recorded.title,
    links: { runbook: null, dashboard: null, source: null },
    labels: recorded.labels,
    annotations: recorded.annotations,
    blob: null,
  };
}

/**
 * Returns a recorded alert with the routes and the mutes of a policy. Maintenance windows belong to the policy; a
 * silence and an experiment of the time stay in force.
 */
export function arrivalOf(recorded: RecordedSignal, policy: Config): Arrival {
  const signal = signalOf(recorded, policy);
  const kept = recorded.muted?.by === 'maintenance' ? null : recorded.muted;
  return {
    signal,
    destinations: destinationsOf(signal, policy, recorded.received_at),
    mute: kept ?? mutedBy(signal, policy, null, recorded.at),
  };
}

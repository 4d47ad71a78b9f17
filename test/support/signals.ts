import type { Arrival } from '../../core/domain/alerts/admission.ts';
import { type Destinations, destinationsOf, type Mute } from '../../core/domain/alerts/routing.ts';
import { type Config, emptyConfig } from '../../schemas/config/config.ts';
import { UNMATCHED, type EnvironmentName, type ServiceName } from '../../schemas/config/names.ts';
import type { Signal } from '../../schemas/alerts/signal.ts';
import type { Timestamp } from '../../schemas/time/time.ts';

/** Returns a signal. By default, it is critical, for checkout in production, and asks for a rollback. */
export function signal(more: Partial<Signal> = {}): Signal {
  const { source = 'alertmanager', fingerprint = 'e13f9abf0ab3b700', episodic = true } = more;
  const startsAt = more.startsAt ?? ('2026-11-20T11:59:00.000Z' as Timestamp);
  return {
    source,
    episode: [source, fingerprint, ...(episodic ? [startsAt] : [])].join(':'),
    fingerprint,
    episodic,
    status: 'firing',
    startsAt,
    endsAt: null,
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    unmatched: null,
    severity: 'critical',
    requestsRollback: true,
    monitoringFailure: false,
    title: 'checkout answers with errors',
    links: { runbook: null, dashboard: null, source: null },
    labels: [['alertname', 'HighErrorRatio']],
    annotations: [],
    blob: null,
    ...more,
  };
}

/** Returns a signal of a service outside of the catalogue, with the service name from its alert. */
export const stranger = (unmatched: string, more: Partial<Signal> = {}): Signal =>
  signal({ service: UNMATCHED, unmatched, requestsRollback: false, ...more });

/** Returns a signal as admitted. By default, it is delivered as without routes, and not muted. */
export const arrival = (
  one: Signal,
  { delivery = {}, mute = null }: { delivery?: Partial<Destinations>; mute?: Mute | null } = {},
): Arrival => ({ signal: one, destinations: { ...destinationsOf(one, emptyConfig, one.startsAt), ...delivery }, mute });

/** Returns several signals, delivered by the routes of `config` at their start times. */
export const arrivals = (signals: readonly Signal[], config: Config = emptyConfig): Arrival[] =>
  signals.map((one) => arrival(one, { delivery: destinationsOf(one, config, one.startsAt) }));

/** Another alert that inhibits. */
export const inhibited: Mute = { by: 'inhibition', name: 'ClusterDown', until: null, reason: '' };

/** A silence by a person, for a disk replacement. */
export const silenced: Mute = { by: 'silence', name: 'silence-1', until: null, reason: 'new disks (by ada)' };

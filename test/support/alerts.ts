/** An Alertmanager payload, as version 4 of the webhook has it, around these alerts. */
export function group(alerts: readonly object[], more: object = {}): object {
  return {
    receiver: 'firebreak',
    status: 'firing',
    version: '4',
    groupKey: '{}:{}',
    truncatedAlerts: 0,
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: 'http://alertmanager.test',
    alerts,
    ...more,
  };
}

export type AlertOptions = {
  labels?: Record<string, string>;
  status?: 'firing' | 'resolved';
  startsAt?: string;
  fingerprint?: string;
  annotations?: Record<string, string>;
};

/** One alert of checkout in production that is critical and asks for a rollback, unless said otherwise. */
export function alert({
  labels = {},
  status = 'firing',
  startsAt = minutesAgo(1),
  fingerprint = 'e13f9abf0ab3b700',
  annotations = {},
}: AlertOptions = {}): object {
  return {
    status,
    labels: {
      alertname: 'HighErrorRatio',
      service: 'checkout',
      environment: 'production',
      severity: 'critical',
      action: 'auto-rollback',
      ...labels,
    },
    annotations: { summary: 'checkout answers with errors', ...annotations },
    startsAt,
    endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : new Date().toISOString(),
    generatorURL: 'http://prometheus.test/graph',
    fingerprint,
  };
}

export const minutesAgo = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

/** A catalogue in which checkout in production may be rolled back by the stand-in of the CD system, without asking. */
export const actingCheckout = {
  checkout: {
    environments: {
      production: { deployer: { kind: 'http' }, autoRollback: { mode: 'act', unknownMigration: 'act' } },
    },
  },
};

/** v1 good for hours, v2 rolled out just before the alerts of `alert()` began. */
export const twoDeployments = (service = 'checkout'): object[] => [
  { service, environment: 'production', version: 'v1', started_at: minutesAgo(240), finished_at: minutesAgo(235) },
  { service, environment: 'production', version: 'v2', started_at: minutesAgo(8), finished_at: minutesAgo(5) },
];

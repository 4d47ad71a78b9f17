/** Returns an Alertmanager payload (version 4 of the webhook) with these alerts. */
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

/** Returns an alert. By default, it is critical, for checkout in production, and asks for a rollback. */
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

/** A catalogue in which the stand-in of the CD system may roll back checkout in production automatically. */
export const actingCheckout = {
  checkout: {
    environments: {
      production: {
        deployer: { kind: 'http' },
        autoRollback: { mode: 'act', evidence: 'time', unknownMigration: 'act' },
      },
    },
  },
};

/**
 * Returns two deployments: v1, successful for hours, and v2, rolled out just before the alerts of `alert()` started.
 */
export const twoDeployments = (service = 'checkout'): object[] => [
  { service, environment: 'production', version: 'v1', started_at: minutesAgo(240), finished_at: minutesAgo(235) },
  { service, environment: 'production', version: 'v2', started_at: minutesAgo(6), finished_at: minutesAgo(3) },
];

import type { MonitoringDeps } from '../../domain/ports/deps.ts';
import type { Secrets } from '../../domain/ports/system.ts';
import { alertmanagerSilences } from '../../integrations/alertmanager/silences.ts';
import { httpMeasurements } from '../../integrations/http-metrics/measure.ts';
import { grafanaDashboards } from '../../integrations/grafana/dashboards.ts';
import { routingDifferences } from '../../integrations/alertmanager/routing.ts';
import { loadedRules } from '../../integrations/prometheus/loaded-rules.ts';
import { derivedMetrics } from '../../integrations/prometheus/judge-queries.ts';
import { prometheus } from '../../integrations/prometheus/metrics.ts';
import { versionLabels } from '../../integrations/prometheus/version-labels.ts';
import { prometheusQueries } from '../../integrations/prometheus/queries.ts';
import { alertStates } from '../../integrations/shared/alert-states.ts';
import { NoResponse } from '../../integrations/shared/http.ts';
import { type Server, serverAt } from '../../integrations/shared/server.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { SloAlertTable } from '../../stores/slo/slo-alerts.ts';
import { SloCorrectionTable } from '../../stores/slo/slo-corrections.ts';
import { SloDayTable } from '../../stores/slo/slo-days.ts';
import { SloLeaseTable } from '../../stores/slo/slo-lease.ts';
import { SloStatusTable } from '../../stores/slo/slo-statuses.ts';
import type { Shared } from './shared.ts';

/** Creates the clients of Prometheus and Alertmanager, and the stores of SLOs. */
export function monitoringDeps({ system: { clock, secrets, log }, table }: Shared): MonitoringDeps {
  const address = (name: string) => () => readSetting(secrets, name);
  const alertmanager = address('ALERTMANAGER_URL');
  const prometheusServer = () => readPrometheus(secrets);
  return {
    metrics: prometheus(prometheusServer),
    versionLabels: versionLabels(prometheusServer, Date.now),
    judgeMetrics: {
      derived: derivedMetrics,
      measure: httpMeasurements({ secrets, clock, now: () => performance.now() }),
    },
    alerts: alertStates({ alertmanager, prometheus: prometheusServer }),
    silences: alertmanagerSilences({ url: alertmanager, now: () => millisOf(clock.now()), log }),
    loadedMonitoring: {
      ...loadedRules(prometheusServer),
      routing: () => routingDifferences(alertmanager),
      ...grafanaDashboards({
        url: () => secrets.get('GRAFANA_URL'),
        token: () => secrets.get('GRAFANA_TOKEN'),
        clock,
      }),
    },
    sloMetrics: prometheusQueries(prometheusServer),
    sloLease: new SloLeaseTable(table, clock),
    sloAlerts: new SloAlertTable(table, clock),
    sloStatuses: new SloStatusTable(table),
    sloDays: new SloDayTable(table),
    sloCorrections: new SloCorrectionTable(table, clock),
  };
}

async function readPrometheus(secrets: Secrets): Promise<Server | undefined> {
  const [url, token, user, password] = await Promise.all(
    (['PROMETHEUS_URL', 'PROMETHEUS_TOKEN', 'PROMETHEUS_USER', 'PROMETHEUS_PASSWORD'] as const).map((name) =>
      readSetting(secrets, name),
    ),
  );
  return url ? serverAt(url, { token, user, password }) : undefined;
}

/** Reads a setting of a vendor. If it cannot be read, the vendor counts as not responding, not as off. @throws NoResponse */
async function readSetting(secrets: Secrets, name: string): Promise<string | undefined> {
  try {
    return await secrets.get(name);
  } catch (error) {
    throw new NoResponse(`cannot read the setting ${name}: ${String(error)}`, { cause: error });
  }
}

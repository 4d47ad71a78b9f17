import { alertmanagerSilences } from '../../../vendors/alertmanager/silences.ts';
import { httpMeasurements } from '../../../vendors/http-metrics/measure.ts';
import { derivedMetrics } from '../../../vendors/prometheus/judge-queries.ts';
import { readPrometheus, readSetting } from '../../../vendors/prometheus/settings.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { versionLabels } from '../../../vendors/prometheus/version-labels.ts';
import { prometheusQueries } from '../../../vendors/prometheus/queries.ts';
import { alertStates } from '../../../vendors/shared/alert-states.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import type { Shared } from './shared.ts';

/** Creates the clients of Prometheus and Alertmanager. */
export function monitoringDeps({ system: { clock, secrets, log } }: Shared) {
  const alertmanager = () => readSetting(secrets, 'ALERTMANAGER_URL');
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
    metricQueries: prometheusQueries(prometheusServer),
  };
}

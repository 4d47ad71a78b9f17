import type { Deps as FreezeDeps, FreezePorts } from '../freeze/ports.ts';
import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import { readPrometheus, readSetting } from '../../vendors/prometheus/settings.ts';
import { type FeatureParts, portsAdder } from '../manifest.ts';
import { SloStatusTable } from './stores/slo-statuses.ts';
import type { LoadedMonitoring, SloAlerts, SloCorrections, SloDays, SloStatuses } from './types.ts';

/** What objectives need beyond the core. */
export type SloPorts = {
  loadedMonitoring: LoadedMonitoring;
  sloAlerts: SloAlerts;
  sloCorrections: SloCorrections;
  sloDays: SloDays;
  sloStatuses: SloStatuses;
};

export type Deps = FreezeDeps & SloPorts;

/** Creates the stores and clients of objectives. Their code is loaded with their first use. */
export const sloPorts = ({ system: { clock, secrets }, table }: FeatureParts): SloPorts => ({
  loadedMonitoring: loadedOnUse(async () => {
    const [{ loadedRules }, { routingDifferences }, { grafanaDashboards }] = await Promise.all([
      import('./vendors/loaded-rules.ts'),
      import('./vendors/alertmanager-routing.ts'),
      import('./vendors/grafana-dashboards.ts'),
    ]);
    return {
      ...loadedRules(() => readPrometheus(secrets)),
      routing: () => routingDifferences(() => readSetting(secrets, 'ALERTMANAGER_URL')),
      ...grafanaDashboards({
        url: () => secrets.get('GRAFANA_URL'),
        token: () => secrets.get('GRAFANA_TOKEN'),
        clock,
      }),
    };
  }),
  sloAlerts: loadedOnUse(async () => new (await import('./stores/slo-alerts.ts')).SloAlertTable(table, clock)),
  sloCorrections: loadedOnUse(
    async () => new (await import('./stores/slo-corrections.ts')).SloCorrectionTable(table, clock),
  ),
  sloDays: loadedOnUse(async () => new (await import('./stores/slo-days.ts')).SloDayTable(table)),
  // Not on use: each freeze check reads it, in one call with the freezes.
  sloStatuses: new SloStatusTable(table),
});

/** Returns the dependencies with those of objectives and of freezes. */
export const withPorts = portsAdder<FreezePorts & SloPorts>('freeze', 'slo');

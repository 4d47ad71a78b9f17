import type { Slo } from '../../../../schemas/slo/slo.ts';
import type { Hash } from '../../../freeze/decisions/ids.ts';
import { type AlertmanagerOptions, alertmanagerConfig } from './alertmanager.ts';
import { sloDetail, sloOverview } from './dashboards.ts';
import {
  devopsDashboard,
  doraDashboard,
  gitopsDashboard,
  infrastructureDashboard,
  pipelinesDashboard,
} from './delivery-dashboards.ts';
import { deliveryRules, type DeliveryRulesOptions } from './delivery-rules.ts';
import { kubernetesDashboard, serviceDashboard } from './overview-dashboards.ts';
import { openSearchExport } from './opensearch.ts';
import type { Dashboard } from './panels.ts';
import type { RuleFile } from './rule.ts';
import { alertingRules, type Preset, rawRules, recordingRules } from './rules.ts';

export type GenerateOptions = AlertmanagerOptions &
  DeliveryRulesOptions & {
    preset: Preset;
    /** Whether to generate rules that read raw series over whole windows. */
    raw: boolean;
    hash: Hash;
  };

/** Options that affect rules. */
export type RuleOptions = Omit<GenerateOptions, 'tokenFile'>;

/** Generates the files with rules for Prometheus. */
export const generatedRules = (slos: readonly Slo[], options: RuleOptions): Map<string, RuleFile> =>
  new Map<string, RuleFile>([
    ['prometheus/slo-recording.yaml', recordingRules(slos, options.hash)],
    ...(options.raw ? ([['prometheus/slo-raw.yaml', rawRules(slos)]] as const) : []),
    ['prometheus/slo-alerts.yaml', alertingRules(options.preset)],
    ['prometheus/delivery-alerts.yaml', deliveryRules(options)],
  ]);

/** Generates the dashboards. */
export const generatedDashboards = (): Map<string, Dashboard> =>
  new Map([
    ['grafana/slo-overview.json', sloOverview()],
    ['grafana/slo-detail.json', sloDetail()],
    ['grafana/devops.json', devopsDashboard()],
    ['grafana/dora.json', doraDashboard()],
    ['grafana/gitops.json', gitopsDashboard()],
    ['grafana/infrastructure.json', infrastructureDashboard()],
    ['grafana/kubernetes.json', kubernetesDashboard()],
    ['grafana/pipelines.json', pipelinesDashboard()],
    ['grafana/services.json', serviceDashboard()],
  ]);

/** Generates the files, keyed by path below the folder. The result does not depend on the order of the objectives. */
export const generatedFiles = (slos: readonly Slo[], options: GenerateOptions): Map<string, object> =>
  new Map<string, object>([
    ...generatedRules(slos, options),
    ['alertmanager/firebreak.yaml', alertmanagerConfig(options)],
    ...generatedDashboards(),
    ['opensearch/firebreak.ndjson', openSearchExport(generatedDashboards().values())],
  ]);

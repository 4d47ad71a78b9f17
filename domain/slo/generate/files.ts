import type { Slo } from '../../../schemas/slo/slo.ts';
import type { Hash } from '../../freeze/ids.ts';
import { type AlertmanagerOptions, alertmanagerConfig } from './alertmanager.ts';
import { detail, overview } from './dashboards.ts';
import { devopsDashboard, doraDashboard, gitopsDashboard, pipelinesDashboard } from './delivery-dashboards.ts';
import { deliveryRules, type DeliveryRulesOptions } from './delivery-rules.ts';
import { alertingRules, type Preset, rawRules, recordingRules } from './rules.ts';

export type GenerateOptions = AlertmanagerOptions &
  DeliveryRulesOptions & {
    preset: Preset;
    /** Whether to generate rules that read raw series over whole windows. */
    raw: boolean;
    hash: Hash;
  };

/** Generates the files, keyed by path below the folder. The result does not depend on the order of the objectives. */
export function generated(slos: readonly Slo[], options: GenerateOptions): Map<string, object> {
  return new Map<string, object>([
    ['prometheus/slo-recording.yaml', recordingRules(slos, options.hash)],
    ...(options.raw ? ([['prometheus/slo-raw.yaml', rawRules(slos)]] as const) : []),
    ['prometheus/slo-alerts.yaml', alertingRules(options.preset)],
    ['prometheus/delivery-alerts.yaml', deliveryRules(options)],
    ['alertmanager/firebreak.yaml', alertmanagerConfig(options)],
    ['grafana/slo-overview.json', overview()],
    ['grafana/slo-detail.json', detail()],
    ['grafana/devops.json', devopsDashboard()],
    ['grafana/dora.json', doraDashboard()],
    ['grafana/gitops.json', gitopsDashboard()],
    ['grafana/pipelines.json', pipelinesDashboard()],
  ]);
}

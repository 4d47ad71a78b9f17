import { figuresByService } from '../../../actions/delivery/figures-by-service.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { DoraFigures } from '../../../schemas/delivery/dora.ts';
import { gauge, type Metric, sampleOf } from './exposition.ts';

/** Period of the delivery figures, in days. */
export const DELIVERY_DAYS = 28;

/** The gauges of a duration: part of their names, of their texts, and the field. A label `quantile` is for summaries only. */
export const MEDIAN_AND_P90 = [
  ['median', 'Median', 'median_s'],
  ['p90', '90th percentile of the', 'p90_s'],
] as const;

/** Returns the delivery figures of the services in the catalogue. A figure without records has no sample. */
export async function deliveryMetrics(deps: Deps): Promise<Metric[]> {
  const all = await figuresByService(deps, DELIVERY_DAYS);
  const figureGauge = (
    name: string,
    help: string,
    valuesOf: (figures: DoraFigures) => [Record<string, string>, number | null][],
  ) =>
    gauge(
      `firebreak_dora_${name}`,
      `${help}, over the last ${DELIVERY_DAYS} days`,
      all.flatMap(({ service, environment, figures }) =>
        valuesOf(figures).flatMap(([labels, value]) => sampleOf({ service, environment, ...labels }, value)),
      ),
    );
  return [
    figureGauge('deployments_per_day', 'Deploys to production per day', ({ deployment_frequency: { value } }) => [
      [{}, value],
    ]),
    ...MEDIAN_AND_P90.map(([name, prefix, key]) =>
      figureGauge(`lead_time_${name}_seconds`, `${prefix} time from commit to production`, ({ lead_time }) => [
        [{}, lead_time[key]],
      ]),
    ),
    figureGauge('change_failure_ratio', 'Share of deploys that failed', ({ change_failure_rate: { value } }) => [
      [{}, value],
    ]),
    figureGauge('rework_ratio', 'Share of deploys and rollbacks that are rework', ({ rework_rate: { value } }) => [
      [{}, value],
    ]),
    figureGauge(
      'failed_deployment_recovery_seconds',
      'Median time from a failed deploy to its recovery',
      ({ failed_deployment_recovery: { median_s } }) => [[{}, median_s]],
    ),
    figureGauge('time_to_restore_seconds', 'Median duration of incidents', ({ time_to_restore: { median_s } }) => [
      [{}, median_s],
    ]),
    figureGauge(
      'infrastructure_changes',
      'Changes of the infrastructure',
      ({ infrastructure_changes: { succeeded, failed } }) =>
        succeeded + failed === 0
          ? []
          : [
              [{ result: 'succeeded' }, succeeded],
              [{ result: 'failed' }, failed],
            ],
    ),
  ];
}

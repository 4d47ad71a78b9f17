import type { DoraFigures } from './dora.ts';
import { bucketName, DURATION_BUCKETS, DURATION_SUM } from './decisions/deploy-counts.ts';
import {
  counter,
  FIGURE_DAYS,
  fromZero,
  gauge,
  histogram,
  MEDIAN_AND_P90,
  type Metric,
  sampleOf,
} from '../../entrances/http/routes/metrics/exposition.ts';
import type { FeatureMetrics } from '../manifest.ts';
import { type Deps, withPorts } from './ports.ts';
import { figuresOf } from './decisions/figures.ts';
import { unnamedEnvironmentOf } from '../../core/domain/catalogue/catalogue.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { type DeliveryDeps, deliveryReport } from './actions/report.ts';

/** Metrics of delivery. */
export const metrics: FeatureMetrics = {
  current: async (deps) => deployMetrics(withPorts(deps)),
  slow: async (deps) => figureMetrics(withPorts(deps)),
};

/** Returns the counters of deploys, under the names that dashboards of other tools use. */
async function deployMetrics({ deployHistory, config }: Pick<Deps, 'config' | 'deployHistory'>): Promise<Metric[]> {
  const [counted, current] = await Promise.all([deployHistory.counts(), config.current()]);
  const zeros = catalogueScopes(current).map((scope) => ({ ...scope, counts: NOTHING_COUNTED }));
  const all = fromZero(zeros, counted, (one) => keyOf(one));
  const deployCounter = (name: string, count: string, help: string) =>
    counter(
      name,
      help,
      all.map(({ service, environment, counts }) => [{ service, environment }, counts.get(count) ?? 0]),
    );
  return [
    deployCounter('deployment_success_total', 'success', 'Deploys and hotfixes that succeeded'),
    deployCounter('deployment_failure_total', 'failure', 'Deploys and hotfixes that failed'),
    deployCounter('rollback_total', 'rollback', 'Rollbacks that succeeded, by Firebreak and by others'),
    {
      name: 'deployment_duration_seconds',
      help: 'Duration of deploys and hotfixes whose start and end were reported',
      type: 'histogram',
      samples: all.flatMap(({ service, environment, counts }) =>
        histogram(
          { service, environment },
          DURATION_BUCKETS,
          (le) => counts.get(bucketName(le)) ?? 0,
          counts.get(DURATION_SUM) ?? 0,
        ),
      ),
    },
  ];
}

const NOTHING_COUNTED: ReadonlyMap<string, number> = new Map();

/** Returns the delivery figures of the services in the catalogue as metrics. A figure without records has no sample. */
async function figureMetrics(deps: Deps): Promise<Metric[]> {
  const all = await figuresByService(deps, FIGURE_DAYS);
  const figureGauge = (
    name: string,
    help: string,
    valuesOf: (figures: DoraFigures) => [Record<string, string>, number | null][],
  ) =>
    gauge(
      `firebreak_dora_${name}`,
      `${help}, over the last ${FIGURE_DAYS} days`,
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

/** Returns each service of the catalogue with each of its environments. */
const catalogueScopes = ({ services }: Pick<Config, 'services'>): { service: string; environment: string }[] =>
  Object.entries(services).flatMap(([service, entry]) => {
    const named = new Set([...Object.keys(entry.environments), unnamedEnvironmentOf(entry)]);
    return [...named].flatMap((environment) => (environment === undefined ? [] : [{ service, environment }]));
  });

const keyOf = ({ service, environment }: { service: string; environment: string }): string =>
  JSON.stringify([service, environment]);

const DAY_SECONDS = 24 * 3600;

/** Computes the figures of the last days for each service of the catalogue in each production environment. */
async function figuresByService(
  deps: DeliveryDeps,
  days: number,
): Promise<(ServiceEnvironment & { figures: DoraFigures })[]> {
  const { services, delivery } = await deps.config.current();
  const { deploys, infrastructure, incidents } = await deliveryReport(deps, {
    seconds: days * DAY_SECONDS,
    scope: {},
    // The catalogue bounds the number of series.
    isVisible: ({ service }) => Object.hasOwn(services, service),
  });
  const [deploysOf, appliesOf] = [Map.groupBy(deploys, keyOf), Map.groupBy(infrastructure, keyOf)];
  const incidentsOf = Map.groupBy(incidents, keyOf);
  const serviceEnvironments = new Map([...deploys, ...infrastructure, ...incidents].map((one) => [keyOf(one), one]));
  return [...serviceEnvironments].map(([name, { service, environment }]) => ({
    service,
    environment,
    figures: figuresOf(
      deploysOf.get(name) ?? [],
      incidentsOf.get(name) ?? [],
      days,
      delivery,
      appliesOf.get(name) ?? [],
    ),
  }));
}

import { codeOfServices } from '../../../features/pipelines/actions/code-figures.ts';
import { figuresByService } from '../../../actions/delivery/figures-by-service.ts';
import { codeFigures } from '../../../features/pipelines/decisions/code-figures.ts';
import {
  FIGURE_NAMES,
  FIGURES,
  type FigureCount,
  type FigureName,
  SUM,
} from '../../../features/pipelines/decisions/pipeline-figures.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { CodeFigures } from '../../../features/pipelines/code-figures.ts';
import type { DoraFigures } from '../../../schemas/delivery/dora.ts';
import { gauge, histogram, labelled, type Metric, type Sample, sampleOf } from './exposition.ts';

/** Period of the delivery figures, in days. */
const DELIVERY_DAYS = 28;

/** The gauges of a duration: part of their names, of their texts, and the field. A label `quantile` is for summaries only. */
const MEDIAN_AND_P90 = [
  ['median', 'Median', 'median_s'],
  ['p90', '90th percentile of the', 'p90_s'],
] as const;

/** Returns the figures of the code of each service in the catalogue that has a repository. */
export async function codeMetrics(deps: Deps): Promise<Metric[]> {
  const { services } = await deps.config.current();
  const names = Object.keys(services).filter((name) => services[name as ServiceName]?.repository !== undefined);
  const { all, window } = await codeOfServices(deps, names as ServiceName[], {
    seconds: DELIVERY_DAYS * 24 * 3600,
    withCoverage: false,
  });
  const figures = all.map((code) => ({ service: code.service, ...codeFigures([code], window) }));
  const figureGauge = (
    name: string,
    help: string,
    valuesOf: (code: CodeFigures) => [Record<string, string>, number | null][],
  ) =>
    gauge(
      `firebreak_code_${name}`,
      `${help}, over the last ${DELIVERY_DAYS} days`,
      figures.flatMap(({ service, ...code }) =>
        valuesOf(code).flatMap(([labels, value]) => sampleOf({ service, ...labels }, value)),
      ),
    );
  return [
    figureGauge('commits', 'Commits on the default branch', ({ commits }) => [[{}, commits]]),
    figureGauge('pull_requests', 'Pull requests by what happened', ({ pull_requests: { opened, merged, closed } }) => [
      [{ event: 'opened' }, opened],
      [{ event: 'merged' }, merged],
      [{ event: 'closed' }, closed],
    ]),
    ...MEDIAN_AND_P90.flatMap(([name, prefix, key]) => [
      figureGauge(`first_review_${name}_seconds`, `${prefix} time from a pull request to its first review`, (code) => [
        [{}, code.first_review[key]],
      ]),
      figureGauge(`merge_${name}_seconds`, `${prefix} time from a pull request to its merge`, (code) => [
        [{}, code.merge[key]],
      ]),
    ]),
  ];
}

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

/** Returns the figures of pipelines. Histograms are cumulative; the stored counts are separate for each bucket. */
export async function pipelineMetrics({ pipelineFigures }: Pick<Deps, 'pipelineFigures'>): Promise<Metric[]> {
  const all = await pipelineFigures.read();
  return FIGURE_NAMES.map((name) => {
    const { help, type } = FIGURES[name];
    const samples = all.flatMap(({ service, branch, counts }) => {
      const ofFigure = counts.filter((count) => count.name === name);
      return [...Map.groupBy(ofFigure, ({ labels }) => JSON.stringify(labels)).values()].flatMap((series) => {
        const labels = { service, branch, ...labelled(FIGURES[name].labels, series[0]?.labels ?? []) };
        return figureSamples(name, labels, series);
      });
    });
    return { name, help, type, samples };
  });
}

function figureSamples(name: FigureName, labels: Record<string, string>, series: readonly FigureCount[]): Sample[] {
  const figure = FIGURES[name];
  if (figure.type !== 'histogram') return series.map(({ value }): Sample => [labels, value]);
  const by = (le: string): number => series.find((count) => count.le === le)?.value ?? 0;
  return histogram(labels, figure.buckets, by, by(SUM));
}

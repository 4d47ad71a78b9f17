import {
  FIGURE_DAYS,
  fromZero,
  gauge,
  histogram,
  labelled,
  MEDIAN_AND_P90,
  type Metric,
  type Sample,
  sampleOf,
} from '../../entrances/http/routes/metrics/exposition.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import type { FeatureMetrics } from '../manifest.ts';
import { codeOfServices } from './actions/code-figures.ts';
import type { CodeFigures } from './code-figures.ts';
import { codeFigures } from './decisions/code-figures.ts';
import { FIGURE_NAMES, FIGURES, type FigureCount, type FigureName, SUM } from './decisions/pipeline-figures.ts';
import { OTEL_RESULTS, PipelineResult } from './pipeline-run.ts';
import { type Deps, withPorts } from './ports.ts';

/** Metrics of pipelines, and of the code that they build. */
export const metrics: FeatureMetrics = {
  current: async (deps) => pipelineMetrics(withPorts(deps)),
  slow: async (deps) => codeMetrics(withPorts(deps)),
};

/** Returns the figures of the code of each service in the catalogue that has a repository. */
async function codeMetrics(deps: Pick<Deps, 'clock' | 'code' | 'config' | 'pipelineRuns'>): Promise<Metric[]> {
  const { services } = await deps.config.current();
  const names = Object.keys(services).filter((name) => services[name as ServiceName]?.repository !== undefined);
  const { all, window } = await codeOfServices(deps, names as ServiceName[], {
    seconds: FIGURE_DAYS * 24 * 3600,
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
      `${help}, over the last ${FIGURE_DAYS} days`,
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

/** Returns the figures of pipelines. Histograms are cumulative; the stored counts are separate for each bucket. */
async function pipelineMetrics({ pipelineFigures }: Pick<Deps, 'pipelineFigures'>): Promise<Metric[]> {
  const all = await pipelineFigures.read();
  return FIGURE_NAMES.map((name) => {
    const { help, type } = FIGURES[name];
    const samples = all.flatMap(({ service, branch, counts }) => {
      const counted = counts.filter((count) => count.name === name);
      const ofFigure = fromZero(zerosOf(counted), counted, ({ labels, le }) => [labels, le]);
      return [...Map.groupBy(ofFigure, ({ labels }) => JSON.stringify(labels)).values()].flatMap((series) => {
        return figureSamples(name, { service, branch, ...exported(name, series[0]?.labels ?? []) }, series);
      });
    });
    return { name, help, type, samples };
  });
}

/** Returns zeros of the usual results of runs, for each trigger that is counted. */
function zerosOf(counts: readonly FigureCount[]): FigureCount[] {
  const name = 'pipeline_runs_total';
  const triggers = new Set(counts.flatMap((count) => (count.name === name ? [count.labels[1] ?? ''] : [])));
  return [...triggers].flatMap((trigger) =>
    ['succeeded', 'failed'].map((result) => ({ name, labels: [result, trigger], le: null, value: 0 })),
  );
}

/** Returns the labels of a figure. Results of runs and stages are those of `cicd.pipeline.result`. */
function exported(name: FigureName, values: readonly string[]): Record<string, string> {
  const labels = labelled(FIGURES[name].labels, values);
  const result = PipelineResult.safeParse(labels['result']).data;
  const isOfTests = name.startsWith('pipeline_test');
  return result === undefined || isOfTests ? labels : { ...labels, result: OTEL_RESULTS[result] };
}

function figureSamples(name: FigureName, labels: Record<string, string>, series: readonly FigureCount[]): Sample[] {
  const figure = FIGURES[name];
  if (figure.type !== 'histogram') return series.map(({ value }): Sample => [labels, value]);
  const by = (le: string): number => series.find((count) => count.le === le)?.value ?? 0;
  return histogram(labels, figure.buckets, by, by(SUM));
}

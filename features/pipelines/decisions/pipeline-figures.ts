import type { PipelineRun, PipelineStage } from '../pipeline-run.ts';
import { secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import type { Merged } from './merge-run.ts';

/*
 * Figures of pipelines, aggregated over all instances. Each run and each stage is counted once per figure, when the
 * figure is first known.
 */

export const FIGURES = {
  pipeline_runs_total: {
    type: 'counter',
    labels: ['result', 'trigger'],
    help: 'Finished runs of pipelines, by result and trigger',
  },
  pipeline_duration_seconds: {
    type: 'histogram',
    labels: ['result'],
    buckets: [30, 60, 120, 180, 300, 450, 600, 900, 1200, 1800, 3600, 7200],
    help: 'Duration of finished runs, from their start to their end',
  },
  pipeline_stage_duration_seconds: {
    type: 'histogram',
    labels: ['stage', 'result'],
    buckets: [5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600],
    help: 'Duration of finished stages (jobs) of runs',
  },
  time_queued_seconds: {
    type: 'histogram',
    labels: ['stage'],
    buckets: [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600],
    help: 'Time that runs and their stages waited for their start; stage is empty for whole runs',
  },
  pipeline_tests_total: {
    type: 'counter',
    labels: ['suite', 'result'],
    help: 'Reported test results, by suite and result',
  },
  pipeline_test_results: {
    type: 'gauge',
    labels: ['suite', 'result'],
    help: 'Tests in the newest results of a suite, by result',
  },
  pipeline_coverage_ratio: {
    type: 'gauge',
    labels: [],
    help: 'Share of covered code in the newest report, 0 to 1',
  },
  pipeline_flaky_tests_total: {
    type: 'counter',
    labels: ['suite'],
    help: 'Tests that passed and failed in the same commit, counted once for each commit',
  },
} as const satisfies Record<string, Figure>;

type Figure = { help: string; labels: readonly string[] } & (
  | { type: 'counter' | 'gauge' }
  | { type: 'histogram'; buckets: readonly number[] }
);
export type FigureName = keyof typeof FIGURES;
export const FIGURE_NAMES = Object.keys(FIGURES) as FigureName[];

/** An observed value. `labels`: values in the order of the figure's labels, without service and branch. */
export type Observation = { name: FigureName; labels: readonly string[]; value: number };

/** Stored sums of a service and branch. `le`: the bucket of a histogram, or `sum`. */
export type FigureCount = { name: FigureName; labels: readonly string[]; le: string | null; value: number };

/** Value of `le` under which the sum of a histogram is stored. */
export const SUM = 'sum';

/** Value of a label that stands for all values above the limit. */
export const OTHER = 'other';

/** Maximum number of branches with their own figures in a service, and of stages and suites in a branch. */
export const BRANCHES_MAX = 8;
export const NAMES_MAX = 30;

/** Maximum length of a label for a stage or suite, in UTF-16 code units. */
const LABEL_MAX_CHARS = 60;

const RELEASE = /^(release|releases|hotfix|stable|maintenance)([/_-].+)?$|^v?\d+(\.\d+){0,2}[.-](x|stable)$/;
/** Names that are taken for default branches. */
export const USUAL_DEFAULTS: readonly string[] = ['main', 'master', 'trunk'];

/** Returns the value of the label `branch`: the default branch and release branches by name, otherwise `other`. */
export function branchLabel({ branch, default_branch }: Pick<PipelineRun, 'branch' | 'default_branch'>): string {
  if (branch === null) return OTHER;
  const isDefault = default_branch === null ? USUAL_DEFAULTS.includes(branch) : branch === default_branch;
  return isDefault || RELEASE.test(branch) ? labelText(branch) : OTHER;
}

/** Returns the value of the label `stage`: the name without the values of a matrix. */
export const stageLabel = (name: string): string => labelText(name.replace(/ \([^()]*\)$/, '')) || OTHER;

/** Returns the value of the label `suite`. */
export const suiteLabel = (suite: string): string => labelText(suite) || OTHER;

const labelText = (text: string): string => text.trim().slice(0, LABEL_MAX_CHARS).toWellFormed();

/** The labels that have a limited number of values. */
const LIMITED_LABELS: readonly string[] = ['stage', 'suite'];

/**
 * Returns the observations with `other` for stages and suites above the limit. @param known the stored sums of the
 * service and branch
 */
export function withinLimits(all: readonly Observation[], known: readonly FigureCount[]): Observation[] {
  const names = new Map<string, Set<string>>();
  const namesOf = (figure: FigureName, label: string): Set<string> => {
    const key = `${figure} ${label}`;
    const found = names.get(key) ?? new Set<string>();
    names.set(key, found);
    return found;
  };
  for (const { name, labels } of known)
    for (const [index, label] of FIGURES[name].labels.entries())
      if (LIMITED_LABELS.includes(label)) namesOf(name, label).add(labels[index] ?? '');
  return all.map((observation) => ({
    ...observation,
    labels: FIGURES[observation.name].labels.map((label, index) => {
      const value = observation.labels[index] ?? '';
      if (!LIMITED_LABELS.includes(label)) return value;
      const taken = namesOf(observation.name, label);
      if (!taken.has(value) && taken.size >= NAMES_MAX) return OTHER;
      taken.add(value);
      return value;
    }),
  }));
}

/** Returns what an observation adds to the stored sums. A gauge is replaced. */
export function countsOf({ name, labels, value }: Observation): FigureCount[] {
  const figure = FIGURES[name];
  if (figure.type !== 'histogram') return [{ name, labels, le: null, value }];
  const bound = figure.buckets.find((max) => value <= max);
  return [
    { name, labels, le: bound === undefined ? '+Inf' : String(bound), value: 1 },
    { name, labels, le: SUM, value },
  ];
}

type Measured<T> = { observations: Observation[]; merged: Merged<T> };

/** Returns the figures of a run that are known now and were not counted before, and the record with them noted. */
export function measuredRun(merged: Merged<PipelineRun>): Measured<PipelineRun> {
  const { record } = merged;
  const { result, trigger, trigger_word: word = trigger } = record;
  if (record.service === null) return { observations: [], merged };
  const figures: [key: string, observations: Observation[]][] = [
    ['queued', durationObservation('time_queued_seconds', [''], record.queued_at, record.started_at)],
  ];
  if (result !== null)
    figures.push(
      ['run', [{ name: 'pipeline_runs_total', labels: [result, word ?? OTHER], value: 1 }]],
      ['duration', durationObservation('pipeline_duration_seconds', [result], record.started_at, record.finished_at)],
    );
  if (record.coverage !== null)
    figures.push(['coverage', [{ name: 'pipeline_coverage_ratio', labels: [], value: record.coverage }]]);
  for (const { suite, ...counts } of record.tests)
    figures.push([
      `tests/${suite}`,
      (['passed', 'failed', 'skipped'] as const).flatMap((outcome): Observation[] => [
        { name: 'pipeline_tests_total', labels: [suiteLabel(suite), outcome], value: counts[outcome] },
        { name: 'pipeline_test_results', labels: [suiteLabel(suite), outcome], value: counts[outcome] },
      ]),
    ]);
  return countedOnce(merged, figures);
}

/** Returns the figures of a stage, as for runs. A stage that was skipped did not run, and has no duration. */
export function measuredStage(merged: Merged<PipelineStage>): Measured<PipelineStage> {
  const { name, result, queued_at, started_at, finished_at } = merged.record;
  const labels = [stageLabel(name)];
  const figures: [string, Observation[]][] = [];
  if (result !== 'skipped')
    figures.push(['queued', durationObservation('time_queued_seconds', labels, queued_at, started_at)]);
  if (result !== null && result !== 'skipped')
    figures.push([
      'duration',
      durationObservation('pipeline_stage_duration_seconds', [...labels, result], started_at, finished_at),
    ]);
  return countedOnce(merged, figures);
}

function durationObservation(
  name: FigureName,
  labels: string[],
  from: Timestamp | null,
  to: Timestamp | null,
): Observation[] {
  const value = periodSeconds(from, to);
  return value === null ? [] : [{ name, labels, value }];
}

/** Returns the seconds between two times; null if one is unknown, or if the end is before the start. */
export function periodSeconds(from: Timestamp | null, to: Timestamp | null): number | null {
  if (from === null || to === null || to < from) return null;
  return secondsBetween(from, to);
}

/** Leaves out figures that were counted before, and notes the others in the record as counted. */
function countedOnce<T>(merged: Merged<T>, figures: [key: string, observations: Observation[]][]): Measured<T> {
  const uncounted = figures.filter(([key, all]) => all.length > 0 && !merged.measured.includes(key));
  if (uncounted.length === 0) return { observations: [], merged };
  return {
    observations: uncounted.flatMap(([, all]) => all),
    merged: { ...merged, measured: [...merged.measured, ...uncounted.map(([key]) => key)] },
  };
}

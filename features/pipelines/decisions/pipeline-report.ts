import type { ServiceName } from '../../../schemas/config/names.ts';
import type { PipelineReport } from '../report.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { RunFact, StageFact } from '../types.ts';
import type { FlakyFinding } from './flaky-tests.ts';
import { branchLabel, periodSeconds, stageLabel } from './pipeline-figures.ts';
import { median, nearestRank } from '../../../core/domain/reports/quantiles.ts';

/** Maximum number of stages and of flaky tests in a report. */
export const LISTED_MAX = 20;

type Records = { runs: readonly RunFact[]; stages: readonly StageFact[]; flaky: readonly FlakyFinding[] };

/**
 * Returns the figures of a service's pipelines.
 *
 * @param selection `branch`: value of the label `branch`; null: all. Flaky tests are not limited to a branch, because the
 *   attempts that show them can be of several
 */
export function pipelineReport(
  { runs, stages, flaky }: Records,
  selection: { service: ServiceName; window: { from: Timestamp; until: Timestamp }; branch: string | null },
): PipelineReport {
  const selectedRuns = runs.filter((run) => selection.branch === null || branchLabel(run) === selection.branch);
  const ids = new Set(selectedRuns.map(({ id }) => id));
  const ranStages = stages.filter(({ run, result }) => ids.has(run) && result !== 'skipped');
  const withResult = (result: RunFact['result']) => selectedRuns.filter((run) => run.result === result).length;
  const [succeeded, failed] = [withResult('succeeded'), withResult('failed')];
  return {
    ...selection,
    runs: {
      total: selectedRuns.length,
      succeeded,
      failed,
      cancelled: withResult('cancelled'),
      skipped: withResult('skipped'),
      unfinished: withResult(null),
    },
    success_ratio: succeeded + failed === 0 ? null : succeeded / (succeeded + failed),
    duration: durations(
      selectedRuns.filter(isDecided).flatMap((run) => periodSeconds(run.started_at, run.finished_at) ?? []),
    ),
    queue: durations(
      [...selectedRuns, ...ranStages].flatMap((record) => periodSeconds(record.queued_at, record.started_at) ?? []),
    ),
    stages: slowest(ranStages),
    flaky_tests: flakiest(flaky),
    flaky_total: flaky.reduce((sum, { count }) => sum + count, 0),
  };
}

const isDecided = ({ result }: Pick<RunFact, 'result'>): boolean => result === 'succeeded' || result === 'failed';

function durations(seconds: readonly number[]): PipelineReport['duration'] {
  const mean = seconds.reduce((sum, record) => sum + record, 0) / seconds.length;
  return {
    count: seconds.length,
    mean_s: seconds.length === 0 ? null : Math.round(mean * 1000) / 1000,
    median_s: median(seconds),
    p95_s: nearestRank(seconds, 0.95),
  };
}

function slowest(stages: readonly StageFact[]): PipelineReport['stages'] {
  return [...Map.groupBy(stages.filter(isDecided), ({ name }) => stageLabel(name))]
    .map(([stage, all]) => ({
      stage,
      failed: all.filter(({ result }) => result === 'failed').length,
      ...durations(all.flatMap((record) => periodSeconds(record.started_at, record.finished_at) ?? [])),
    }))
    .toSorted((a, b) => (b.p95_s ?? 0) - (a.p95_s ?? 0) || (a.stage < b.stage ? -1 : 1))
    .slice(0, LISTED_MAX);
}

function flakiest(findings: readonly FlakyFinding[]): PipelineReport['flaky_tests'] {
  const all = findings.flatMap(({ suite, commit, at, tests }) => tests.map((test) => ({ ...test, suite, commit, at })));
  return [...Map.groupBy(all, ({ suite, classname, name }) => JSON.stringify([suite, classname, name])).values()]
    .flatMap((sameTest) => {
      const last = sameTest.at(-1);
      if (last === undefined) return [];
      const { suite, classname, name } = last;
      const commits = new Set(sameTest.map(({ commit }) => commit)).size;
      const last_at = sameTest.reduce((latest, { at }) => (at > latest ? at : latest), last.at);
      return [{ suite, classname, name, commits, last_at }];
    })
    .toSorted((a, b) => b.commits - a.commits || (a.last_at < b.last_at ? 1 : -1))
    .slice(0, LISTED_MAX);
}

import type { ServiceName } from '../../schemas/config/names.ts';
import type { PipelineReport } from '../../schemas/delivery/pipeline-figures.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { RunFact, StageFact } from '../ports/delivery.ts';
import type { FlakyFinding } from './flaky-tests.ts';
import { branchLabel, periodSeconds, stageLabel } from './pipeline-figures.ts';
import { median, nearestRank } from './quantiles.ts';

/** Maximum number of stages and of flaky tests in a report. */
export const LISTED_MAX = 20;

type Records = { runs: readonly RunFact[]; stages: readonly StageFact[]; flaky: readonly FlakyFinding[] };

/**
 * Returns the figures of a service's pipelines.
 *
 * @param of `branch`: value of the label `branch`; null: all. Flaky tests are not limited to a branch, because the
 *   attempts that show them can be of several
 */
export function pipelineReport(
  { runs, stages, flaky }: Records,
  of: { service: ServiceName; window: { from: Timestamp; until: Timestamp }; branch: string | null },
): PipelineReport {
  const counted = runs.filter((run) => of.branch === null || branchLabel(run) === of.branch);
  const ids = new Set(counted.map(({ id }) => id));
  const worked = stages.filter(({ run, result }) => ids.has(run) && result !== 'skipped');
  const withResult = (result: RunFact['result']) => counted.filter((run) => run.result === result).length;
  const [succeeded, failed] = [withResult('succeeded'), withResult('failed')];
  return {
    ...of,
    runs: {
      total: counted.length,
      succeeded,
      failed,
      cancelled: withResult('cancelled'),
      skipped: withResult('skipped'),
      unfinished: withResult(null),
    },
    success_ratio: succeeded + failed === 0 ? null : succeeded / (succeeded + failed),
    duration: periods(counted.filter(isDecided).flatMap((run) => periodSeconds(run.started_at, run.finished_at) ?? [])),
    queue: periods([...counted, ...worked].flatMap((one) => periodSeconds(one.queued_at, one.started_at) ?? [])),
    stages: slowest(worked),
    flaky_tests: flakiest(flaky),
    flaky_total: flaky.reduce((sum, { count }) => sum + count, 0),
  };
}

const isDecided = ({ result }: Pick<RunFact, 'result'>): boolean => result === 'succeeded' || result === 'failed';

function periods(seconds: readonly number[]): PipelineReport['duration'] {
  const mean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length;
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
      ...periods(all.flatMap((one) => periodSeconds(one.started_at, one.finished_at) ?? [])),
    }))
    .toSorted((a, b) => (b.p95_s ?? 0) - (a.p95_s ?? 0) || (a.stage < b.stage ? -1 : 1))
    .slice(0, LISTED_MAX);
}

function flakiest(findings: readonly FlakyFinding[]): PipelineReport['flaky_tests'] {
  const all = findings.flatMap(({ suite, commit, at, tests }) => tests.map((test) => ({ ...test, suite, commit, at })));
  return [...Map.groupBy(all, ({ suite, classname, name }) => JSON.stringify([suite, classname, name])).values()]
    .flatMap((times) => {
      const last = times.at(-1);
      if (last === undefined) return [];
      const { suite, classname, name } = last;
      const commits = new Set(times.map(({ commit }) => commit)).size;
      const last_at = times.reduce((latest, { at }) => (at > latest ? at : latest), last.at);
      return [{ suite, classname, name, commits, last_at }];
    })
    .toSorted((a, b) => b.commits - a.commits || (a.last_at < b.last_at ? 1 : -1))
    .slice(0, LISTED_MAX);
}

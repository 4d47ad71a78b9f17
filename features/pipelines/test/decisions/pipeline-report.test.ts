import { expect, test } from 'vitest';
import { pipelineReport } from '../../decisions/pipeline-report.ts';
import type { RunFact, StageFact } from '../../types.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import type { PipelineRunId } from '../../pipeline-run.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';

const BEGIN = '2026-11-20T10:00:00.000Z' as Timestamp;
const of = {
  service: 'checkout' as ServiceName,
  window: { from: BEGIN, until: plusSeconds(BEGIN, 86_400) },
  branch: null,
};

/** @param seconds duration; null: unfinished */
const run = (n: number, result: RunFact['result'], seconds: number | null, more: Partial<RunFact> = {}): RunFact => ({
  id: `run_${n}` as PipelineRunId,
  at: BEGIN,
  pipeline: 'CI',
  branch: 'main',
  default_branch: 'main',
  result,
  coverage: null,
  queued_at: null,
  started_at: BEGIN,
  finished_at: seconds === null ? null : plusSeconds(BEGIN, seconds),
  ...more,
});
const stage = (n: number, name: string, seconds: number, result: StageFact['result'] = 'succeeded'): StageFact => ({
  run: `run_${n}` as PipelineRunId,
  at: BEGIN,
  name,
  result,
  queued_at: plusSeconds(BEGIN, -30),
  started_at: BEGIN,
  finished_at: plusSeconds(BEGIN, seconds),
});

test('ratios and durations of the runs that succeeded or failed', () => {
  const runs = [
    run(1, 'succeeded', 60),
    run(2, 'succeeded', 120),
    run(3, 'succeeded', 600),
    run(4, 'failed', 20),
    run(5, 'cancelled', 5),
    run(6, null, null),
  ];
  expect(pipelineReport({ runs, stages: [], flaky: [] }, of)).toMatchObject({
    runs: { total: 6, succeeded: 3, failed: 1, cancelled: 1, skipped: 0, unfinished: 1 },
    success_ratio: 0.75,
    duration: { count: 4, mean_s: 200, median_s: 90, p95_s: 600 },
    queue: { count: 0, mean_s: null, median_s: null, p95_s: null },
  });
});

test('stages of the branch, by their 95th percentile; the jobs of a matrix are one', () => {
  const runs = [run(1, 'succeeded', 60), run(2, 'failed', 60, { branch: 'feature' })];
  const stages = [
    stage(1, 'lint', 10),
    stage(1, 'test (1)', 50),
    stage(1, 'test (2)', 40, 'failed'),
    stage(1, 'deploy', 0, 'skipped'),
    stage(2, 'lint', 900),
  ];
  const report = pipelineReport({ runs, stages, flaky: [] }, { ...of, branch: 'main' });
  expect(report.stages).toMatchObject([
    { stage: 'test', count: 2, failed: 1, mean_s: 45, median_s: 45, p95_s: 50 },
    { stage: 'lint', count: 1, failed: 0, p95_s: 10 },
  ]);
  expect(report.queue).toMatchObject({ count: 3, mean_s: 30 });
  expect(report.runs.total).toBe(1);
});

test('flaky tests, by the number of commits', () => {
  const finding = (commit: string, hour: number, ...names: string[]) => ({
    service: of.service,
    suite: 'unit',
    commit,
    branch: 'main',
    at: plusSeconds(BEGIN, hour * 3600),
    count: names.length,
    tests: names.map((name) => ({ classname: 'cart', name })),
  });
  const flaky = [finding('a', 1, 'adds', 'pays'), finding('b', 2, 'pays'), finding('b', 3, 'pays')];
  expect(pipelineReport({ runs: [], stages: [], flaky }, of)).toMatchObject({
    success_ratio: null,
    flaky_total: 4,
    flaky_tests: [
      { name: 'pays', commits: 2, last_at: '2026-11-20T13:00:00.000Z' },
      { name: 'adds', commits: 1 },
    ],
  });
});

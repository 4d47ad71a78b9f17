import type { Page } from '../../core/domain/ports/common.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { FlakyFinding, FlakyTest, TestCase, TestCounts, TestRun } from './decisions/flaky-tests.ts';
import type { FigureCount, Observation } from './decisions/pipeline-figures.ts';
import type { UnmappedRun } from './decisions/unmapped-pipelines.ts';
import type {
  PipelineResult,
  PipelineRun,
  PipelineRunId,
  PipelineRunReport,
  PipelineStage,
  RunTrace,
} from './pipeline-run.ts';

/** What statistics need of a run. `at`: when it began, as first reported. */
export type RunFact = Pick<
  PipelineRun,
  'id' | 'pipeline' | 'branch' | 'default_branch' | 'result' | 'queued_at' | 'started_at' | 'finished_at' | 'coverage'
> & { at: Timestamp };

/** What statistics need of a finished stage. */
export type StageFact = Pick<PipelineStage, 'name' | 'result' | 'queued_at' | 'started_at' | 'finished_at'> & {
  run: PipelineRunId;
  at: Timestamp;
};

/** Number of unmapped pipelines that are listed. */
export const UNMAPPED_PIPELINES_MAX = 500;

/** Runs of pipelines. Reports are merged: the result is the same in every order, and for repeated reports. */
export type PipelineRuns = {
  /** Merges a report into its run. `service`: as the catalogue has it; null: unknown. */
  record(
    report: PipelineRunReport,
    service: ServiceName | null,
    trace?: RunTrace,
  ): Promise<{ run: PipelineRun; created: boolean }>;
  get(id: PipelineRunId): Promise<{ run: PipelineRun; stages: PipelineStage[] } | undefined>;
  /** Returns runs newest first. Absent: all. */
  list(query: {
    service?: ServiceName;
    branch?: string;
    result?: PipelineResult;
    limit: number;
    cursor?: string;
  }): Promise<Page<PipelineRun>>;
  /** Returns the runs of a service that began at or after this time, oldest first, and their finished stages. */
  since(service: ServiceName, from: Timestamp): Promise<{ runs: RunFact[]; stages: StageFact[] }>;
  /** Lists the pipeline of a run whose service the catalogue does not have, for `unmapped`. */
  noteUnknownService(run: PipelineRun): Promise<void>;
  /**
   * Returns pipelines that had a run without a service of the catalogue in the last 90 days, at most `UNMAPPED_PIPELINES_MAX`. The
   * catalogue may map them since.
   */
  unmapped(): Promise<UnmappedRun[]>;
};

/** Test results of a suite in one run. */
export type TestUpload = {
  service: ServiceName;
  commit: string;
  branch: string | null;
  /** Value of the label `branch`. */
  branchLabel: string;
  suite: string;
  run: TestRun;
  cases: readonly TestCase[];
  /** Hash of the file: a repeated upload changes nothing. */
  hash: string;
};

export type PipelineTests = {
  /** Records test results, and compares them with those of other attempts of the commit. */
  record(upload: TestUpload): Promise<{ counts: TestCounts; flaky: FlakyTest[]; flakyCount: number; created: boolean }>;
  /** Returns the flaky tests that were found in a service at or after this time, oldest first. */
  flaky(service: ServiceName, from: Timestamp): Promise<FlakyFinding[]>;
};

/** Sums of the figures of pipelines over all instances, by service and branch. */
export type PipelineFigures = {
  /** Never fails, because a figure is not worth a lost report. Some may be lost if the table does not respond. */
  add(service: ServiceName, branch: string, observations: readonly Observation[]): Promise<void>;
  read(): Promise<{ service: ServiceName; branch: string; counts: FigureCount[] }[]>;
};

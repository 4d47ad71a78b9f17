import type { MergedPullRequest, PullRequest, PullRequestReport, Push, Release } from '../../schemas/delivery/code.ts';
import type {
  PipelineRun,
  PipelineRunId,
  PipelineRunReport,
  PipelineStage,
  RunTrace,
} from '../../features/pipelines/pipeline-run.ts';
import type { IncidentId, ServiceName } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { FigureCount, Observation } from '../../features/pipelines/decisions/pipeline-figures.ts';
import type { UnmappedRun } from '../../features/pipelines/decisions/unmapped-pipelines.ts';
import type {
  FlakyFinding,
  FlakyTest,
  TestCase,
  TestCounts,
  TestRun,
} from '../../features/pipelines/decisions/flaky-tests.ts';
import type { Page } from './common.ts';
import type { AttributionCorrection, DeployRecord } from '../../schemas/delivery/deploy-record.ts';

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
  /** Returns runs newest first. */
  list(query: { service?: ServiceName; limit: number; cursor?: string }): Promise<Page<PipelineRun>>;
  /** Returns the runs of a service that began at or after this time, oldest first, and their finished stages. */
  since(service: ServiceName, from: Timestamp): Promise<{ runs: RunFact[]; stages: StageFact[] }>;
  /**
   * Returns pipelines that had a run without a service in the last 90 days, at most `UNMAPPED_PIPELINES_MAX`. The
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

/** Number of pushes in which the commits of a deployment are searched. */
export const PUSHES_READ = 100;

/** What forges report about code: pushes, pull requests, and releases. */
export type CodeHistory = {
  /** Stores a push once. */
  push(push: Push): Promise<void>;
  /** Returns the newest pushes to a repository, newest first. */
  pushes(repository: string): Promise<Push[]>;
  /** Returns the pushes to a repository that were received at or after this time, oldest first. */
  pushesSince(repository: string, from: Timestamp): Promise<Push[]>;
  /** Merges an event into its pull request, and returns it. */
  pullRequest(report: PullRequestReport): Promise<PullRequest>;
  /** Returns pull requests that were opened at or after this time, oldest first. */
  pullRequests(repository: string, openedFrom: Timestamp): Promise<PullRequest[]>;
  /** Returns pull requests that were merged at or after this time, oldest first. */
  merged(repository: string, from: Timestamp): Promise<MergedPullRequest[]>;
  release(release: Release): Promise<void>;
  /** Returns releases that were published at or after this time, oldest first. */
  releases(repository: string, from: Timestamp): Promise<Release[]>;
};

/** Which deploys to read. Absent: all services, or all environments. */
export type DeployQuery = {
  from: Timestamp;
  until: Timestamp;
  service?: string;
  environments?: readonly string[];
};

/** Deploys and rollbacks by the time of their start. */
export type DeployHistory = {
  /** Reads daily rollups, and the recorded changes of days without a current one. Returns each once, in any order. */
  read(query: DeployQuery): Promise<DeployRecord[]>;
  /** Reads only the recorded changes; the result is the same. */
  recorded(query: DeployQuery): Promise<DeployRecord[]>;
  /**
   * Rolls up days with changes, at most `daysMax`, and continues the backfill of older changes. A run that dies is
   * continued by the next one. `isComplete`: no day is left.
   */
  roll(daysMax: number): Promise<{ rolled: number; isComplete: boolean }>;
};

/** Statements of people about the cause of an incident. */
export type Attributions = {
  all(): Promise<AttributionCorrection[]>;
  get(id: IncidentId): Promise<AttributionCorrection | undefined>;
  /** Records a statement, with an entry in the audit log; it replaces an earlier one. */
  correct(correction: AttributionCorrection, key: string): Promise<void>;
  /** Removes a statement, so that the engine's suspect counts again, with an entry in the audit log. */
  withdraw(correction: AttributionCorrection, by: { name: string; at: Timestamp }, key: string): Promise<void>;
};

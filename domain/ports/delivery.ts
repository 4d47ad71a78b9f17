import type { MergedPullRequest, PullRequest, PullRequestReport, Push, Release } from '../../schemas/delivery/code.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { AttributionCorrection, DeployRecord } from '../../schemas/delivery/deploy-record.ts';

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

import type { Artifact, Change, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import type {
  MergedPullRequest,
  PullRequest,
  PullRequestReport,
  Push,
  Release,
} from '../../../schemas/changes/code.ts';
import type { ObjectHistory, Rollout, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import type { Pin, PinView } from '../../../schemas/changes/pin.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Page, ServiceEnvironment } from './common.ts';

/** What a report has beside the fields of a change. `note`, `tags`: of an annotation. */
export type ChangeExtra = {
  made_for?: string;
  /** Replaces the ID that follows from the fields above. */
  id?: ChangeId;
  reported_by?: string;
  deploy_commit?: string;
  artifact?: Artifact;
  traceparent?: string;
  note?: string;
  tags?: string[];
  /** Replace what was reported; the ID stays. */
  kind?: 'rollback';
  previous_version?: string;
};

export type Changes = {
  /** Records a change. A repeat (same service, environment, version, kind, and started_at) returns the first one. */
  record(change: NewChange, extra?: ChangeExtra): Promise<{ change: Change; created: boolean }>;
  /**
   * Replaces a change by what `revise` returns, including start, version, and kind; its service, environment, and ID
   * stay. Calls `revise` again if the change was changed meanwhile. Undefined: no such change.
   */
  revise(id: ChangeId, revise: (change: Change) => Change): Promise<Change | undefined>;
  /** Updates a change. `ended`: it has ended and cannot restart. Undefined: no such change. */
  patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined>;
  get(id: ChangeId): Promise<Change | undefined>;
  /** Stores the number that the sender of an annotation got for its change. */
  nameAnnotation(annotation: number, id: ChangeId): Promise<void>;
  ofAnnotation(annotation: number): Promise<Change | undefined>;
  /** Returns a page of changes, newest first. Absent: all. */
  list(
    query: Partial<ServiceEnvironment & Pick<Change, 'kind' | 'status'>> & { limit: number; cursor?: string },
  ): Promise<Page<Change>>;
  /** Returns the newest changes of a service and environment, at most `limit`, oldest first. Strongly consistent. */
  recent(serviceEnvironment: ServiceEnvironment, limit: number): Promise<Change[]>;
  /** Returns the change behind the running version of each service and environment. */
  live(): Promise<Change[]>;
  /** Returns changes in progress, as far as reported. `overdueAt`: when they were reported as overdue. */
  inProgress(): Promise<{ change: Change; overdueAt: Timestamp | null }[]>;
  /** Returns failed changes without a reported recovery. `failedAt`: the first reported end. */
  failures(): Promise<{ change: Change; failedAt: Timestamp }[]>;
  /** Records that the recovery was reported. */
  endFailure(id: ChangeId): Promise<void>;
  /** Records that the change was reported as overdue. */
  setOverdue(id: ChangeId, at: Timestamp): Promise<void>;
  /** Stops waiting for the end of a change. */
  forgetInProgress(id: ChangeId): Promise<void>;
  /** Returns when it was reported as overdue. Null also after it has ended. */
  overdueAt(id: ChangeId): Promise<Timestamp | null>;
};

export type NewPin = Omit<Pin, 'id' | 'lifted_at' | 'lifted_by'>;

/** Pins of known bad versions. */
export type Pins = {
  /** Returns pins newest first. @param query.all include lifted pins */
  list(query: { limit: number; cursor?: string; all: boolean }): Promise<Page<PinView>>;
  /** Returns the pins in force. Strongly consistent. */
  of(serviceEnvironment: ServiceEnvironment): Promise<PinView[]>;
  get(id: string): Promise<PinView | undefined>;
  /**
   * Pins a version because of a recorded rollback, once; a repeat returns the pin while it is in force. Undefined: the pin of this
   * rollback was lifted, or another one of the version is in force.
   */
  add(pin: NewPin, rollback: ChangeId): Promise<PinView | undefined>;
  /** Lifts a pin; idempotent. Undefined: no pin with this ID. */
  lift(id: string, by: string): Promise<PinView | undefined>;
};

/** Rollouts that other systems report, with everything that their events said. */
export type Rollouts = {
  get(key: RolloutKey): Promise<RolloutRecord | undefined>;
  /** Writes the next revision. False: another process has written it first. */
  put(record: RolloutRecord): Promise<boolean>;
  /** Returns the newest rollouts that no service was found for, oldest first. */
  unmapped(): Promise<RolloutRecord[]>;
  /** Notes that a rollout needs a commit of a repository, which a later push can bring. */
  await(key: RolloutKey, commit: CommitKey): Promise<void>;
  /** Returns the rollouts that need one of these commits. */
  awaiting(repository: string, commits: ReadonlySet<string>): Promise<RolloutKey[]>;
  history(key: HistoryKey): Promise<ObjectHistory | undefined>;
  /** Writes the next revision. False: another process has written it first. */
  putHistory(history: ObjectHistory): Promise<boolean>;
};
export type RolloutKey = Pick<Rollout, 'source' | 'key'>;
/** `repository`: its path, in lowercase. */
export type CommitKey = { repository: string; commit: string };
export type HistoryKey = Pick<ObjectHistory, 'source' | 'object'>;

/** Commits of images. */
export type ImageCommits = {
  /**
   * Returns the commit that an image was built from. Null: the image does not say. Undefined: its registry is not
   * asked, or does not answer.
   */
  commitOf(reference: string): Promise<string | null | undefined>;
};

/** Number of unmapped rollouts that are kept; older ones are dropped. */
export const UNMAPPED_MAX = 500;

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

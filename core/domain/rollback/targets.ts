import type { ChangeReport } from '../../../schemas/changes/change-report.ts';
import type { Effect } from '../../../schemas/incidents/incident.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { isSameCommit, isSameName } from '../changes/version-identity.ts';
import type { VendorResponse } from '../ports/vendor-response.ts';

/** Action request to a target. `key` is the same for every attempt at the same action. */
export type TargetRequest = {
  service: ServiceName;
  environment: EnvironmentName;
  incident: IncidentId;
  /** Reason, as shown by the CD system; at most 500 characters. */
  reason: string;
  key: string;
};

export type RollbackCall = TargetRequest & {
  from: Version;
  to: Version;
  /** Recorded commits: a target that knows revisions instead of versions accepts either as a match. */
  fromCommit: string | null;
  toCommit: string | null;
};

/** The versions of a rollback, and their commits. */
type CalledVersions = Pick<RollbackCall, 'from' | 'to' | 'fromCommit' | 'toCommit'>;

/** Returns whether both versions have the same name, so that only their commits tell them apart. */
export const sharesName = ({ from, to }: Pick<CalledVersions, 'from' | 'to'>): boolean => isSameName(from, to);

/** Returns why no target can tell the two versions apart. Undefined: some can. */
export const whyIndistinct = (call: CalledVersions): string | undefined =>
  !sharesName(call) ||
  (call.fromCommit !== null && call.toCommit !== null && !isSameCommit(call.fromCommit, call.toCommit))
    ? undefined
    : `the target calls both versions ${call.to}, and their commits are not known to differ, so a rollback could change nothing`;

/**
 * Result of one attempt. `in_progress`: accepted, not done; `handle` is the argument for `status`; null: repeat the
 * same call to check; `waitsFor`: required action by a person, with its URL; `afterSeconds`: when to check, at the earliest. `superseded`: another version than the one
 * to roll back is running. `busy`: the target executes another operation. `refused`: the target rejects the request
 * permanently. `later`: no usable response; it may have been done.
 */
export type TargetResponse =
  | { kind: 'succeeded'; id: string | null }
  | { kind: 'in_progress'; id: string | null; handle: string | null; waitsFor?: string; afterSeconds?: number }
  | { kind: 'failed'; detail: string }
  | { kind: 'superseded'; current: string }
  | { kind: 'busy'; detail: string }
  | { kind: 'refused'; detail: string }
  | { kind: 'later'; detail: string; afterSeconds: number | null };

/** Whether the result of an action persists. */
export type DriftCheck =
  | { kind: 'holds' }
  /** It was changed by a sync, an autoscaler, or a person. */
  | { kind: 'drifted'; detail: string }
  | { kind: 'unknown'; detail: string };

/**
 * Client of the system that deploys a service. Every method is one attempt of at most 15 seconds and never throws for
 * errors of the other side; the workflow waits and retries.
 */
export type Deployer = {
  /** Description of the target and its location. */
  readonly target: string;
  /** The resource that it changes. Two deployers with the same resource are never used concurrently. */
  readonly resource: string;
  /** How the target handles a repeated action; determines the guarantee of the effect. */
  readonly effectClass: Effect['class'];
  /** Whether it is a stand-in of the sandbox, which changes no real system. */
  readonly standIn?: boolean;
  /**
   * Rolls back from `from` to `to`. It checks first: an action that is done or in progress under this key is not
   * repeated; if neither `from` nor the result of this key is running, the result is `superseded`.
   */
  rollBack(request: RollbackCall): Promise<TargetResponse>;
  /** Returns the progress of an accepted rollback. */
  status(handle: string, request: RollbackCall): Promise<TargetResponse>;
  /** Checks whether the result persists. Absent: the target can't be queried. */
  checkDrift?(request: RollbackCall): Promise<DriftCheck>;
  /** Absent: the target can't be scaled. */
  scaling?: Scaling;
  /** Absent: the target can't run instances of two versions beside the others. */
  look?: LookTarget;
  /** Restarts all instances one after the other with the same version. Absent: not supported. */
  restart?(request: TargetRequest): Promise<TargetResponse>;
  restartStatus?(handle: string, request: TargetRequest): Promise<TargetResponse>;
  /** Returns the newest rollout. Absent: the target's rollouts are reported by others. */
  lastRollout?(): Promise<ObservedRollout | Extract<TargetResponse, { detail: string }>>;
  /**
   * Calls `changed` after each change of the target, until `signal` is aborted. Returns why it cannot; undefined if it was
   * aborted. Absent: the target has no stream of changes.
   */
  watchRollouts?(options: { changed(): void; signal: AbortSignal }): Promise<string | undefined>;
  /**
   * Returns the instances of all versions, within 4 seconds. Absent: the target does not show them.
   *
   * @param options.all also reads what is needed only if some are not ready, to check the permission
   */
  instances?(options?: { all?: boolean }): Promise<InstancesResponse>;
  /** What deploys new images to the target by itself. Absent: nothing that Firebreak knows. */
  imageAutomation?: ImageAutomation;
};

/**
 * An instance that runs, or should run. `names`: those of its version, the most explicit first. `ready`: null if it may just be starting. `restarts`: those in the last
 * `PODS_SECONDS`, at least. `reasons`: why it can't start, as far as that follows from its version, and waiting does not overcome it.
 */
export type RunningInstance = {
  names: readonly string[];
  ready: boolean | null;
  restarts: number;
  reasons: readonly string[];
};

/** `unread`: why some reasons of instances that are not ready are not known. Null: they are. */
export type InstancesResponse =
  | { kind: 'instances'; instances: readonly RunningInstance[]; unread: string | null }
  | Extract<TargetResponse, { detail: string }>;

/** `report`: null if nothing was rolled out. `superseded`: keys of earlier rollouts that may not have ended. */
export type ObservedRollout = { kind: 'observed'; report: ChangeReport | null; superseded: readonly string[] };

/**
 * `outdated`: those of the versions since which a newer one was deployed, and runs. Software that can only stop all updates
 * does not hold them, because nothing would be updated any more. `images`: images of the service; empty: all that are updated.
 */
export type HoldRequest = {
  versions: readonly Version[];
  outdated: readonly Version[];
  images: readonly string[];
};

/**
 * `images`: what image automation updates; empty: it does not update the service. `held`: versions that it does not
 * deploy from now on. `changed`: whether that was not the case before.
 */
export type HeldImages = { images: readonly string[]; held: readonly Version[]; changed: boolean };

/** Image automation, which deploys a new image as soon as the registry has it. */
export type ImageAutomation = {
  /** The name of the software. */
  readonly name: string;
  /** Sets which versions it must not deploy for this service and environment. All others are released. Idempotent. */
  hold(request: HoldRequest): Promise<VendorResponse<HeldImages>>;
};

export type Scaling = {
  /** Returns the desired number of instances. */
  count(): Promise<{ kind: 'count'; count: number } | Extract<TargetResponse, { detail: string }>>;
  /** Sets the number of instances to `to` if it is still `from`. */
  set(request: TargetRequest & { from: number; to: number }): Promise<TargetResponse>;
};

/**
 * Request for a controlled look: one fresh instance of the suspect version (`from`) beside one fresh instance of the version
 * to return to (`to`). `seconds`: time after which the target ends both by itself, also without Firebreak.
 */
export type LookRequest = RollbackCall & { seconds: number };

/** One of the two instances. `name`: as metrics name it (label `pod` or `instance`). `detail`: why it has failed. */
export type LookInstance = {
  name: string;
  state: 'starting' | 'ready' | 'failed' | 'gone';
  readyAt: Timestamp | null;
  restarts: number;
  detail: string | null;
};

/** Result of an attempt that starts, reads, or ends a look. `ending`: the instances are being removed. */
export type LookResponse =
  | { kind: 'running'; suspect: LookInstance; other: LookInstance }
  | { kind: 'ending' }
  | { kind: 'gone' }
  | Extract<TargetResponse, { kind: 'superseded' | 'refused' | 'later' }>;

/** Runs one fresh instance of each of two versions, with a share of the service's traffic. Methods never throw for errors of the other side. */
export type LookTarget = {
  /**
   * Returns whether a look is possible now, without changing anything. `replicas`: instances that serve now; each of the two
   * gets about 1 / (replicas + 2) of the requests.
   */
  plan(
    request: LookRequest,
  ): Promise<
    { kind: 'possible'; replicas: number } | Extract<TargetResponse, { kind: 'superseded' | 'refused' | 'later' }>
  >;
  /** Starts both instances. It checks first: instances of this key are not started again, and not after they have ended. */
  start(request: LookRequest): Promise<LookResponse>;
  read(request: LookRequest): Promise<LookResponse>;
  /** Removes both instances. Idempotent. */
  end(request: LookRequest): Promise<LookResponse>;
};

export type FlagRequest = TargetRequest & { flag: string; on: boolean };

/** Feature flag service. Sets a state, so repeats are harmless. */
export type Flags = {
  readonly target: string;
  /** Returns the resource that a flag change affects. */
  resource(flag: string): string;
  readonly effectClass: Effect['class'];
  /** Whether it is a stand-in of the sandbox, which changes no real system. */
  readonly standIn?: boolean;
  /** @param request.on whether the flag is enabled afterwards */
  set(request: FlagRequest): Promise<TargetResponse>;
  read(
    flag: string,
  ): Promise<
    | { kind: 'state'; on: boolean }
    | { kind: 'refused'; detail: string }
    | { kind: 'later'; detail: string; afterSeconds: number | null }
  >;
};

import type { Freeze, Override } from './schemas/freeze.ts';
import type { CheckRequest, Verdict } from './schemas/freeze-check.ts';
import type { PinView } from '../../schemas/changes/pin.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { FluxObject, GateCluster, ParameterObject } from './schemas/freeze-gates.ts';
import type { FluxGate, Mark } from './vendors/kubernetes/flux-gate.ts';
import type { Entries } from './vendors/kubernetes/parameters.ts';
import type { SloStatus } from '../../schemas/slo/slo-status.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { WaitingDeployment } from './schemas/waiting-deployment.ts';
import type { Page, ServiceEnvironment } from '../../core/domain/ports/common.ts';

/** Store of freezes. Every change to a freeze is recorded in the audit log in the same transaction. */
export type Freezes = {
  /**
   * Stores a freeze in every list that a check reads, in one transaction. Returns the existing freeze instead if an
   * unsettled one has the same cause (objective, incident, or calendar entry with this start) or the same ID. An
   * existing calendar or incident freeze is revised where `revisionOf` says so.
   * @throws ScopeFull when its scope has too many freezes that are not over
   */
  open(freeze: Freeze): Promise<{ freeze: Freeze; created: boolean }>;
  /**
   * Ends a freeze; no effect if it has ended already. `settled`: its cause is over. Undefined: no freeze with this ID.
   */
  end(id: string, end: { at: Timestamp; by: string; reason: string; settled: boolean }): Promise<Freeze | undefined>;
  /**
   * Revises a calendar or incident freeze to the current state. If it ended without a person's action, or its cause was
   * over, it is in force again. Undefined: no freeze with this ID.
   */
  revise(revision: Pick<Freeze, 'id' | 'reason' | 'ends_when' | 'until'>): Promise<Freeze | undefined>;
  /** Records that the cause of a freeze lifted by a person is over. */
  settle(id: string, at: Timestamp): Promise<void>;
  /** Reads strongly consistently. */
  get(id: string): Promise<Freeze | undefined>;
  /**
   * Returns freezes newest first, including those that are over. A page has fewer entries than the limit only at the
   * end.
   * @param isWanted filter
   */
  list(query: { limit: number; cursor?: string }, isWanted?: (freeze: Freeze) => boolean): Promise<Page<Freeze>>;
  /** Returns all freezes that are scheduled, in force, or not settled. Strongly consistent. */
  current(): Promise<Freeze[]>;
  /**
   * Adds an override; idempotent by its ID. Undefined: there is no such freeze, or it is over.
   * @throws ScopeFull
   */
  addOverride(id: string, override: Override): Promise<Freeze | undefined>;
  /**
   * Approves an override as the second person, once. `own`: the approver is the requester. `unknown`: no such override
   * needs approval.
   */
  approveOverride(id: string, override: string, by: string): Promise<Freeze | 'unknown' | 'own'>;
  withdrawOverride(id: string, override: string, by: string, reason?: string): Promise<Freeze | undefined>;
  /**
   * Counts uses of overrides of different freezes by a deployment, each once, and all or none. `spent`: an override is no
   * longer valid, or not for this version.
   * @param version deployed version; without it, an override for a specific version does not apply
   */
  useOverrides(uses: readonly OverrideUse[], by: string, version?: string | null): Promise<'used' | 'again' | 'spent'>;
};

/** A use of a freeze's override by a deployment. */
export type OverrideUse = { freeze: string; override: string; deployment: string };

/** Service and environment of a check, with the team from the catalogue. */
export type CheckedScope = ServiceEnvironment & { team: string | null };

/** State of one service and environment. Strongly consistent. */
export type ScopeState = {
  /**
   * Freezes of each scope that covers the service and environment, possibly including scheduled ones and those that are
   * over.
   */
  freezes: Freeze[];
  /** What features report of its error budgets. */
  slos: SloStatus[];
};

/** Reads the stored freezes and pins for a check in one call. */
export type FreezeState = {
  /** Reads strongly consistently. Concurrent callers share the result, so callers must not modify it. */
  read(
    scope: CheckedScope,
    dependencies: readonly CheckedScope[],
  ): Promise<{ own: Freeze[]; dependencies: Freeze[][]; pins: PinView[] }>;
};

/** Lease for evaluations of what freezes, so that two instances never evaluate at the same time. */
export type EvaluationLease = {
  /**
   * Acquires the lease. `kept`: no other instance has held it since. `taken`: another instance held it in between.
   * `held`: another instance holds it now.
   */
  take(holder: string, seconds: number): Promise<'kept' | 'taken' | 'held'>;
  /** Releases the lease immediately. */
  release(holder: string): Promise<void>;
};

/** One stored decision of the check with all its inputs: `decide(inputs)` reproduces it. */
export type FreezeDecision<Inputs = unknown> = {
  /** Hash of the scope, the change, and the state of the decision. */
  id: string;
  at: Timestamp;
  by: string;
  request: CheckRequest;
  verdict: Verdict;
  inputs: Inputs;
  /** It is the first of several decisions that differ in version, commit, deployment, or times. Absent: it stands alone. */
  aggregated?: true;
};

export type FreezeDecisions = {
  /**
   * Stores a decision once, with its audit log entry. Repeats are counted in memory, so that they do not wait for a
   * write. A process that dies loses up to one minute of counts, but no decision.
   *
   * @param aggregate returns the ID of the record in which the decision is counted if its caller has too many new ones
   * @returns the ID of the record, and whether it is new
   */
  keep(decision: FreezeDecision, aggregate: () => string): Promise<{ id: string; first: boolean }>;
  /** Writes the counts. Runs automatically within a minute; call it before the process ends. */
  flush(): Promise<void>;
  /** Returns a decision. `count`: number of requests, as far as written. */
  get(id: string): Promise<(FreezeDecision & { count: number; last_at: Timestamp }) | undefined>;
  /** Returns when the inputs of a decision were removed. Undefined: they were not, or there is no such decision. */
  removedAt(id: string): Promise<Timestamp | undefined>;
};

/** Removes the inputs of the oldest freeze decisions while all together are too large. */
export type DecisionRetention = {
  /** Does a part of the work; call it each minute. */
  run(): Promise<void>;
};

/** Signs and verifies tokens with ES256. */
export type Signer = {
  /** Signs claims. Null: no usable key is configured; see `problem`. */
  sign(claims: Record<string, unknown>, lifetimeSeconds: number): Promise<string | null>;
  /** @returns the claims, or the reason why the token is invalid */
  verify(token: string): Promise<{ ok: true; claims: Record<string, unknown> } | { ok: false; problem: string }>;
  /** Returns the public keys, including the most recently replaced one. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
  /** Describes a problem with the keys and its remedy. Null: none. */
  problem(): Promise<string | null>;
};

/** Store of deployments in other systems that wait for approval by Firebreak. */
export type WaitingDeployments = {
  /** Stores a deployment once and returns the stored form. Undefined: it was already answered. */
  keep(gate: WaitingDeployment): Promise<WaitingDeployment | undefined>;
  /** Returns all waiting deployments, oldest first. Strongly consistent. */
  all(): Promise<WaitingDeployment[]>;
  /** Updates a deployment. Undefined: it was modified concurrently or answered since it was read. */
  change(gate: WaitingDeployment): Promise<WaitingDeployment | undefined>;
  /** Removes a deployment that was answered or no longer waits. */
  end(gate: WaitingDeployment): Promise<void>;
};

/** `over`: the deployment no longer waits. `unclear`: the review may have arrived. `refused`: a person must correct a setting. */
export type ReviewOutcome = { kind: 'done' } | { kind: 'over' | 'later' | 'unclear' | 'refused'; detail: string };

/** Client of a system that holds a deployment until it is approved. Every call is a single attempt. */
export type DeploymentProtection = {
  /** @param review.state null: the deployment keeps waiting; the comment shows the reason */
  review(
    gate: WaitingDeployment,
    review: { state: 'approved' | 'rejected' | null; comment: string },
  ): Promise<ReviewOutcome>;
  /**
   * Returns whether the deployed commit has exactly the content of `version` at `path` (null: everywhere). False also
   * if unknown.
   */
  hasContentOf(gate: WaitingDeployment, version: string, path: string | null): Promise<boolean>;
  /**
   * Returns requests of the last days whose delivery to Firebreak failed, as they were sent, except those in `known`.
   * Empty also if this cannot be determined.
   */
  undelivered(known: ReadonlySet<string>): Promise<{ id: string; at: Timestamp; payload: unknown }[]>;
};

/** Gates in Kubernetes clusters. Each call reads first, and changes only what differs, so it can be repeated. */
export type ClusterGates = {
  /** Suspends an object of Flux, or resumes it if Firebreak has suspended it. @param mark null: resume */
  setSuspended(cluster: GateCluster, object: FluxObject, mark: Mark | null): Promise<VendorResponse<FluxGate>>;
  /** Sets entries of the parameters of the admission policy. */
  setEntries(cluster: GateCluster, object: ParameterObject, entries: Entries): Promise<VendorResponse<'set'>>;
};

import type { CheckedChange } from '../schemas/checked-change.ts';
import type { CheckRequest } from '../schemas/freeze-check.ts';
import type { Freeze } from '../schemas/freeze.ts';
import type { Version } from '../../../schemas/config/names.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { FreezePolicy } from './policy.ts';
import type { CheckedScope, ScopeState } from '../types.ts';

/** A commit that was recorded with a pinned (known bad) version. */
export type PinnedCommit = { version: Version; commit: string };

/** A freeze from the current calendar. `passes` absent: the policy's exemptions apply. */
export type CalendarFreeze = Freeze & { passes?: readonly CheckedChange[] };

/**
 * State of one dependency. `incidents`: freezes of its open incidents, where the policy lets incidents freeze. Absent
 * in decisions of older versions, which used the stored freezes.
 */
export type DependencyInputs = { scope: CheckedScope; state: ScopeState; incidents?: Freeze[] };

/**
 * All inputs of one freeze check, stored with its decision. Freezes of the calendar and of open incidents are included
 * even if they are not stored yet: they are in force from their start, whether or not anyone has checked since.
 */
export type CheckInputs = {
  at: Timestamp;
  request: CheckRequest;
  /** Key under which override uses are counted for a deployment that sends neither an ID nor a version. */
  countedAs?: string;
  /** IDs of overrides of which this check has counted a use. Absent: none. */
  usedNow?: string[];
  /** Whether the catalogue has the service. */
  isKnownService: boolean;
  unknownService: 'allow' | 'deny';
  /** The service that was probably meant, if the catalogue does not have the service. */
  suggestedService?: string;
  /** Names used in the request. Absent: the request used the known names. */
  requested?: ServiceEnvironment;
  /** Set if the environment is unknown: the policy for that case, the known environments, and the likely match. */
  unknownEnvironment?: { policy: 'allow' | 'deny'; configured: string[]; suggestion: string | null; recorded?: true };
  policy: FreezePolicy;
  scope: CheckedScope;
  /** Number of objectives configured for the service and environment. */
  objectives: number;
  /** IDs of these objectives. Absent in decisions of older versions. */
  objectiveIds?: string[];
  own: ScopeState;
  dependencies: DependencyInputs[];
  /** Calendar freezes of the service and environment: those in force and the next ones. */
  calendar: CalendarFreeze[];
  /** Freezes of open incidents of the service and environment, where the policy lets incidents freeze. */
  incidents: Freeze[];
  pins: PinView[];
  /** Numbers of the incidents of the pins that refuse the version. Absent in decisions of older versions. */
  incidentNumbers?: Record<string, number>;
  /**
   * Commits that were recorded with pinned versions. Absent in decisions of older versions, and if no version is
   * pinned.
   */
  pinnedCommits?: PinnedCommit[];
  /** For a rollback: whether its version is an earlier, known good one. Null: not a rollback. */
  rollback: { kind: 'known_good' | 'ours' | 'not_known'; text: string } | null;
  /** For a kind of change that requires proof of identity: the result of the verification. Null: no identity token. */
  identity: { ok: true; subject: string } | { ok: false; problem: string } | null;
  /** Time of the last evaluation of the objectives. Null: never. */
  evaluatedAt: Timestamp | null;
  /** What Firebreak cannot read or write now, for people. Absent: nothing. */
  storageProblem?: string;
};

import type { EnvironmentEntry, EvidenceLevel } from '../../../schemas/config/config.ts';
import type { Named } from '../incidents/incident-number.ts';
import type { IncidentId, Mode, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { DecisionKind, Suspect } from '../../../schemas/incidents/incident.ts';
import type { RunbookApproval } from '../../../schemas/incidents/inbox.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Correlation } from '../correlation/ranking.ts';
import type { OfferedAct } from './offers.ts';
import type { Evidence } from '../correlation/evidence.ts';
import type { Onset } from '../correlation/onset.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** State of the kill switch. `unreadable`: no action is permitted. */
export type KillSwitch =
  | { state: 'read'; paused: boolean; by?: string | null; reason?: string | null }
  | { state: 'unreadable'; detail: string };

/** State of one service and environment, as far as it matters for actions. */
export type TargetInputs = ServiceEnvironment & {
  policy: Pick<EnvironmentEntry['autoRollback'], 'mode' | 'unknownMigration' | 'approvals'> & {
    evidence: EvidenceLevel;
    /** Absent: the default. */
    maxOnsetAgeMinutes?: number;
  };
  has_deployer: boolean;
  /** The deployer knows no commits, only names of versions. Absent: it knows them, or none is configured. */
  names_only?: true;
  /** A flag service is configured. Absent: none. */
  has_flags?: true;
  /** The controlled look is on. Absent: off. */
  has_look?: true;
  /** Live mode caps set by people; the lowest one applies. */
  modes: readonly Mode[];
  /** Automation was wrong too often; a person must promote the service again. */
  demoted: boolean;
  rollbacks_last_hour: number;
  /** Known bad versions. */
  pinned: readonly string[];
  /** Newest changes, oldest first. */
  changes: readonly Change[];
};

/**
 * What requested a judgement. `none`: it follows from the incident alone. `verification`: the previous mitigation did not
 * help. `runbook`: a runbook that responds to the alerts.
 */
export type Requester = 'alert' | 'person' | 'none' | 'runbook' | 'verification';

/** All inputs of a judgement, stored with the decision: `decide(inputs)` reproduces it. */
export type DecisionInputs = {
  decide_version: number;
  /**
   * `name`: of the person or runbook; empty for other requesters. `approval`: a runbook requires approval. Absent: it does
   * not. `from`: version that ran when a person requested the rollback. `to`: version that the person named. Absent: the
   * newest known good one. `proposed`: a program proposed it for a person, who is asked. `moved_known`: the person was told
   * that the name of the version to restore means another commit now.
   */
  request: {
    by: Requester;
    name: string;
    mode: Mode | null;
    approval?: RunbookApproval;
    from?: Version;
    to?: Version;
    proposed?: true;
    moved_known?: true;
  };
  matched: boolean;
  monitoring_failure_only: boolean;
  /** The chaos experiment that explains all firing alerts. Absent: none does. */
  expected_from?: string;
  evidence: Evidence;
  /** The failing service first, then other services with a suspect. */
  targets: readonly TargetInputs[];
  guard: KillSwitch;
  incident_paused: boolean;
  /** The incident is one of many that fail at once. */
  one_of_many: boolean;
  /**
   * The name of the child of the same parent that was rolled back automatically, if any. Null: none. Absent: the incident has no
   * parent, or it could not be read.
   */
  group_rollback?: string | null;
  /** Other incidents of the same group of a dependency that decide about their own services. Absent: none. */
  group_incidents?: readonly ({ service: ServiceName; incident_id: IncidentId } & Pick<Named, 'number'>)[];
  /** The other failing services could not be read. */
  neighbours_unreadable: boolean;
  /** Automatic rollbacks of all services. */
  organisation_rollbacks_last_hour: number;
  /** Automatic rollbacks for alerts of the same sender. Absent: not counted by sender. */
  sender_rollbacks_last_hour?: number;
  /**
   * How many more decisions to wait can replace a question of the workflow. 0: only a report that the errors have ended can. Absent:
   * nothing replaces the decision, because it is not the workflow's own.
   */
  waits_left?: number;
  /** Every sender whose alerts request the rollback lacks the scope rollback:request. */
  sender_lacks_scope?: true;
  /** Every alert that caused the judgement has only returned with a start from before its end. */
  returned_only?: true;
  config_version: string;
};

export type Decision = {
  kind: DecisionKind;
  reasons: Reason[];
  suspects: Suspect[];
  onset: Onset;
  verdict: Correlation['verdict'];
  /** Service and environment to roll back; null: none. */
  target: ServiceEnvironment | null;
  suspect: string | null;
  from: Version | null;
  to: Version | null;
  /** Acts to choose from, if candidates tie or the act is no rollback. Absent: no choice. */
  offers?: readonly OfferedAct[];
  /** Approvals of a decision that asks: required number, and those given. */
  approvals: { needed: 1 | 2; given: string[] };
  /** Seconds until the next decision, of one that waits. */
  wait_seconds?: number;
};

/** Returns whether a reason speaks for the act, rather than against doing it automatically. */
export const speaksForIt = ({ code }: Reason): boolean => code === 'suspect' || code === 'evidence';

/** Returns whether only the mode requires approval, by one person. */
export const asksByModeAlone = ({
  kind,
  reasons,
  approvals,
}: Pick<Decision, 'kind' | 'reasons'> & { approvals: { needed: number } }): boolean =>
  kind === 'approve' &&
  approvals.needed === 1 &&
  reasons.every((reason) => reason.code === 'mode_approve' || speaksForIt(reason));

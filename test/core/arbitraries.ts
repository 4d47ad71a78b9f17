import { hash } from 'node:crypto';
import * as fc from 'fast-check';
import type { Evidence, OnsetEvidence } from '../../core/domain/correlation/evidence.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { IntendedAction } from '../../core/domain/ports/decisions.ts';
import type { Requester, DecisionInputs, KillSwitch, TargetInputs } from '../../core/domain/rollback/judgement.ts';
import { DECIDE_VERSION } from '../../core/domain/rollback/guards.ts';
import type { Change } from '../../schemas/changes/change.ts';
import { ChangeKind, ChangeStatus } from '../../schemas/changes/change.ts';
import type { ClearedSuspect } from '../../schemas/incidents/incident.ts';
import type { RunbookApproval } from '../../schemas/incidents/inbox.ts';
import {
  type ChangeId,
  type EnvironmentName,
  Mode,
  type ServiceName,
  type Version,
} from '../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';

/** Start of the alerts in these tests. */
export const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Returns the time in minutes before noon; negative: after noon. */
export const before = (minutes: number): Timestamp => plusSeconds(NOON, -60 * minutes);

export const INCIDENT = '01TEST00000000000000000001';

const changeId = (of: string): ChangeId => `chg_${hash('sha256', of).slice(0, 26)}` as ChangeId;

/** Builds a deploy that took three minutes by default. */
export function change(version: string, startedMinutesBefore: number, more: Partial<Change> = {}): Change {
  const started_at = before(startedMinutesBefore);
  return {
    id: changeId(`${version} ${startedMinutesBefore}`),
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    version: version as Version,
    kind: 'deploy',
    status: 'succeeded',
    commit: null,
    committed_at: null,
    commits: [],
    started_at,
    finished_at: plusSeconds(started_at, 180),
    author: null,
    url: null,
    has_migration: false,
    rollback_safe_to: null,
    previous_version: null,
    canary_weight: null,
    rolled_back_by: null,
    made_for: null,
    recorded_at: started_at,
    ...more,
  };
}

/** Builds v1 hours before and v2 five minutes before the alert: the standard case for a rollback. */
export const aBadDeploy = (): Change[] => [change('v1', 240), change('v2', 8)];

/** Inputs of a decision about a single service, in a form convenient for tests. */
export type Plain = {
  request: { by: Requester; name: string; mode?: Mode; approval?: RunbookApproval; from?: Version; to?: Version };
  matched: boolean;
  monitoring_failure_only: boolean;
  expected_from?: string;
  onset: OnsetEvidence;
  changes: readonly Change[];
  policy: Partial<TargetInputs['policy']>;
  has_deployer: boolean;
  guard: KillSwitch;
  modes: readonly Mode[];
  demoted: boolean;
  pinned: readonly string[];
  incident_paused: boolean;
  one_of_many: boolean;
  neighbours_unreadable: boolean;
  rollbacks_last_hour: number;
  organisation_rollbacks_last_hour: number;
  sender_rollbacks_last_hour?: number;
  sender_lacks_scope?: true;
  returned_only?: true;
  evidence: Partial<Evidence>;
  /** Other services with a suspect. */
  others: readonly TargetInputs[];
  config_version: string;
};

/** Builds decision inputs: the same changes are suspects and rollback targets. */
export function inputsOf(plain: Plain): DecisionInputs {
  const { request, matched, monitoring_failure_only, guard, incident_paused, one_of_many, config_version } = plain;
  const own: TargetInputs = {
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    policy: { mode: 'act', unknownMigration: 'approve', approvals: 1, evidence: 'time', ...plain.policy },
    has_deployer: plain.has_deployer,
    modes: plain.modes,
    demoted: plain.demoted,
    rollbacks_last_hour: plain.rollbacks_last_hour,
    pinned: plain.pinned,
    changes: plain.changes,
  };
  const { sender_rollbacks_last_hour: ofSender, sender_lacks_scope: inVain, expected_from: experiment } = plain;
  return {
    ...(experiment !== undefined && { expected_from: experiment }),
    ...(ofSender !== undefined && { sender_rollbacks_last_hour: ofSender }),
    ...(inVain && { sender_lacks_scope: inVain }),
    ...(plain.returned_only && { returned_only: true as const }),
    decide_version: DECIDE_VERSION,
    request: { mode: null, ...request },
    matched,
    monitoring_failure_only,
    evidence: {
      incident_id: INCIDENT,
      service: 'checkout',
      environment: 'production',
      at: plusSeconds(NOON, 60),
      onset: plain.onset,
      changes: plain.changes.map((one) => ({ change: one, relation: 'same', distance: 0 })),
      health: null,
      traffic: null,
      by_version: null,
      alert_versions: [],
      failing: [],
      ...plain.evidence,
    },
    targets: [own, ...plain.others],
    guard,
    incident_paused,
    one_of_many,
    neighbours_unreadable: plain.neighbours_unreadable,
    organisation_rollbacks_last_hour: plain.organisation_rollbacks_last_hour,
    config_version,
  };
}

/** Builds a clearing by Ada, three minutes after noon. */
export const clearing = (of: Change, more: Partial<ClearedSuspect> = {}): ClearedSuspect => ({
  change_id: of.id,
  service: of.service,
  version: of.version,
  kind: of.kind,
  by: 'ada',
  at: before(-3),
  ...more,
});

/** Builds inputs that permit automatic action. */
export const clear = (more: Partial<Plain> = {}): DecisionInputs => inputsOf(clearly(more));

export const clearly = (more: Partial<Plain> = {}): Plain => ({
  request: { by: 'alert', name: '' },
  matched: true,
  monitoring_failure_only: false,
  onset: { alertStartedAt: NOON, rule: null },
  changes: aBadDeploy(),
  policy: {},
  has_deployer: true,
  guard: { state: 'read', paused: false },
  modes: [],
  demoted: false,
  pinned: [],
  incident_paused: false,
  one_of_many: false,
  neighbours_unreadable: false,
  rollbacks_last_hour: 0,
  organisation_rollbacks_last_hour: 0,
  evidence: {},
  others: [],
  config_version: 'test',
  ...more,
});

const versions = fc.constantFrom('v1', 'v2', 'v3', 'v4');

/** Realistic changes: mostly successful deploys, some of every other kind, at whole minutes around noon. */
const anyChange: fc.Arbitrary<Change> = fc
  .record({
    version: versions,
    // Often the same minute: pipelines deploy several services at once.
    started: fc.oneof(fc.integer({ min: -4, max: 300 }), fc.constantFrom(-1, 5, 10, 15, 60, 240)),
    took: fc.option(fc.oneof(fc.integer({ min: 0, max: 25 }), fc.constant(3)), { nil: null }),
    kind: fc.oneof({ weight: 6, arbitrary: fc.constant('deploy' as const) }, fc.constantFrom(...ChangeKind.options)),
    status: fc.oneof(
      { weight: 6, arbitrary: fc.constant('succeeded' as const) },
      fc.constantFrom(...ChangeStatus.options),
    ),
    has_migration: fc.constantFrom(true, false, false, false, null),
    rollback_safe_to: fc.option(versions, { nil: null, freq: 6 }),
    rolled_back_by: fc.constantFrom(null, null, null, null, INCIDENT, 'some incident'),
    made_for: fc.constantFrom(null, null, null, INCIDENT, 'some incident'),
    previous_version: fc.option(versions, { nil: null }),
    id: fc.uuid(),
  })
  .map(({ version, started, took, id, ...more }) => {
    const made = change(version, started, more);
    const finished_at = took === null || more.status === 'started' ? null : plusSeconds(made.started_at, took * 60);
    return { ...made, id: changeId(id), finished_at };
  });

const several = (maxLength: number) => fc.uniqueArray(anyChange, { maxLength, selector: ({ id }) => id });

export const anyChanges = fc.oneof(
  several(8),
  several(3).map((more) => [...aBadDeploy(), ...more]),
);

const anyGuard: fc.Arbitrary<KillSwitch> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ state: 'unreadable', detail: 'no answer' } as const) },
  {
    weight: 5,
    arbitrary: fc.record({
      state: fc.constant('read' as const),
      paused: fc.boolean(),
    }),
  },
);

/** Mostly in favor of action, so that each guard also occurs alone. */
const rarely = (value: boolean) => fc.oneof({ weight: 4, arbitrary: fc.constant(!value) }, fc.constant(value));

export const anyPlain: fc.Arbitrary<Plain> = fc
  .record({
    request: fc
      .constantFrom('alert', 'alert', 'alert', 'person', 'none', 'runbook', 'verification')
      .map((by) => ({ by, name: 'ada' }) as const),
    matched: rarely(false),
    monitoring_failure_only: rarely(true),
    isExplained: rarely(true),
    isReturned: rarely(true),
    onset: fc.record({
      alertStartedAt: fc.constant(NOON),
      rule: fc.option(
        fc.record({ forSeconds: fc.integer({ min: 0, max: 900 }), intervalSeconds: fc.constantFrom(15, 30, 60) }),
        { nil: null },
      ),
    }),
    changes: anyChanges,
    mode: fc.oneof({ weight: 3, arbitrary: fc.constant('act' as const) }, fc.constantFrom(...Mode.options)),
    unknownMigration: fc.constantFrom('approve' as const, 'act' as const),
    has_deployer: rarely(false),
    guard: fc.oneof({ weight: 2, arbitrary: fc.constant<KillSwitch>({ state: 'read', paused: false }) }, anyGuard),
    modes: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant('act' as const) }, fc.constantFrom(...Mode.options)), {
      maxLength: 2,
    }),
    demoted: rarely(true),
    pinned: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, fc.array(versions, { maxLength: 2 })),
    incident_paused: rarely(true),
    one_of_many: rarely(true),
    neighbours_unreadable: rarely(true),
    rollbacks_last_hour: fc.constantFrom(0, 0, 2, 3, 9),
    organisation_rollbacks_last_hour: fc.constantFrom(0, 0, 9, 10),
    approvals: fc.constantFrom(1 as const, 1 as const, 2 as const),
    evidence: fc.constantFrom('time' as const, 'time' as const, 'proved' as const, 'version' as const),
  })
  .map(({ mode, unknownMigration, approvals, evidence, isExplained, isReturned, ...inputs }) =>
    clearly({
      ...inputs,
      ...(isExplained && { expected_from: 'kill one pod' }),
      ...(isReturned && { returned_only: true as const }),
      policy: { mode, unknownMigration, approvals, evidence },
    }),
  );

/** Builds an automatic action on a separate service and environment. */
export const actAt = (serviceEnvironment: ServiceEnvironment): IntendedAction => ({
  serviceEnvironment: serviceEnvironment,
  resource: `http ${serviceEnvironment.service} ${serviceEnvironment.environment}`,
  automatic: true,
  isProposed: true,
});

import type { EnvironmentEntry } from '../schemas/config.ts';
import type { Change } from '../schemas/change.ts';
import type { DecisionKind, Reason, Suspect } from '../schemas/incident.ts';
import { lowestMode, type Mode, type Version } from '../schemas/names.ts';
import { type Onset, type OnsetEvidence, onsetOf } from './onset.ts';
import { MIN_CONFIDENCE, type RankedSuspect, suspectsOf } from './suspects.ts';
import { byStart, liveChange, putsVersionLive, rollbackTarget } from './versions.ts';

/** More automatic rollbacks of one service and environment than this in an hour, and a person is asked. */
export const ROLLBACKS_PER_HOUR = 3;

/** What the kill switch and the live modes say. `unreadable`: could not be read, so nothing may be done. */
export type Guard =
  | { state: 'read'; paused: boolean; modes: readonly Mode[] }
  | { state: 'unreadable'; detail: string };

/** All that the judgement depends on. Stored with the decision: `decide(inputs)` gives it again. */
export type DecisionInputs = {
  incident_id: string;
  asked: { by: 'alert' | 'person' | 'nobody'; who: string };
  matched: boolean;
  monitoring_failure_only: boolean;
  onset: OnsetEvidence;
  changes: readonly Change[];
  policy: Pick<EnvironmentEntry['autoRollback'], 'mode' | 'unknownMigration'>;
  has_deployer: boolean;
  guard: Guard;
  incident_paused: boolean;
  /** Many fail at once, and this is one of them. Absent in decisions of older versions: it was not known. */
  one_of_many?: boolean;
  rollbacks_last_hour: number;
  config_version: string;
};

export type Decision = {
  kind: DecisionKind;
  reasons: Reason[];
  suspects: Suspect[];
  onset: Onset;
  from: Version | null;
  to: Version | null;
};

/**
 * May the suspect's version be rolled back: alone, after a person's yes, or not at all. Every guard that holds is
 * named, the strongest first. What is unclear never acts.
 */
export function decide(inputs: DecisionInputs): Decision {
  const onset = onsetOf(inputs.onset);
  const ranked = suspectsOf(inputs.changes, onset.at, inputs.incident_id);
  const top =
    inputs.asked.by === 'person'
      ? whatRuns(inputs.changes)
      : (ranked.find((suspect) => putsVersionLive(suspect.change)) ?? ranked[0]);
  const base = { onset, suspects: ranked.map(plain) };
  const impossible = whyImpossible(inputs, top);
  const target = top === undefined ? undefined : rollbackTarget(inputs.changes, top.change);
  if (top === undefined || target === undefined || impossible.length > 0) {
    const reasons = [
      ...impossible,
      ...(top !== undefined && target === undefined && putsVersionLive(top.change) ? [NO_TARGET] : []),
    ];
    return { ...base, kind: 'none', reasons, from: top?.version ?? null, to: target ?? null };
  }
  const found = { ...base, from: top.version, to: target };
  const asks = whyAsk(inputs, top, target);
  const why: Reason = { code: 'suspect', text: `${top.reasons.join('; ')} (confidence ${top.confidence})` };
  if (inputs.asked.by === 'person')
    return { ...found, kind: 'roll_back', reasons: [reason('asked_by_person', `asked by ${inputs.asked.who}`), why] };
  const cap = capOf(inputs);
  const superseded = whySuperseded(inputs.changes, top.change);
  if (superseded !== undefined)
    return {
      ...found,
      kind: lowestMode(cap.mode, 'suggest') === 'shadow' ? 'shadow' : 'suggest',
      reasons: [superseded, why],
    };
  if (cap.mode === 'act' && asks.length === 0) return { ...found, kind: 'roll_back', reasons: [why] };
  const kind: DecisionKind = cap.mode === 'act' ? 'approve' : cap.mode;
  return {
    ...found,
    kind,
    reasons: [
      ...(cap.mode === 'approve' || cap.mode === 'act' ? [...asks, ...cap.reasons] : [...cap.reasons, ...asks]),
      why,
    ],
  };
}

/** Nothing could be done, whoever says yes. */
function whyImpossible(inputs: DecisionInputs, top: RankedSuspect | undefined): Reason[] {
  const reasons: Reason[] = [];
  if (!inputs.matched)
    reasons.push(reason('unmatched', 'the alert matches no service and environment of the catalogue'));
  if (inputs.guard.state === 'unreadable')
    reasons.push(reason('guard_unreadable', `the kill switch could not be read: ${inputs.guard.detail}`));
  if (top === undefined)
    reasons.push(
      reason(
        'no_confident_suspect',
        'no change of this service was rolling out or had finished in the 30 minutes before the problem began',
      ),
    );
  else if (!putsVersionLive(top.change))
    reasons.push(
      reason('not_a_deploy', `the suspect is a ${top.change.kind}, which a rollback of the version does not undo`),
    );
  if (!inputs.has_deployer)
    reasons.push(reason('no_deployer', 'no deployer is configured for this service and environment'));
  return reasons;
}

/** It could be done, but a person should say so. */
function whyAsk(inputs: DecisionInputs, top: RankedSuspect, target: Version): Reason[] {
  const reasons: Reason[] = [];
  const { change } = top;
  if (change.has_migration === true)
    reasons.push(
      reason('migration_in_deploy', `${change.version} has a migration: the old version may not work on the new data`),
    );
  if (change.has_migration === null && inputs.policy.unknownMigration === 'approve') {
    reasons.push(
      reason(
        'migration_unknown',
        `it is not known whether ${change.version} has a migration (has_migration was not recorded)`,
      ),
    );
  }
  if (alreadyRolledBack(inputs.changes, change, target))
    reasons.push(
      reason('already_rolled_back', `${change.version} has been rolled back before: a loop rather than a fix`),
    );
  if (inputs.rollbacks_last_hour >= ROLLBACKS_PER_HOUR)
    reasons.push(
      reason(
        'rate_limited',
        `${inputs.rollbacks_last_hour} rollbacks of this service in the last hour; at most ${ROLLBACKS_PER_HOUR} go without a person`,
      ),
    );
  if (top.timing === 'clock_skew') reasons.push(reason('clock_skew', top.reasons.join('; ')));
  if (change.status === 'failed')
    reasons.push(reason('deploy_failed', `the deploy of ${change.version} failed: what runs now is not known`));
  if (top.confidence < MIN_CONFIDENCE)
    reasons.push(reason('no_confident_suspect', `confidence ${top.confidence} is below ${MIN_CONFIDENCE}`));
  return reasons;
}

/** Someone has shipped something newer: taking the suspect back would take that back too. No yes can change it. */
function whySuperseded(changes: readonly Change[], suspect: Change): Reason | undefined {
  const live = liveChange(changes);
  if (live === undefined || live.version === suspect.version || byStart(live, suspect) < 0) return undefined;
  return reason('superseded', `${live.version} has been deployed since: what runs is no longer ${suspect.version}`);
}

/** A person who asks for a rollback means what runs now, whatever the times say. */
function whatRuns(changes: readonly Change[]): RankedSuspect | undefined {
  const change = liveChange(changes);
  return (
    change && {
      change_id: change.id,
      version: change.version,
      confidence: 1,
      reasons: [`${change.version} is what runs now`],
      change,
      timing: 'finished_before',
    }
  );
}

/** The lowest of all that limit the automation, with the reasons of each limit below `act`. */
function capOf(inputs: DecisionInputs): { mode: Mode; reasons: Reason[] } {
  const modes = [inputs.policy.mode, ...(inputs.guard.state === 'read' ? inputs.guard.modes : [])];
  const limits: { mode: Mode; reason: Reason }[] = [];
  const inForce = lowestMode(...modes);
  if (inForce !== 'act')
    limits.push({ mode: inForce, reason: reason(`mode_${inForce}`, `automation is in mode ${inForce}`) });
  if (inputs.guard.state === 'read' && inputs.guard.paused)
    limits.push({ mode: 'suggest', reason: reason('paused', 'the kill switch is on') });
  if (inputs.incident_paused)
    limits.push({
      mode: 'suggest',
      reason: reason('incident_paused', 'a person has paused the automation of this incident'),
    });
  if (inputs.asked.by === 'nobody')
    limits.push({
      mode: 'suggest',
      reason: reason('not_asked', 'no alert asks for a rollback (label action: auto-rollback)'),
    });
  if (inputs.one_of_many === true)
    limits.push({
      mode: 'approve',
      reason: reason('one_of_many', 'several services fail at once, so it is probably not the deploy of one'),
    });
  if (inputs.monitoring_failure_only)
    limits.push({
      mode: 'suggest',
      reason: reason('monitoring_failure', 'the monitoring failed, which says nothing about the service'),
    });
  return {
    mode: lowestMode('act', ...limits.map((limit) => limit.mode)),
    reasons: limits.toSorted((a, b) => RANK.indexOf(a.mode) - RANK.indexOf(b.mode)).map((limit) => limit.reason),
  };
}

const RANK: readonly Mode[] = ['shadow', 'suggest', 'approve', 'act'];

/** The suspect's version was taken out before, by us or by a recorded rollback away from it. */
const alreadyRolledBack = (changes: readonly Change[], suspect: Change, target: Version): boolean =>
  changes.some(
    (change) =>
      (change.version === suspect.version && change.rolled_back_by !== null) ||
      (change.kind === 'rollback' &&
        change.previous_version === suspect.version &&
        change.version === target &&
        change.status === 'succeeded'),
  );

const NO_TARGET: Reason = {
  code: 'no_known_good_version',
  text: 'no earlier version is known good: recorded as succeeded, live for 30 minutes, and never rolled back',
};

const reason = (code: string, text: string): Reason => ({ code, text });
const plain = ({ change_id, version, confidence, reasons }: RankedSuspect): Suspect => ({
  change_id,
  version,
  confidence,
  reasons,
});

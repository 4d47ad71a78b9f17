import type { Change } from '../../schemas/changes/change.ts';
import type { EnvironmentEntry } from '../../schemas/config/config.ts';
import type { DecisionKind, Suspect } from '../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import type { RunbookApproval } from '../../schemas/incidents/inbox.ts';
import { lowestMode, type Mode, type Version } from '../../schemas/config/names.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { correlate, MIN_CONFIDENCE, type Correlation, type RankedSuspect } from '../correlation/correlate.ts';
import { aChange } from '../correlation/words.ts';
import { clearedWords, inForce } from '../changes/cleared-suspects.ts';
import { capOf, whyAsk } from './guards.ts';
import { type NamedTarget, namedTarget, whyNotTo } from '../changes/named-version.ts';
import type { Onset } from '../correlation/onset.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { byStart, liveChange, putsVersionLive, type RollbackTarget, rollbackTarget } from '../changes/versions.ts';

/**
 * Version of the decision logic, stored with the inputs; incremented when the same inputs can have a different result.
 */
export const DECIDE_VERSION = 3;

/** State of the kill switch. `unreadable`: no action is permitted. */
export type Guard = { state: 'read'; paused: boolean } | { state: 'unreadable'; detail: string };

/** State of one service and environment, as far as it matters for actions. */
export type TargetInputs = ServiceEnvironment & {
  policy: Pick<EnvironmentEntry['autoRollback'], 'mode' | 'unknownMigration' | 'approvals' | 'evidence'>;
  has_deployer: boolean;
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
 * Requester. `verification`: the previous mitigation did not help. `runbook`: a runbook that responds to the alerts.
 */
export type Requester = 'alert' | 'person' | 'nobody' | 'runbook' | 'verification';

/** All inputs of a judgement, stored with the decision: `decide(inputs)` reproduces it. */
export type DecisionInputs = {
  decide_version: number;
  /**
   * `approval`: a runbook requires approval. Absent: it does not. `from`: version that ran when a person asked. `to`:
   * version that the person named. Absent: the newest known good one.
   */
  asked: { by: Requester; who: string; mode: Mode | null; approval?: RunbookApproval; from?: Version; to?: Version };
  matched: boolean;
  monitoring_failure_only: boolean;
  evidence: Evidence;
  /** The failing service first, then other services with a suspect. */
  targets: readonly TargetInputs[];
  guard: Guard;
  incident_paused: boolean;
  /** The incident is one of many that fail at once. */
  one_of_many: boolean;
  /** The other failing services could not be read. */
  neighbours_unreadable: boolean;
  /** Automatic rollbacks of all services. */
  organisation_rollbacks_last_hour: number;
  /** Automatic rollbacks for alerts of the same sender. Absent: not counted by sender. */
  sender_rollbacks_last_hour?: number;
  /** No requester has the permission. */
  sender_may_not_ask?: true;
  config_version: string;
};

export type Decision = {
  kind: DecisionKind;
  reasons: Reason[];
  suspects: Suspect[];
  onset: Onset;
  verdict: Correlation['verdict'];
  /** Service and environment to roll back; null: none. */
  place: ServiceEnvironment | null;
  suspect: string | null;
  from: Version | null;
  to: Version | null;
  /** Approvals of a decision that asks: required number, and those given. */
  approvals: { needed: 1 | 2; given: string[] };
};

/**
 * Decides whether to roll back the suspect's version: automatically, after approval, or not at all. All applicable
 * guards are listed, the strongest first. Uncertainty never leads to automatic action.
 */
export function decide(inputs: DecisionInputs): Decision {
  const found = weighed(inputs);
  const top = inputs.asked.by === 'person' ? whatRuns(inputs) : mostProbable(found.suspects);
  const target = top && inputs.targets.find((each) => samePlace(each, top.change));
  const way = top && target && wayOf(inputs, target, top.change);
  const base: Omit<Decision, 'kind' | 'reasons'> = {
    onset: found.onset,
    verdict: found.verdict,
    suspects: found.suspects.map(plain),
    place: target ? { service: target.service, environment: target.environment } : null,
    suspect: top?.change_id ?? null,
    from: top?.version ?? null,
    to: way?.kind === 'version' ? way.version : null,
    approvals: { needed: peopleNeeded(inputs, target), given: [] },
  };
  const impossible = whyImpossible(inputs, found, top, target, way);
  if (impossible.length > 0 || !top || !target || way?.kind !== 'version')
    return { ...base, kind: 'none', reasons: [...impossible, ...saidOf(inputs)] };
  const why: Reason = { code: 'suspect', text: `${top.reasons.join('; ')} (confidence ${top.confidence})` };
  if (inputs.asked.by === 'person') return byPerson(inputs, base, why);
  const cap = capOf(inputs, target, top);
  const superseded = whySuperseded(target.changes, top.change);
  if (superseded !== undefined)
    return { ...base, kind: onlySaid(cap.mode), reasons: [superseded, ...saidOf(inputs), why] };
  const asks = whyAsk(inputs, target, top, way);
  if (cap.mode === 'act' && asks.length === 0) return { ...base, kind: 'roll_back', reasons: [why] };
  const asking = cap.mode === 'approve' || cap.mode === 'act';
  const kind: DecisionKind = cap.mode === 'act' ? 'approve' : cap.mode;
  const reasons = asking ? [...asks, ...cap.reasons] : [...cap.reasons, ...asks];
  return { ...base, kind, reasons: [...reasons, ...found.doubts, why] };
}

/** Returns the target: the newest known good version, or the one named by a person. */
const wayOf = (
  { asked }: DecisionInputs,
  { changes, pinned }: TargetInputs,
  suspect: Change,
): RollbackTarget | NamedTarget =>
  asked.by === 'person' && asked.to !== undefined
    ? namedTarget(changes, suspect, asked.to, pinned)
    : rollbackTarget(changes, suspect, pinned);

/** Returns the clearings by people, unless a person requested the rollback. */
const saidOf = ({ asked, evidence: { cleared } }: DecisionInputs): Reason[] =>
  asked.by === 'person' || cleared === undefined ? [] : [reason('suspect_cleared', clearedWords(cleared))];

/** Returns the suspects as weighed for a judgement. */
export const weighed = ({ evidence }: Pick<DecisionInputs, 'evidence'>): Correlation =>
  correlate(notTriedYet(evidence));

/** Returns the number of required approvals: the higher one of the two services concerned. */
const peopleNeeded = ({ targets }: DecisionInputs, target: TargetInputs | undefined): 1 | 2 =>
  [target, targets[0]].some((each) => each?.policy.approvals === 2) ? 2 : 1;

/** Excludes the changes that this incident has already rolled back. */
const notTriedYet = (evidence: Evidence): Evidence => ({
  ...evidence,
  changes: evidence.changes.filter(({ change }) => change.rolled_back_by !== evidence.incident_id),
});

/** Returns the first suspect that a rollback can undo, unless another one is more probable. */
function mostProbable(suspects: readonly RankedSuspect[]): RankedSuspect | undefined {
  const [first] = suspects;
  if (first === undefined || first.confidence >= MIN_CONFIDENCE) return first;
  return suspects.find(({ change }) => putsVersionLive(change)) ?? first;
}

/** Counts the requester as the first of two people if the policy requires two. */
function byPerson(inputs: DecisionInputs, base: Omit<Decision, 'kind' | 'reasons'>, why: Reason): Decision {
  const { who, to } = inputs.asked;
  const named = to === undefined ? '' : ` (target version ${to})`;
  const asked = reason('asked_by_person', `requested by ${who}${named}`);
  if (base.approvals.needed === 1) return { ...base, kind: 'roll_back', reasons: [asked, why] };
  const second = reason('second_person', `requested by ${who}${named}; a second person must approve it`);
  return { ...base, kind: 'approve', reasons: [second, why], approvals: { needed: 2, given: [who] } };
}

/** Returns why no action is possible, even with approval. */
function whyImpossible(
  inputs: DecisionInputs,
  found: Correlation,
  top: RankedSuspect | undefined,
  target: TargetInputs | undefined,
  way: RollbackTarget | NamedTarget | undefined,
): Reason[] {
  const reasons: Reason[] = [];
  if (!inputs.matched)
    reasons.push(reason('unmatched', 'the alert does not match any service and environment of the catalogue'));
  if (inputs.guard.state === 'unreadable')
    reasons.push(reason('guard_unreadable', `the kill switch could not be read: ${inputs.guard.detail}`));
  if (top === undefined)
    reasons.push(
      reason('no_confident_suspect', whyNoSuspect(inputs.evidence)),
      ...found.doubts.filter(({ code }) => code !== 'no_change_near'),
    );
  // For many simultaneous failures, a person is asked about each: the other failures are the evidence against its
  // change.
  else if (inputs.asked.by !== 'person' && found.verdict === 'no_change' && !inputs.one_of_many)
    reasons.push(notSure(top), ...found.doubts, reason('suspect', top.reasons.join('; ')));
  else if (!putsVersionLive(top.change))
    reasons.push(
      reason(
        'not_a_deploy',
        `the suspect is ${aChange(top.change.kind)}, which rolling back the version does not undo`,
      ),
    );
  if (top !== undefined && inputs.asked.from !== undefined && top.version !== inputs.asked.from)
    reasons.push(
      reason(
        'superseded',
        `${top.version} is running now instead of ${inputs.asked.from}, the version at the time of the request`,
      ),
    );
  const place = target ?? inputs.targets[0];
  if (place?.has_deployer !== true)
    reasons.push(reason('no_deployer', 'no deployer is configured for this service and environment'));
  if (top !== undefined && putsVersionLive(top.change) && way?.kind === 'none_known_good') reasons.push(NO_TARGET);
  if (way?.kind === 'unsafe' && inputs.asked.to === undefined) {
    const { by, version } = way;
    const text = `${by.version} can be rolled back no further than ${by.rollback_safe_to} (rollback_safe_to), but the newest good version is ${version}`;
    reasons.push(reason('rollback_not_safe', text));
  }
  if (place !== undefined && way !== undefined && inputs.asked.to !== undefined)
    reasons.push(...whyNotNamed(way, place));
  return reasons;
}

/** Returns why the version named by a person is not a valid target. */
function whyNotNamed(way: RollbackTarget | NamedTarget, place: ServiceEnvironment): Reason[] {
  switch (way.kind) {
    case 'pinned':
      return [reason('pinned', whyNotTo(way, place))];
    case 'runs':
      return [reason('version_runs', whyNotTo(way, place))];
    case 'unknown':
      return [reason('version_unknown', whyNotTo(way, place))];
    case 'never_ran':
      return [reason('version_never_ran', whyNotTo(way, place))];
    case 'unsafe':
      return [reason('rollback_not_safe', whyNotTo(way, place))];
    case 'version':
    case 'none_known_good':
      return [];
  }
}

const whyNoSuspect = (evidence: Evidence): string =>
  wasTried(evidence) ? NOTHING_ELSE : inForce(evidence.cleared).length > 0 ? NONE_OF_THE_OTHERS : NO_SUSPECT;

const NONE_OF_THE_OTHERS =
  'no other change of this service or its dependencies was rolling out or had finished shortly before the problem began';

const NO_SUSPECT =
  'no change of this service or its dependencies was rolling out or had finished shortly before the problem began';

const NOTHING_ELSE =
  'the suspect was already rolled back, and no other change was rolling out or had finished shortly before the problem began';

/** Returns whether this incident has already rolled back a change, which is no longer a suspect. */
const wasTried = ({ changes, incident_id }: Evidence): boolean =>
  changes.some(({ change }) => change.rolled_back_by === incident_id);

const notSure = ({ version, confidence }: RankedSuspect): Reason =>
  reason(
    'no_confident_suspect',
    `probably no change caused this: the most likely one is ${version}, with confidence ${confidence}`,
  );

/**
 * Returns a reason if a newer version was deployed: a rollback of the suspect would remove that as well. Approval
 * cannot override it.
 */
function whySuperseded(changes: readonly Change[], suspect: Change): Reason | undefined {
  const live = liveChange(changes);
  if (live === undefined || live.version === suspect.version || byStart(live, suspect) < 0) return undefined;
  return reason('superseded', `${live.version} was deployed since, so ${suspect.version} is no longer running`);
}

/** Returns the current version as the suspect of a rollback requested by a person, regardless of timing. */
function whatRuns({ targets }: DecisionInputs): RankedSuspect | undefined {
  const change = targets[0] && liveChange(targets[0].changes);
  return (
    change && {
      change_id: change.id,
      version: change.version,
      confidence: 1,
      reasons: [`${change.version} is running now`],
      change,
      relation: 'same',
      timing: 'finished_before',
      factors: [],
      proven: false,
    }
  );
}

const onlySaid = (mode: Mode): 'shadow' | 'suggest' =>
  lowestMode(mode, 'suggest') === 'shadow' ? 'shadow' : 'suggest';

const samePlace = (a: ServiceEnvironment, b: ServiceEnvironment): boolean =>
  a.service === b.service && a.environment === b.environment;

const NO_TARGET: Reason = {
  code: 'no_known_good_version',
  text: 'no earlier version is known to be good: recorded as succeeded, live for 30 minutes, never rolled back, and not pinned',
};

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
const plain = ({ change_id, version, confidence, reasons }: RankedSuspect): Suspect => ({
  change_id,
  version,
  confidence,
  reasons,
});

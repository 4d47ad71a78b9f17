import type { Change } from '../schemas/change.ts';
import type { EnvironmentEntry } from '../schemas/config.ts';
import type { DecisionKind, Reason, Suspect } from '../schemas/incident.ts';
import type { RunbookApproval } from '../schemas/inbox.ts';
import { lowestMode, type Mode, type Version } from '../schemas/names.ts';
import type { Evidence } from './correlation/evidence.ts';
import { correlate, MIN_CONFIDENCE, type Correlation, type RankedSuspect } from './correlation/correlate.ts';
import { aChange } from './correlation/words.ts';
import { clearedWords, inForce } from './cleared.ts';
import { capOf, whyAsk } from './guards.ts';
import { type NamedTarget, namedTarget, whyNotTo } from './named-version.ts';
import type { Onset } from './onset.ts';
import type { Place } from './ports.ts';
import { byStart, liveChange, putsVersionLive, type RollbackTarget, rollbackTarget } from './versions.ts';

/** Rises when the same inputs may be judged otherwise; kept with the inputs. */
export const DECIDE_VERSION = 3;

/** What the kill switch says. `unreadable`: could not be read, so nothing may be done. */
export type Guard = { state: 'read'; paused: boolean } | { state: 'unreadable'; detail: string };

/** One service in one environment, as far as it may be acted upon. */
export type TargetInputs = Place & {
  policy: Pick<EnvironmentEntry['autoRollback'], 'mode' | 'unknownMigration' | 'approvals' | 'evidence'>;
  has_deployer: boolean;
  /** Live caps that people have set; the lowest is in force. */
  modes: readonly Mode[];
  /** Its automation was wrong too often; a person has to promote it again. */
  demoted: boolean;
  rollbacks_last_hour: number;
  /** Versions known bad. */
  pinned: readonly string[];
  /** Its newest changes, oldest first. */
  changes: readonly Change[];
};

/** Who wants it. `verification`: the mitigation before has not helped. `runbook`: one that answers to the alerts. */
export type AskedBy = 'alert' | 'person' | 'nobody' | 'runbook' | 'verification';

/** All that the judgement depends on. Stored with the decision: `decide(inputs)` gives it again. */
export type DecisionInputs = {
  decide_version: number;
  /**
   * `approval`: a runbook wants a person to be for it. Absent: it does not. `from`: what ran when a person has asked.
   * `to`: the version that they have named. Absent: the newest that is known good.
   */
  asked: { by: AskedBy; who: string; mode: Mode | null; approval?: RunbookApproval; from?: Version; to?: Version };
  matched: boolean;
  monitoring_failure_only: boolean;
  evidence: Evidence;
  /** The failing service first, then others that have a suspect. */
  targets: readonly TargetInputs[];
  guard: Guard;
  incident_paused: boolean;
  /** Many fail at once, and this is one of them. */
  one_of_many: boolean;
  /** What else fails could not be found out. */
  neighbours_unreadable: boolean;
  /** Automatic ones, of all services. */
  organisation_rollbacks_last_hour: number;
  /** Automatic ones for alerts of the same sender. Absent: none are counted by sender. */
  sender_rollbacks_last_hour?: number;
  /** Nobody who may has asked. */
  sender_may_not_ask?: true;
  config_version: string;
};

export type Decision = {
  kind: DecisionKind;
  reasons: Reason[];
  suspects: Suspect[];
  onset: Onset;
  verdict: Correlation['verdict'];
  /** What would be rolled back; null where there is nothing. */
  place: Place | null;
  suspect: string | null;
  from: Version | null;
  to: Version | null;
  /** Of a decision that asks: how many people have to be for it, and who is already. */
  approvals: { needed: 1 | 2; given: string[] };
};

/**
 * May the suspect's version be rolled back: alone, after a person's yes, or not at all. Every guard that holds is
 * named, the strongest first. What is unclear never acts.
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

/** Where it would go: to the newest version that is known good, or where a person has said. */
const wayOf = (
  { asked }: DecisionInputs,
  { changes, pinned }: TargetInputs,
  suspect: Change,
): RollbackTarget | NamedTarget =>
  asked.by === 'person' && asked.to !== undefined
    ? namedTarget(changes, suspect, asked.to, pinned)
    : rollbackTarget(changes, suspect, pinned);

/** What people have said of suspects, where nobody has asked for a rollback by hand. */
const saidOf = ({ asked, evidence: { cleared } }: DecisionInputs): Reason[] =>
  asked.by === 'person' || cleared === undefined ? [] : [reason('suspect_cleared', clearedWords(cleared))];

/** What is suspected, as it was weighed for a judgement. */
export const weighed = ({ evidence }: Pick<DecisionInputs, 'evidence'>): Correlation =>
  correlate(notTriedYet(evidence));

/** Of two services that are concerned, the one that wants more people says it. */
const peopleNeeded = ({ targets }: DecisionInputs, target: TargetInputs | undefined): 1 | 2 =>
  [target, targets[0]].some((each) => each?.policy.approvals === 2) ? 2 : 1;

/** What this incident has taken back already is never taken back again. */
const notTriedYet = (evidence: Evidence): Evidence => ({
  ...evidence,
  changes: evidence.changes.filter(({ change }) => change.rolled_back_by !== evidence.incident_id),
});

/** Of the suspects the first that a rollback can undo, unless it was probably another one. */
function mostProbable(suspects: readonly RankedSuspect[]): RankedSuspect | undefined {
  const [first] = suspects;
  if (first === undefined || first.confidence >= MIN_CONFIDENCE) return first;
  return suspects.find(({ change }) => putsVersionLive(change)) ?? first;
}

/** Where policy wants two people, whoever asks is one of them. */
function byPerson(inputs: DecisionInputs, base: Omit<Decision, 'kind' | 'reasons'>, why: Reason): Decision {
  const { who, to } = inputs.asked;
  const named = to === undefined ? '' : `, who has named ${to}`;
  const asked = reason('asked_by_person', `asked by ${who}${named}`);
  if (base.approvals.needed === 1) return { ...base, kind: 'roll_back', reasons: [asked, why] };
  const second = reason('second_person', `asked by ${who}${named}; a second person has to be for it`);
  return { ...base, kind: 'approve', reasons: [second, why], approvals: { needed: 2, given: [who] } };
}

/** Nothing could be done, whoever says yes. */
function whyImpossible(
  inputs: DecisionInputs,
  found: Correlation,
  top: RankedSuspect | undefined,
  target: TargetInputs | undefined,
  way: RollbackTarget | NamedTarget | undefined,
): Reason[] {
  const reasons: Reason[] = [];
  if (!inputs.matched)
    reasons.push(reason('unmatched', 'the alert matches no service and environment of the catalogue'));
  if (inputs.guard.state === 'unreadable')
    reasons.push(reason('guard_unreadable', `the kill switch could not be read: ${inputs.guard.detail}`));
  if (top === undefined)
    reasons.push(
      reason('no_confident_suspect', whyNoSuspect(inputs.evidence)),
      ...found.doubts.filter(({ code }) => code !== 'no_change_near'),
    );
  // Of many that fail at once a person is asked about each: that they do is what speaks against its change.
  else if (inputs.asked.by !== 'person' && found.verdict === 'no_change' && !inputs.one_of_many)
    reasons.push(notSure(top), ...found.doubts, reason('suspect', top.reasons.join('; ')));
  else if (!putsVersionLive(top.change))
    reasons.push(
      reason(
        'not_a_deploy',
        `the suspect is ${aChange(top.change.kind)}, which a rollback of the version does not undo`,
      ),
    );
  if (top !== undefined && inputs.asked.from !== undefined && top.version !== inputs.asked.from)
    reasons.push(
      reason('superseded', `${top.version} runs now, and no longer ${inputs.asked.from}, as it did when it was asked`),
    );
  const place = target ?? inputs.targets[0];
  if (place?.has_deployer !== true)
    reasons.push(reason('no_deployer', 'no deployer is configured for this service and environment'));
  if (top !== undefined && putsVersionLive(top.change) && way?.kind === 'none_known_good') reasons.push(NO_TARGET);
  if (way?.kind === 'unsafe' && inputs.asked.to === undefined) {
    const { by, version } = way;
    const text = `${by.version} can be taken back to ${by.rollback_safe_to} at most (rollback_safe_to), and the newest good version is ${version}`;
    reasons.push(reason('rollback_not_safe', text));
  }
  if (place !== undefined && way !== undefined && inputs.asked.to !== undefined)
    reasons.push(...whyNotNamed(way, place));
  return reasons;
}

/** The version that a person has named is none that can be gone back to. */
function whyNotNamed(way: RollbackTarget | NamedTarget, place: Place): Reason[] {
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
  'none of the others: no other change of this service, or of what it depends on, was rolling out or had finished shortly before the problem began';

const NO_SUSPECT =
  'no change of this service, or of what it depends on, was rolling out or had finished shortly before the problem began';

const NOTHING_ELSE =
  'what was suspected has been rolled back already, and no other change was rolling out or had finished shortly before the problem began';

/** This incident has taken something back, which is no suspect any more. */
const wasTried = ({ changes, incident_id }: Evidence): boolean =>
  changes.some(({ change }) => change.rolled_back_by === incident_id);

const notSure = ({ version, confidence }: RankedSuspect): Reason =>
  reason(
    'no_confident_suspect',
    `probably no change caused this: ${version} is the likeliest, with confidence ${confidence}`,
  );

/** Someone has shipped something newer: taking the suspect back would take that back too. No yes can change it. */
function whySuperseded(changes: readonly Change[], suspect: Change): Reason | undefined {
  const live = liveChange(changes);
  if (live === undefined || live.version === suspect.version || byStart(live, suspect) < 0) return undefined;
  return reason('superseded', `${live.version} has been deployed since: what runs is no longer ${suspect.version}`);
}

/** A person who asks for a rollback means what runs now, whatever the times say. */
function whatRuns({ targets }: DecisionInputs): RankedSuspect | undefined {
  const change = targets[0] && liveChange(targets[0].changes);
  return (
    change && {
      change_id: change.id,
      version: change.version,
      confidence: 1,
      reasons: [`${change.version} is what runs now`],
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

const samePlace = (a: Place, b: Place): boolean => a.service === b.service && a.environment === b.environment;

const NO_TARGET: Reason = {
  code: 'no_known_good_version',
  text: 'no earlier version is known good: recorded as succeeded, live for 30 minutes, never rolled back and not pinned',
};

const reason = (code: string, text: string): Reason => ({ code, text });
const plain = ({ change_id, version, confidence, reasons }: RankedSuspect): Suspect => ({
  change_id,
  version,
  confidence,
  reasons,
});

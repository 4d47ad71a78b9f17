import { flagKeyOf, turnedFlagOff } from '../changes/flags.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import { lowestMode, type Mode } from '../../../schemas/config/names.ts';
import type { DecisionKind, Suspect } from '../../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { clearingsText } from '../changes/cleared-suspects.ts';
import { distinctTarget, type NamedTarget, namedTarget } from '../changes/named-version.ts';
import {
  GOOD_AFTER_SECONDS,
  newestLiveChange,
  putsVersionLive,
  type RollbackTarget,
  rollbackTarget,
  secondsLive,
  skippedFor,
} from '../changes/versions.ts';
import { correlate } from '../correlation/correlate.ts';
import { type Correlation, type RankedSuspect } from '../correlation/ranking.ts';
import { formatDuration } from '../correlation/words.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { hasNotHelped } from '../correlation/succession.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { notExplained } from './among-many.ts';
import { oldOnset } from './old-onset.ts';
import { approvalReasonsUnder, missingEvidence, reliesOn, withLook } from './evidence-level.ts';
import { firstSuspectReason, notSaid, suspectReason } from './reasons.ts';
import { byHandReasons, candidatesReason, leadersOf, type OfferedAct } from './offers.ts';
import { doubtFactsOf, type Known, LIMITING_MODES } from './guard.ts';
import { withWait } from './wait.ts';
import { type Applied, guardsThatApply } from './apply-guards.ts';
import { isProbablyNone, replacement } from './guard-facts.ts';
import type { Decision, DecisionInputs, TargetInputs } from './judgement.ts';

/**
 * Decides whether to roll back the suspect's version: automatically, after approval, or not at all. All applicable
 * guards are listed, the strongest first. Uncertainty never leads to automatic action.
 */
export function decide(inputs: DecisionInputs): Decision {
  const found = weighed(inputs);
  return withWait(decideOn(inputs, found), inputs, found);
}

function decideOn(inputs: DecisionInputs, found: Correlation): Decision {
  const person = inputs.request.by === 'person';
  const leaders = leadersTo(
    inputs,
    person ? [runningVersion(inputs)].filter((one) => one !== undefined) : found.suspects,
  );
  const [known = knownOf(inputs, found, undefined), ...tied] = leaders.map((top) => knownOf(inputs, found, top));
  // Where probably none of them is the cause, none leads.
  const rivals = isProbablyNone(known) ? [] : tied;
  if (rivals.length > 0 || known.is_flag || known.beyond !== null) return decideAmong(inputs, [known, ...rivals]);
  const { top, target, restores } = known;
  const base: Base = {
    ...foundIn(found),
    target: target ? { service: target.service, environment: target.environment } : null,
    suspect: top?.change_id ?? null,
    from: top?.version ?? null,
    // Putting an earlier version live does not undo a flag or a configuration change.
    to: restores?.kind === 'version' && top !== undefined && putsVersionLive(top.change) ? restores.version : null,
    approvals: { needed: peopleNeeded(inputs, target), given: [] },
  };
  const applied = guardsThatApply('judgement', known);
  const impossible = because(applied, 'refuse');
  const named = person ? [] : candidatesReason(found.suspects);
  if (impossible.length > 0 || !top || !target || restores?.kind !== 'version') {
    const says = top === undefined || person ? [] : unlessSaid(impossible, [firstSuspectReason(top)]);
    return { ...base, kind: 'none', reasons: [...impossible, ...named, ...clearingReasons(inputs), ...says] };
  }
  if (person) {
    const moved = because(applied, 'ask').filter(({ code }) => code === 'version_name_moved');
    return byPerson(inputs, base, { moved, why: reason('suspect', runningText(top)) });
  }
  const why = suspectReason(top);
  const cap = capOf(applied);
  const superseded = because(applied, 'report');
  if (superseded.length > 0)
    return {
      ...base,
      kind: reportingMode(cap.mode),
      reasons: [...superseded, ...named, ...clearingReasons(inputs), firstSuspectReason(top)],
    };
  const approvalReasons = because(applied, 'ask');
  const level = target.policy.evidence;
  const basis: Reason[] = [{ code: 'evidence', text: reliesOn(level, top, inputs.evidence) }];
  if (cap.mode === 'act' && approvalReasons.length === 0)
    return { ...base, kind: 'roll_back', reasons: [why, ...basis] };
  const byTime = level === 'time' && known.lacking === null && found.risen_again !== true ? basis : [];
  const doubts = notSaid(found.doubts, approvalReasons);
  const skipped = skippedFor(target.changes, top.change, restores, target.pinned);
  const says = skipped === undefined ? [] : [skippedReason(skipped, top.change)];
  const decision = { ...base, ...confirmable(cap, approvalReasons, [...says, ...named, ...doubts, ...byTime, why]) };
  if (skipped === undefined || decision.kind !== 'approve') return decision;
  const offers = offerOf(known).flatMap((offer) => [offer, { ...offer, to_version: skipped.version }]);
  return { ...decision, offers };
}

const skippedReason = (skipped: Change, next: Change): Reason =>
  reason(
    'version_skipped',
    `${skipped.version} was live for only ${formatDuration(secondsLive(skipped, next))} before ${next.version}, and is known good after ${formatDuration(GOOD_AFTER_SECONDS)}`,
  );

type Base = Omit<Decision, 'kind' | 'reasons'>;

/**
 * Decides about candidates that tie, or about a feature flag: a person chooses between the acts that are possible. No act
 * is offered against a candidate that is clearly behind the first.
 */
function decideAmong(inputs: DecisionInputs, all: readonly Known['judgement'][]): Decision {
  const judged = all.map((known) => ({ known, applied: guardsThatApply('judgement', known) }));
  const possible = judged.filter(({ applied }) => !applied.some(({ does }) => does === 'refuse' || does === 'report'));
  const acts = possible.flatMap(({ known }) => offerOf(known));
  // What leads may be what is wrong: without an act against it, none is offered against anything else.
  const offers = acts[0]?.change_id === all[0]?.top?.change_id ? acts : [];
  const { found } = judged[0]?.known ?? knownOf(inputs, weighed(inputs), undefined);
  const left = all.filter(({ top }) => !offers.some(({ change_id }) => change_id === top?.change_id));
  const about = [
    ...candidatesReason(found.suspects),
    ...byHandReasons(left.flatMap(({ top }) => (top === undefined ? [] : [top.change]))),
  ];
  const whys = all.flatMap(({ top }) => (top === undefined ? [] : [suspectReason(top)]));
  const only = all.length === 1 ? all[0] : undefined;
  const needed = judged.some(({ known: { target } }) => peopleNeeded(inputs, target) === 2) ? 2 : 1;
  const base: Base = {
    ...foundIn(found),
    target: only?.target ? { service: only.target.service, environment: only.target.environment } : null,
    suspect: only?.top?.change_id ?? null,
    from: null,
    to: null,
    approvals: { needed, given: [] },
  };
  const refusals = judged.flatMap(({ applied }) => [...because(applied, 'refuse'), ...because(applied, 'report')]);
  if (offers.length === 0)
    return {
      ...base,
      kind: 'none',
      reasons: distinct([...refusals, ...about, ...clearingReasons(inputs), ...unlessSaid(refusals, whys)]),
    };
  const applied = possible.flatMap((one) => one.applied);
  const undecided: Reason[] =
    only !== undefined && only.beyond !== null
      ? [{ code: 'superseded', text: beyondWords(only) }]
      : all.length === 1
        ? [{ code: 'not_a_deploy', text: 'the most probable cause is a feature flag' }]
        : [
            {
              code: 'candidates_tie',
              text: `${all.length} candidates are about equally probable`,
            },
          ];
  const approvalReasons = [...undecided, ...because(applied, 'ask')];
  const doubts = notSaid(found.doubts, approvalReasons);
  const { kind, reasons } = confirmable(capOf(applied), approvalReasons, [...about, ...doubts, ...whys]);
  return { ...base, kind, reasons: distinct(reasons), ...(kind === 'approve' && { offers }) };
}

/** Returns the kind and reasons of a decision that a person must confirm, or that the mode only reports. */
function confirmable(
  cap: ReturnType<typeof capOf>,
  approvalReasons: readonly Reason[],
  more: readonly Reason[],
): Pick<Decision, 'kind' | 'reasons'> {
  const needsApproval = cap.mode === 'approve' || cap.mode === 'act';
  const kind: DecisionKind = cap.mode === 'act' ? 'approve' : cap.mode;
  return {
    kind,
    reasons: [
      ...(needsApproval ? [...approvalReasons, ...cap.reasons] : [...cap.reasons, ...approvalReasons]),
      ...more,
    ],
  };
}

const because = (applied: readonly Applied<'judgement'>[], does: 'refuse' | 'report' | 'ask'): Reason[] =>
  applied.flatMap((one) => (one.does === does ? one.reasons : []));

/** Returns why the suspects are suspected, unless the reasons say it. */
const unlessSaid = (reasons: readonly Reason[], whys: readonly Reason[]): readonly Reason[] =>
  reasons.some(({ code }) => code === 'suspect') ? [] : whys;

const distinct = (reasons: readonly Reason[]): Reason[] => [
  ...new Map(reasons.map((one) => [`${one.code} ${one.text}`, one])).values(),
];

const foundIn = (found: Correlation): Pick<Decision, 'onset' | 'verdict' | 'suspects'> => ({
  onset: found.onset,
  verdict: found.verdict,
  suspects: found.suspects.map(plain),
});

/** Describes a rollback past a newer version, which is not the suspect. */
const beyondWords = ({ top, beyond, restores }: Known['judgement']): string =>
  `${beyond?.version} was deployed since and has not helped: a rollback${restores?.kind === 'version' ? ` to ${restores.version}` : ''} undoes it as well as ${top?.version}`;

function offerOf({ top, target, restores, is_flag, beyond }: Known['judgement']): OfferedAct[] {
  if (top === undefined || target === undefined) return [];
  const of = { change_id: top.change.id, service: target.service, environment: target.environment };
  if (is_flag) return [{ ...of, act: 'turn_off_flag', from_version: flagKeyOf(top), to_version: null }];
  return restores?.kind === 'version'
    ? [{ ...of, act: 'roll_back', from_version: beyond?.version ?? top.version, to_version: restores.version }]
    : [];
}

/** Returns the leading candidates, without those that the rollback of another one undoes as well. */
function leadersTo(inputs: DecisionInputs, suspects: readonly RankedSuspect[]): RankedSuspect[] {
  const leaders = leadersOf(suspects);
  const undone = new Set(
    leaders.flatMap((top) => {
      const target = targetOf(inputs, top);
      const restores = target && putsVersionLive(top.change) ? rollbackTargetOf(inputs, target, top.change) : undefined;
      if (restores?.kind !== 'version' || newestLiveChange(target?.changes ?? [])?.id !== top.change_id) return [];
      return restores.undoes.flatMap((one) => (putsVersionLive(one) && one.id !== top.change_id ? [one.id] : []));
    }),
  );
  return leaders.filter(({ change }) => !undone.has(change.id));
}

const targetOf = ({ targets }: DecisionInputs, { change }: RankedSuspect): TargetInputs | undefined =>
  targets.find((each) => isSameTarget(each, change));

/** Returns what the guards read about a decision on its most probable candidate. */
export function knownAtJudgement(inputs: DecisionInputs): Known['judgement'] {
  const found = weighed(inputs);
  return knownOf(inputs, found, inputs.request.by === 'person' ? runningVersion(inputs) : found.suspects[0]);
}

/** Returns what the guards read. If the suspect belongs to another service, the limits of both services apply. */
function knownOf(inputs: DecisionInputs, found: Correlation, top: RankedSuspect | undefined): Known['judgement'] {
  const target = top && targetOf(inputs, top);
  const concerned =
    target === undefined ? [] : top?.relation === 'same' ? [target] : [target, ...inputs.targets.slice(0, 1)];
  const isFlag = top?.change.kind === 'flag' && target?.has_flags === true && !turnedFlagOff(top);
  const { one_of_many: isOneOfMany, group_rollback: groupRollback } = inputs;
  const beyond = top && target && !isFlag ? beyondOf(inputs, found, { top, target }) : null;
  const why = isOneOfMany ? notExplained(inputs.evidence, found, groupRollback === undefined ? undefined : top) : null;
  return {
    ...inputs,
    one_of_many: why !== null,
    not_explained: why,
    group_rolled_back: why === null ? (groupRollback ?? null) : null,
    found,
    top,
    target,
    restores: top && target && putsVersionLive(top.change) ? restoresOf(inputs, target, top.change, beyond) : undefined,
    agreement: inputs.request.by === 'person' ? 'requested' : 'none',
    modes: concerned.flatMap(({ policy, modes }) => [policy.mode, ...modes]),
    demoted_services: concerned.flatMap(({ service, demoted }) => (demoted ? [service] : [])),
    suspect: top && {
      ...doubtFactsOf(top),
      approvalReasons: approvalReasonsUnder(target?.policy.evidence ?? 'proved', top, inputs.evidence),
    },
    is_flag: isFlag,
    beyond,
    lacking: top && target ? missingEvidence(target.policy.evidence, top, inputs.evidence, found.onset.at) : null,
    onset_old: oldOnset(
      { onset: found.onset.at, receivedAt: firstReceipt(inputs.evidence) },
      target?.policy.maxOnsetAgeMinutes,
    ),
    requires_approval: inputs.request.approval !== undefined,
  };
}

/** Returns when the first of the alerts was received, as far as the evidence states it. */
const firstReceipt = ({ onset: { alertStartedAt, alertReceivedAt = alertStartedAt } }: Evidence): Timestamp =>
  alertReceivedAt;

/** Returns the newer version that has replaced the suspect of this service, and has not helped. */
function beyondOf(
  { evidence, request }: DecisionInputs,
  { onset }: Correlation,
  { top, target }: { top: RankedSuspect; target: TargetInputs },
): Change | null {
  if (request.by === 'person' || top.relation !== 'same' || !putsVersionLive(top.change)) return null;
  const newer = replacement(target.changes, top.change);
  return newer !== null && hasNotHelped(evidence, newer, onset) ? newer : null;
}

/** Returns the lowest mode of all limits, with their reasons, the lowest mode first. */
function capOf(applied: readonly Applied<'judgement'>[]): { mode: Mode; reasons: Reason[] } {
  const limits = LIMITING_MODES.map((mode) => ({ mode, by: applied.filter(({ does }) => does === mode) }));
  return {
    mode: limits.find(({ by }) => by.length > 0)?.mode ?? 'act',
    reasons: limits.flatMap(({ by }) => by.flatMap(({ reasons }) => reasons)),
  };
}

/** Returns the target: the newest known good version, or the one named by a person. */
const rollbackTargetOf = (
  { request }: DecisionInputs,
  { changes, pinned }: TargetInputs,
  suspect: Change,
): RollbackTarget | NamedTarget =>
  request.by === 'person' && request.to !== undefined
    ? namedTarget(changes, suspect, request.to, pinned)
    : rollbackTarget(changes, suspect, pinned);

/** Returns the target, if the deploying system can tell it from the version that it replaces: the suspect, or the one after it. */
function restoresOf(
  inputs: DecisionInputs,
  target: TargetInputs,
  suspect: Change,
  beyond: Change | null,
): RollbackTarget | NamedTarget {
  const restores = rollbackTargetOf(inputs, target, suspect);
  const { changes } = target;
  const isReplaced = beyond === null && replacement(changes, suspect) !== null;
  const namesOnly = target.names_only === true && !isReplaced;
  return distinctTarget(restores, { changes, from: beyond ?? suspect, namesOnly });
}

/** Returns the clearings by people, unless a person requested the rollback. */
const clearingReasons = ({ request, evidence: { cleared } }: DecisionInputs): Reason[] =>
  request.by === 'person' || cleared === undefined ? [] : [reason('suspect_cleared', clearingsText(cleared))];

/** Returns the suspects as weighed for a judgement. What this incident has already rolled back is none. */
export const weighed = ({ evidence }: Pick<DecisionInputs, 'evidence'>): Correlation =>
  withTest(correlate(evidence, evidence.incident_id), evidence);

const withTest = (found: Correlation, { look }: Pick<Evidence, 'look'>): Correlation => {
  const suspects = withLook(found.suspects, look);
  return suspects[0]?.proof === 'tested' ? { ...found, suspects, verdict: 'change' } : { ...found, suspects };
};

/** Returns the number of required approvals: the higher one of the two services concerned. */
const peopleNeeded = ({ targets }: DecisionInputs, target: TargetInputs | undefined): 1 | 2 =>
  [target, targets[0]].some((each) => each?.policy.approvals === 2) ? 2 : 1;

/**
 * Counts the requester as the first of two people if the policy requires two. A program that proposes it counts for none.
 *
 * @param moved why another commit could be restored, which each person who agrees must know
 */
function byPerson(inputs: DecisionInputs, base: Base, { moved, why }: { moved: Reason[]; why: Reason }): Decision {
  const { name, to, proposed, moved_known: movedKnown } = inputs.request;
  const named = to === undefined ? '' : ` (target version ${to})`;
  if (proposed) {
    const asks = reason('rollback_proposed', `${name} proposes it${named}, and a person must approve it`);
    return { ...base, kind: 'approve', reasons: [asks, ...moved, why] };
  }
  const byName = reason('requested_by_person', `${name} requested it${named}`);
  if (base.approvals.needed === 1)
    return moved.length > 0 && !movedKnown
      ? { ...base, kind: 'approve', reasons: [...moved, byName, why] }
      : { ...base, kind: 'roll_back', reasons: [byName, ...moved, why] };
  const second = reason('second_person', `${name} requested it${named}, and a second person must approve it`);
  return { ...base, kind: 'approve', reasons: [second, ...moved, why], approvals: { needed: 2, given: [name] } };
}

/** Returns the current version as the suspect of a rollback requested by a person, regardless of timing. */
function runningVersion({ targets }: DecisionInputs): RankedSuspect | undefined {
  const change = targets[0] && newestLiveChange(targets[0].changes);
  return (
    change && {
      change_id: change.id,
      version: change.version,
      confidence: 1,
      reasons: [runningText(change)],
      change,
      relation: 'same',
      timing: 'finished_before',
      factors: [],
      proof: null,
      approvalReasons: [],
    }
  );
}

/** Stays true after the rollback: the reason is stored. */
const runningText = ({ version }: Pick<Change, 'version'>): string =>
  `${version} was running when the rollback was requested`;

const reportingMode = (mode: Mode): 'shadow' | 'suggest' =>
  lowestMode(mode, 'suggest') === 'shadow' ? 'shadow' : 'suggest';

const isSameTarget = (a: ServiceEnvironment, b: ServiceEnvironment): boolean =>
  a.service === b.service && a.environment === b.environment;

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
const plain = ({ change_id, version, confidence, reasons }: RankedSuspect): Suspect => ({
  change_id,
  version,
  confidence,
  reasons,
});

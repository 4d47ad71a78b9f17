import type { Change } from '../../schemas/changes/change.ts';
import { lowestMode, type Mode } from '../../schemas/config/names.ts';
import type { DecisionKind, Suspect } from '../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../schemas/incidents/reason.ts';
import { clearingsInWords } from '../changes/cleared-suspects.ts';
import { type NamedTarget, namedTarget } from '../changes/named-version.ts';
import { newestLiveChange, putsVersionLive, type RollbackTarget, rollbackTarget } from '../changes/versions.ts';
import { type Correlation, correlate, MIN_CONFIDENCE_TO_ASK, type RankedSuspect } from '../correlation/correlate.ts';
import type { Evidence } from '../correlation/evidence.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import { doubtable, type Known, LIMITING_MODES } from './guard.ts';
import { type Applied, guardsThatApply } from './guards.ts';
import type { Decision, DecisionInputs, TargetInputs } from './judgement.ts';

/**
 * Decides whether to roll back the suspect's version: automatically, after approval, or not at all. All applicable
 * guards are listed, the strongest first. Uncertainty never leads to automatic action.
 */
export function decide(inputs: DecisionInputs): Decision {
  const known = knownAtJudgement(inputs);
  const { found, top, target, way } = known;
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
  const applied = guardsThatApply('judgement', known);
  const because = (does: 'refuse' | 'report' | 'ask'): Reason[] =>
    applied.flatMap((one) => (one.does === does ? one.reasons : []));
  const impossible = because('refuse');
  if (impossible.length > 0 || !top || !target || way?.kind !== 'version')
    return { ...base, kind: 'none', reasons: [...impossible, ...saidOf(inputs)] };
  const why: Reason = { code: 'suspect', text: `${top.reasons.join('; ')} (confidence ${top.confidence})` };
  if (inputs.asked.by === 'person') return byPerson(inputs, base, why);
  const cap = capOf(applied);
  const superseded = because('report');
  if (superseded.length > 0)
    return { ...base, kind: onlySaid(cap.mode), reasons: [...superseded, ...saidOf(inputs), why] };
  const asks = because('ask');
  if (cap.mode === 'act' && asks.length === 0) return { ...base, kind: 'roll_back', reasons: [why] };
  const asking = cap.mode === 'approve' || cap.mode === 'act';
  const kind: DecisionKind = cap.mode === 'act' ? 'approve' : cap.mode;
  const reasons = asking ? [...asks, ...cap.reasons] : [...cap.reasons, ...asks];
  return { ...base, kind, reasons: [...reasons, ...found.doubts, why] };
}

/** Returns what the guards read. If the suspect belongs to another service, the limits of both services apply. */
export function knownAtJudgement(inputs: DecisionInputs): Known['judgement'] {
  const found = weighed(inputs);
  const top = inputs.asked.by === 'person' ? whatRuns(inputs) : mostProbable(found.suspects);
  const target = top && inputs.targets.find((each) => samePlace(each, top.change));
  const places =
    target === undefined ? [] : top?.relation === 'same' ? [target] : [target, ...inputs.targets.slice(0, 1)];
  return {
    ...inputs,
    found,
    top,
    target,
    way: top && target && wayOf(inputs, target, top.change),
    agreement: inputs.asked.by === 'person' ? 'requested' : 'none',
    modes: places.flatMap(({ policy, modes }) => [policy.mode, ...modes]),
    demoted_services: places.flatMap(({ service, demoted }) => (demoted ? [service] : [])),
    suspect: top && doubtable(top),
    needs_proof: target?.policy.evidence === 'version',
    asks: inputs.asked.approval !== undefined,
  };
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
  asked.by === 'person' || cleared === undefined ? [] : [reason('suspect_cleared', clearingsInWords(cleared))];

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
  if (first === undefined || first.confidence >= MIN_CONFIDENCE_TO_ASK) return first;
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

/** Returns the current version as the suspect of a rollback requested by a person, regardless of timing. */
function whatRuns({ targets }: DecisionInputs): RankedSuspect | undefined {
  const change = targets[0] && newestLiveChange(targets[0].changes);
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

const reason = (code: ReasonCode, text: string): Reason => ({ code, text });
const plain = ({ change_id, version, confidence, reasons }: RankedSuspect): Suspect => ({
  change_id,
  version,
  confidence,
  reasons,
});

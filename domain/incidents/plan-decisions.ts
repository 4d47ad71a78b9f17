import type { IncidentId } from '../../schemas/config/names.ts';
import {
  type DecisionState,
  type DecisionView,
  type IncidentRecord,
  NOBODY_OBJECTED,
  type TimelineEntry,
} from '../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { withoutShadow, shadowText } from '../automation/shadow.ts';
import { activeClearings } from '../changes/cleared-suspects.ts';
import type { Answered, StepQuestion } from '../ports/decisions.ts';
import { isAmong, isApprover } from '../rollback/approvals.ts';
import type { Decision, DecisionInputs } from '../rollback/judgement.ts';
import { type IncidentPatch, type Post, postOf } from './post.ts';

/** A decision to store. `people`: who may answer; null: everyone who may approve. */
export type NewDecision = {
  view: DecisionView;
  people: readonly string[] | null;
  patch: IncidentPatch;
  entry: TimelineEntry;
};

/** Place and time of a decision. `digest`: hash of the decision and its inputs. */
type Of = { id: IncidentId; number: number; at: Timestamp; digest: string };

/** Builds the record of a judgement. */
export function newDecision({ id, number, at, digest }: Of, decision: Decision, inputs: DecisionInputs): NewDecision {
  const people = inputs.asked.approval?.people ?? null;
  const would = decision.kind === 'shadow' ? withoutShadow(inputs) : undefined;
  const view: DecisionView = {
    id: `${id}-${number}`,
    kind: decision.kind,
    because: decision.reasons[0]?.code ?? 'suspect',
    at,
    digest,
    state: decision.kind === 'approve' ? 'waiting' : 'final',
    from_version: decision.from,
    to_version: decision.to,
    reasons: decision.reasons,
    answered_by: null,
    ...(would && { would }),
    target: decision.place,
    approvals: decision.approvals,
  };
  // Earlier suspects stay visible when there are no new ones, unless a person has cleared them.
  const setsSuspects = decision.suspects.length > 0 || activeClearings(inputs.evidence.cleared).length > 0;
  return {
    view,
    people,
    patch: { set: { ...(setsSuspects && { suspects: decision.suspects }), mitigations: number } },
    entry: {
      at,
      actor: 'firebreak',
      kind: 'decision',
      text: `${sentence(view)}${view.state === 'waiting' ? whom(people) : ''}`,
      detail: { decision: view.id, because: view.because, digest, onset: decision.onset },
    },
  };
}

/** Builds the record of a question of a runbook's step. */
export function newQuestion(
  { id, number, at, digest }: Of,
  { text, reasons, place, people, approvals, given = [] }: StepQuestion,
): Omit<NewDecision, 'patch'> {
  const view: DecisionView = {
    id: `${id}-${number}`,
    kind: 'approve',
    because: reasons[0]?.code ?? 'runbook_asks',
    at,
    digest,
    state: 'waiting',
    from_version: null,
    to_version: null,
    reasons,
    answered_by: null,
    question: text,
    target: place,
    approvals: { needed: approvals, given: [...given] },
  };
  return {
    view,
    people,
    entry: {
      at,
      actor: 'firebreak',
      kind: 'decision',
      text: `Asks for approval: ${text}. Reason: ${reasons.map((reason) => reason.text).join('; ')}${whom(people)}`,
      detail: { decision: view.id, because: view.because, digest },
    },
  };
}

/** An answer of a person. `note`: may be empty. */
export type Answer = { answer: 'approved' | 'rejected'; by: string; note: string };

/**
 * What an answer writes.
 *
 * - `agrees`: one of several required approvals
 * - `answers`: the final state, with the message that wakes the workflow if this process dies before it does
 */
export type AnswerPlan =
  | { kind: 'agrees'; approvals: DecisionView['approvals']; entry: TimelineEntry }
  | {
      kind: 'answers';
      state: 'approved' | 'rejected';
      approvals: DecisionView['approvals'];
      entry: TimelineEntry;
      post: Post;
    };

/** Decides what a person's answer to a decision means. */
export function planAnswer(
  incident: IncidentRecord | undefined,
  { view, people }: Pick<NewDecision, 'view' | 'people'>,
  { answer, by, note }: Answer,
  at: Timestamp,
): AnswerPlan | Answered {
  if (incident === undefined || incident.status === 'resolved') return 'superseded';
  // A double click repeats the same answer and gets the same response.
  if (view.state !== 'waiting') return view.state === answer && view.answered_by === by ? 'taken' : 'superseded';
  if (!isApprover(people, view.approvals, by)) return 'not_asked';
  const { needed, given } = view.approvals;
  if (answer === 'approved' && isAmong(given, by)) return given.length < needed ? 'needs_another' : 'taken';
  const approvals = answer === 'approved' ? { needed, given: [...given, by] } : view.approvals;
  const isFinal = answer === 'rejected' || approvals.given.length >= needed;
  const subject = view.question === undefined ? 'the rollback' : 'the request';
  const verb = answer === 'approved' ? 'Approved' : 'Rejected';
  const timeline = {
    actor: by,
    kind: isFinal ? `decision.${answer}` : 'decision.agreed',
    text: note || `${verb} ${subject}${isFinal ? '' : '; a second approval is required'}`,
    detail: { decision: view.id, digest: view.digest },
  };
  const entry = { ...timeline, at };
  if (!isFinal) return { kind: 'agrees', approvals, entry };
  const post = postOf(incident, { kind: 'answered', decision: view.id, by }, at, { timeline });
  return { kind: 'answers', state: answer, approvals, entry, post };
}

/** Returns what a waiting decision becomes without an answer. `isOnTimeline`: the entry is not only in the audit log. */
export const unanswered = (
  id: IncidentId,
  number: number,
  as: 'expired' | 'approved',
  at: Timestamp,
): { state: DecisionState; answeredBy: string | null; entry: TimelineEntry; isOnTimeline: boolean } => ({
  state: as,
  answeredBy: as === 'approved' ? NOBODY_OBJECTED : null,
  isOnTimeline: as === 'approved',
  entry: {
    at,
    actor: 'firebreak',
    kind: `decision.${as}`,
    text:
      as === 'approved'
        ? 'Approved without an answer: the approval timed out, and the service sets onApprovalTimeout: act'
        : 'Expired without an answer, or withdrawn',
    detail: { decision: `${id}-${number}` },
  },
});

const OPENINGS: Record<DecisionView['kind'], string> = {
  roll_back: 'Rolling back',
  approve: 'Asks for approval before rolling back',
  suggest: 'Suggests rolling back',
  shadow: 'In shadow mode: would consider rolling back',
  none: 'Does not roll back',
};

/** Names the people whose approval is requested. */
const whom = (people: readonly string[] | null): string => (people === null ? '' : ` (asks ${people.join(', ')})`);

/** Returns the decision and its reasons as one sentence. */
function sentence(decision: DecisionView): string {
  const { kind, from_version, to_version, reasons } = decision;
  const would = shadowText(decision);
  if (would !== undefined) return would;
  const versions = from_version === null ? '' : ` ${from_version}${to_version === null ? '' : ` to ${to_version}`}`;
  return `${OPENINGS[kind]}${versions}: ${[...new Set(reasons.map((reason) => reason.text))].join('; ')}`;
}

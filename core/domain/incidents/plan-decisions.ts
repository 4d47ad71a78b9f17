import { looksUnasked, whyNoLook } from '../look/may-look.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import {
  type ClearedSuspect,
  type DecisionState,
  type DecisionView,
  type IncidentRecord,
  NOBODY_OBJECTED,
  type Offer,
  type TimelineEntry,
  type Suspect,
} from '../../../schemas/incidents/incident.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { withoutShadow } from '../automation/shadow.ts';
import { decisionLines, linesOf } from '../messages/decision-lines.ts';
import type { Place } from '../messages/place-names.ts';
import { activeClearings, unclearedSuspects, withCleared, withWithdrawn } from '../changes/cleared-suspects.ts';
import type { Answered, StepQuestion, Withdrawal } from '../ports/decisions.ts';
import { chosenOffer, offerWords } from '../rollback/offers.ts';
import type { Decision, DecisionInputs } from '../rollback/judgement.ts';
import { type IncidentPatch, type InboxPost, inboxPostOf } from './inbox-post.ts';
import { isSameActor, isSamePerson } from '../access/actor-identity.ts';
import { withNote } from './with-note.ts';

/** A decision to store. `people`: who may answer; null: everyone who may approve. */
export type NewDecision = {
  view: DecisionView;
  people: readonly string[] | null;
  patch: IncidentPatch;
  entry: TimelineEntry;
};

/**
 * The incident, number, and time of a decision.
 *
 * - `digest`: hash of the decision and its inputs
 * - `answerSeconds`: for how long it waits for an answer, if it asks. Absent: unknown
 * - `unmatched`: the name that alerts of no known service gave. Absent: the service is known, or no alert gave a name
 */
type DecisionContext = {
  id: IncidentId;
  number: number;
  at: Timestamp;
  digest: string;
  answerSeconds?: number | undefined;
  unmatched?: string | null | undefined;
};

const answerUntil = ({ at, answerSeconds }: DecisionContext): Pick<DecisionView, 'answer_until'> =>
  answerSeconds === undefined ? {} : { answer_until: plusSeconds(at, answerSeconds) };

/** Builds the record of a judgement, on condition that the incident is not resolved. */
export function newDecision(context: DecisionContext, decision: Decision, inputs: DecisionInputs): NewDecision {
  const { id, number, at, digest } = context;
  const people = inputs.request.approval?.people ?? null;
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
    ...(decision.kind === 'approve' && answerUntil(context)),
    ...(would && { would }),
    target: decision.target,
    ...(decision.offers && {
      offers: decision.offers.map((offer, index) => ({ ...offer, digest: `${digest}-${index + 1}` })),
    }),
    approvals: decision.approvals,
    ...(decision.wait_seconds !== undefined && { wait_seconds: decision.wait_seconds }),
  };
  if (whyNoLook(view, inputs) === null && !looksUnasked(view, inputs)) view.testable = true;
  // `mitigations` counts the judgements of the incident. Earlier suspects stay visible when there are no new ones, unless a person has cleared them.
  const setsSuspects = decision.suspects.length > 0 || activeClearings(inputs.evidence.cleared).length > 0;
  return {
    view,
    people,
    patch: {
      set: { ...(setsSuspects && { suspects: withServices(decision.suspects, inputs.evidence) }), mitigations: number },
      notIn: ['resolved'],
    },
    entry: decisionEntry(view, people, {
      at,
      place: { ...inputs.evidence, unmatched: context.unmatched ?? null },
      onset: decision.onset,
    }),
  };
}

/** Adds the services of suspects that changed another service than that of the incident. */
const withServices = (suspects: Decision['suspects'], { service, changes }: DecisionInputs['evidence']): Suspect[] =>
  suspects.map((suspect) => {
    const changed = changes.find(({ change }) => change.id === suspect.change_id)?.change.service;
    return changed === undefined || changed === service ? suspect : { ...suspect, service: changed };
  });

/** Builds the record of a question of a runbook's step. */
export function newQuestion(
  context: Omit<DecisionContext, 'answerSeconds' | 'unmatched'>,
  { text, reasons, serviceEnvironment, people, approvals, given = [], seconds }: StepQuestion,
): Omit<NewDecision, 'patch'> {
  const { id, number, at, digest } = context;
  const view: DecisionView = {
    id: `${id}-${number}`,
    kind: 'approve',
    because: reasons[0]?.code ?? 'runbook_requires_approval',
    at,
    digest,
    state: 'waiting',
    from_version: null,
    to_version: null,
    reasons,
    answered_by: null,
    ...answerUntil({ ...context, answerSeconds: seconds }),
    question: text,
    target: serviceEnvironment,
    approvals: { needed: approvals, given: [...given] },
  };
  return {
    view,
    people,
    entry: decisionEntry(view, people, { at, place: serviceEnvironment }),
  };
}

/** An answer of a person. `digest`: of the decision, or of the chosen offer. `note`: may be empty. */
export type Answer = { digest: string; answer: 'approved' | 'rejected'; by: string; note: string };

/**
 * What an answer writes.
 *
 * - `agrees`: one of several required approvals
 * - `answers`: the final state, with the message that wakes the workflow if this process dies before it does
 */
export type AnswerPlan =
  | { kind: 'agrees'; approvals: DecisionView['approvals']; choice: Choice; entry: TimelineEntry }
  | {
      kind: 'answers';
      state: 'approved' | 'rejected';
      approvals: DecisionView['approvals'];
      choice: Choice;
      entry: TimelineEntry;
      post: InboxPost;
    };

/** Fields of the decision that an approval of one of its offers sets. */
export type Choice = Partial<Pick<DecisionView, 'chosen' | 'target' | 'from_version' | 'to_version'>>;

/** Decides what a person's answer to a decision means. */
export function planAnswer(
  incident: IncidentRecord | undefined,
  { view, people }: Pick<NewDecision, 'view' | 'people'>,
  { digest, answer, by, note }: Answer,
  at: Timestamp,
): AnswerPlan | Answered {
  if (incident === undefined || incident.status === 'resolved') return 'superseded';
  const offer = answer === 'approved' ? chosenOffer(view, digest) : undefined;
  // A double click repeats the same answer and gets the same response.
  const isRepeated = view.state === answer && view.answered_by === by && offer !== null;
  if (view.state !== 'waiting') return isRepeated ? 'repeated' : 'superseded';
  if (!isApprover(people, view.approvals, by)) return 'not_requested';
  if (offer === null) return 'choose';
  const { needed, given } = view.approvals;
  if (answer === 'approved' && isAmong(given, by)) return given.length < needed ? 'needs_another' : 'repeated';
  const approvals = answer === 'approved' ? { needed, given: [...given, by] } : view.approvals;
  const isFinal = answer === 'rejected' || approvals.given.length >= needed;
  const subject = offer ? `to ${offerWords(offer)}` : view.question === undefined ? 'the rollback' : 'the request';
  const choice: Choice = offer ? choiceOf(offer) : {};
  const verb = answer === 'approved' ? 'Approved' : 'Rejected';
  const timeline = {
    actor: by,
    kind: isFinal ? `decision.${answer}` : 'decision.agreed',
    text: withNote(`${verb} ${subject}${isFinal ? '' : '; a second approval is required'}`, note),
    detail: { decision: view.id, digest },
  };
  const entry = { ...timeline, at };
  if (!isFinal) return { kind: 'agrees', approvals, choice, entry };
  const cleared = clearedAfter(incident, view, { answer, digest, by, note }, at);
  const change = { timeline, ...(cleared !== incident.cleared && { cleared }) };
  const post = inboxPostOf(incident, { kind: 'answered', decision: view.id, by }, at, change);
  return { kind: 'answers', state: answer, approvals, choice, entry, post };
}

/** Returns the excluded suspects after the answer to a question about some: a rejection excludes them, and an approval suspects the chosen one again. */
function clearedAfter(
  { suspects, cleared = [], service: own }: IncidentRecord,
  view: DecisionView,
  { answer, digest, by, note }: Answer,
  at: Timestamp,
): ClearedSuspect[] {
  if (view.question !== undefined) return cleared;
  const chosen = answer === 'approved' ? chosenOffer(view, digest) : undefined;
  const offers = chosen ? [chosen] : view.offers;
  const isAsked = ({ change_id, version, service = own }: Suspect): boolean =>
    offers?.some((offer) => offer.change_id === change_id) ??
    (version === view.from_version && service === (view.target?.service ?? own));
  const asked = suspects.filter(isAsked);
  const ids = new Set(asked.map(({ change_id }) => change_id));
  if (answer === 'approved') {
    const again = activeClearings(cleared).filter(
      ({ change_id, because }) => because === 'rejected' && ids.has(change_id),
    );
    return again.length === 0 ? cleared : withWithdrawn(cleared, again, { by, at });
  }
  return unclearedSuspects(asked, cleared).reduce(
    (all, { change_id, version, service = own }) =>
      withCleared(all, {
        change_id,
        service,
        version,
        by,
        at,
        because: 'rejected',
        ...(note !== '' && { note }),
      }),
    cleared,
  );
}

/** A flag is no version, so only its service and environment are set. */
const choiceOf = ({ digest, act, service, environment, from_version, to_version }: Offer): Choice => ({
  chosen: digest,
  target: { service, environment },
  ...(act === 'roll_back' && { from_version, to_version }),
});

/** What the withdrawal of a question writes: the message that wakes the workflow, or only an entry if the incident is over. */
export type WithdrawalPlan = {
  withdrawn: NonNullable<DecisionView['withdrawn']>;
  entry: TimelineEntry;
  post: InboxPost | null;
};

/** Decides how a question is withdrawn. Null: it no longer waits for an answer. */
export function planWithdrawal(
  incident: IncidentRecord,
  { id: decision, state, digest }: Pick<DecisionView, 'id' | 'state' | 'digest'>,
  { by, because, isDone = false }: Withdrawal,
  at: Timestamp,
): WithdrawalPlan | null {
  if (state !== 'waiting') return null;
  const timeline = {
    actor: by,
    kind: 'decision.withdrawn',
    text: `Question ${isDone ? 'closed' : 'withdrawn'}: ${because}`,
    detail: { decision, digest },
  };
  const post =
    incident.status === 'resolved' ? null : inboxPostOf(incident, { kind: 'answered', decision, by }, at, { timeline });
  return { withdrawn: { because, done: isDone, at }, entry: { ...timeline, at }, post };
}

/** Returns what a waiting decision becomes without an answer. `isOnTimeline`: the entry is not only in the audit log. */
export const endWithoutAnswer = (
  id: IncidentId,
  number: number,
  state: 'expired' | 'approved',
  at: Timestamp,
): { state: DecisionState; answeredBy: string | null; entry: TimelineEntry; isOnTimeline: boolean } => ({
  state,
  answeredBy: state === 'approved' ? NOBODY_OBJECTED : null,
  isOnTimeline: state === 'approved',
  entry: {
    at,
    actor: 'firebreak',
    kind: `decision.${state}`,
    text:
      state === 'approved'
        ? 'Approved without an answer: the approval timed out, and the service is configured to act in that case'
        : 'Expired without an answer',
    detail: { decision: `${id}-${number}` },
  },
});

/** Returns the entry of a decision: its lines, and the rest in the detail. */
function decisionEntry(
  view: DecisionView,
  people: readonly string[] | null,
  { at, place, onset }: { at: Timestamp; place: Place; onset?: Decision['onset'] },
): TimelineEntry {
  const { id, because, digest, state } = view;
  const lines = decisionLines(view, place);
  const asked = state === 'waiting' && people !== null ? [`Asked: ${people.join(', ')}.`] : [];
  return {
    at,
    actor: 'firebreak',
    kind: 'decision',
    text: [...linesOf(lines), ...asked].join('\n'),
    detail: { decision: id, because, digest, ...(onset && { onset }), details: lines.details },
  };
}

/**
 * Returns whether a person's answer counts. All people named by a runbook count. If the policy requires more approvals
 * than the runbook names people, the first other people to answer fill the remaining places. A token created by a named
 * person does not count: it is neither that person nor another one.
 *
 * @param people people named by the runbook; null: anyone who may approve
 */
export function isApprover(
  people: readonly string[] | null,
  { needed, given }: DecisionView['approvals'],
  by: string,
): boolean {
  if (people === null || people.some((name) => isSameActor(name, by))) return true;
  if (isAmong(people, by)) return false;
  return isAmong(given, by) || given.filter((name) => !isAmong(people, name)).length < needed - people.length;
}

/** Returns whether the actor is one of these people, regardless of spelling and including tokens that they created. */
export const isAmong = (names: readonly string[], by: string): boolean => names.some((name) => isSamePerson(name, by));

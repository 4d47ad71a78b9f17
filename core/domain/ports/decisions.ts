import type { ChangeId, IncidentId, Version } from '../../../schemas/config/names.ts';
import type { MitigationOutcome, PageNeed } from '../../../schemas/incidents/inbox.ts';
import type { DecisionBasis } from '../../../schemas/incidents/decision-basis.ts';
import type { DecisionState, DecisionView, Effect } from '../../../schemas/incidents/incident.ts';
import type { Reason } from '../../../schemas/incidents/reason.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Requester, Decision, DecisionInputs } from '../rollback/judgement.ts';
import type { QuestionInputs } from '../runbooks/permission.ts';
import type { ServiceEnvironment } from './common.ts';

export type Decisions = {
  /**
   * Stores a judgement with its inputs and returns it; the first one of a number is kept. Null: the incident is resolved, so
   * nothing is stored or asked.
   *
   * @param answerSeconds for how long it waits for an answer, if it asks
   */
  keep(
    id: IncidentId,
    number: number,
    decision: Decision,
    inputs: DecisionInputs,
    answerSeconds?: number,
  ): Promise<DecisionView | null>;
  get(id: IncidentId, number: number): Promise<DecisionView | undefined>;
  /** Returns the inputs of a judgement; for a runbook step, its `QuestionInputs`. */
  inputs(id: IncidentId, number: number): Promise<DecisionInputs | undefined>;
  /**
   * Returns what people see of the basis of a judgement, as it was then. Null: it is a question of a runbook step, or this
   * version decides otherwise than the one that stored it.
   */
  basis(id: IncidentId, number: number): Promise<DecisionBasis | null>;
  /** Registers a callback for a decision, and returns its state. */
  await(id: IncidentId, number: number, callback: string): Promise<DecisionState>;
  /** Answers the decision with this digest, or chooses its act with this digest. `needs_another`: this person has already given one of two approvals. */
  answer(id: IncidentId, digest: string, answer: 'approved' | 'rejected', by: string, note: string): Promise<Answered>;
  /** Withdraws a question that still waits for an answer, with a timeline entry; returns its state. */
  withdraw(id: IncidentId, number: number, withdrawal: Withdrawal): Promise<DecisionState>;
  /** Ends an unanswered decision in this way; returns its state. */
  expire(id: IncidentId, number: number, as?: 'expired' | 'approved'): Promise<DecisionState>;
  state(id: IncidentId, number: number): Promise<DecisionState>;
  /** Marks all shadow-mode decisions of an incident as wrong; the first mark is kept. Returns their number. */
  markWrong(id: IncidentId, by: string, note: string): Promise<number>;
  /** Stores an approval request for a runbook step; the first one of a number is kept. */
  ask(id: IncidentId, number: number, question: StepQuestion): Promise<DecisionView>;
  /** Returns the result of a judgement, with its requester. Null: not yet. Undefined: no judgement with this number. */
  outcome(
    id: IncidentId,
    number: number,
  ): Promise<{ requester: Requester; outcome: MitigationOutcome | null } | undefined>;
};

/** The withdrawal of a question. `by`: a person, or `firebreak`. `isDone`: what it asks for was done meanwhile. */
export type Withdrawal = { by: string; because: string; isDone?: boolean };

/** An approval request for a runbook step. */
export type StepQuestion = {
  serviceEnvironment: ServiceEnvironment;
  /** Description of the action. */
  text: string;
  reasons: Reason[];
  /** Possible approvers. Null: anyone who may approve. */
  people: readonly string[] | null;
  /** Number of required approvals. */
  approvals: number;
  /** Approvals already given. Absent: none. */
  given?: string[];
  /** For how long it waits for an answer. */
  seconds?: number;
  inputs: QuestionInputs;
};

/**
 * `superseded`: another decision is waiting. `not_requested`: the person is not among the approvers. `choose`: the approval
 * must name one of the acts that the question offers, the same one as an earlier approval. `repeated`: the same person has given the
 * same answer before, as by a double click.
 */
export type Answered = 'taken' | 'repeated' | 'superseded' | 'needs_another' | 'not_requested' | 'choose';

export type Effects = {
  get(id: IncidentId, key: string): Promise<Effect | undefined>;
  /**
   * Records the intent of an effect; returns the existing record if there is one.
   *
   * @param also.page the number of the page. @param also.counts it counts as an automatic action
   */
  intend(
    id: IncidentId,
    effect: Omit<Effect, 'state' | 'at'>,
    also?: { page?: number; counts?: boolean },
  ): Promise<Effect>;
  /**
   * Records the intent to change a service, counts the action, and locks the target; the incident becomes `mitigating`.
   * Otherwise returns the reason.
   *
   * @param whyStopped checks guards, together with the state that the record depends on
   */
  intendAction(
    id: IncidentId,
    effect: Omit<Effect, 'state' | 'at'>,
    act: IntendedAction,
    whyStopped?: () => Promise<Reason | undefined>,
  ): Promise<{ ok: true; effect: Effect } | { ok: false; reason: Reason }>;
  /** Records a completed, repeatable effect in one step, so that no intent without a result remains. */
  record(id: IncidentId, effect: Omit<Effect, 'at'>): Promise<void>;
  conclude(id: IncidentId, key: string, state: Effect['state'], detail: string, actor?: string): Promise<void>;
  /** Ends a rollback: result, lock, incident status, its change record, and the message to the inbox. */
  concludeRollback(id: IncidentId, end: RollbackEnd): Promise<void>;
  /** Returns the effects of a kind of the last 24 hours that have no outcome. */
  unfinished(kind: Effect['kind']): Promise<{ incident: IncidentId; effect: Effect }[]>;
  /** Returns the newest act on a feature flag of the last week. Undefined: there is none. */
  ofFlag(
    serviceEnvironment: ServiceEnvironment,
    flag: string,
  ): Promise<{ incident: IncidentId; effect: Effect } | undefined>;
  /** Returns the number of rollbacks, and of other actions that Firebreak proposed. */
  rollbacksSince(serviceEnvironment: ServiceEnvironment, since: Timestamp): Promise<number>;
  /** Counts the automatic actions of all services. */
  automaticSince(since: Timestamp): Promise<AutomaticActions>;
};

/** Numbers of automatic actions. `of`: only those for alerts of the sender with the fewest; 0 if empty. */
export type AutomaticActions = { all: number; of(senders: readonly string[]): number };

/** An intended action. */
export type IntendedAction = {
  serviceEnvironment: ServiceEnvironment;
  /** Resource to lock. */
  resource: string;
  /** Without approval: it counts towards the hourly limit of all services. */
  automatic: boolean;
  /** Senders of the alerts. Absent: not counted by sender. */
  senders?: readonly string[];
  /** Firebreak proposed it, with or without approval: if it was wrong, it counts against the service's automation. */
  isProposed: boolean;
};

export type RollbackEnd = {
  key: string;
  number: number;
  serviceEnvironment: ServiceEnvironment;
  outcome: MitigationOutcome;
  page: PageNeed;
  /** Judge the incident again. */
  again?: true;
  text: string;
  /**
   * Set if the version actually changed. `toCommit`: as the deployer knows it. `byRevert`: it was restored by a new commit,
   * which runs now.
   */
  versionChange: { from: Version; to: Version; suspect: ChangeId; toCommit?: string | null; byRevert?: true } | null;
};

import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Message, RunbookApproval } from '../../../schemas/incidents/inbox.ts';
import { type ChangeId, lowestMode, type Mode, type Severity, type Version } from '../../../schemas/config/names.ts';
import { causeOf, newOnsetCause, type PageCause } from '../paging/page-causes.ts';
import type { BegunRunbook } from '../ports/runbooks.ts';
import type { Requester } from '../rollback/judgement.ts';
import { isManualRun } from '../runbooks/manual-runs.ts';
import { isLaterProblem, missedByRun } from './new-onset.ts';

/** State of the workflow between two reads of the inbox. It is checkpointed, so it contains only IDs and verdicts. */
export type ResponseState = {
  severity: Severity;
  firing: number;
  consumed: number;
  /** Number of pages started; `pageDue`: another page is due. */
  pages: number;
  pageDue: boolean;
  /** The open page shows an older state of the incident. */
  pageOutdated: boolean;
  /** Reasons for the page that is due. Empty: the incident has opened. */
  pageCauses: readonly PageCause[];
  /** Number of judgements started; `running`: those in progress; `mitigationDue`: the next one. */
  mitigations: number;
  running: number[];
  mitigationDue: JudgementRequest | null;
  /** Proposals of programs to judge. They wait for `mitigationDue`, so that they never take its place. */
  proposals: readonly JudgementRequest[];
  /** Requester of the newest judgement, except requests by people. Null: nothing to judge. */
  judgedFor: JudgementRequest | null;
  /** Number of the judgement of the newest problem that began after a recovery. 0: there was none. */
  onsetJudgement: number;
  /** Changes recorded or ended since the judgement that have not been evaluated. */
  lateChanges: readonly ChangeId[];
  /** Number of runbook selections started; `runbookDue`: another one is due. */
  runbooks: number;
  runbookDue: boolean;
  /** Runs started by people that are not followed yet. */
  runs: readonly number[];
  /** Questions whose versions a person wants tested, by the number of the decision. */
  looks: readonly { number: number; by: string }[];
  /** A judgement for an alert that requests a rollback was started. */
  judgedOnRequest: boolean;
  verification: IncidentRecord['verification'];
  /** Number of the mitigation that `verification` refers to: the newest completed one. */
  verifying: number;
  /** Number of the runbook that mitigated, if no rollback was completed after it. */
  verifyingRunbook: number | null;
  /** The change by which a person mitigated, if nothing else was completed after it. */
  verifyingChange: ChangeId | null;
  /** Redeploys by people whose verification has not begun. */
  redeploys: readonly Redeploy[];
  verifyAgain: boolean;
  /** A repeated verification has started, and its verdict was not read yet. */
  isVerifyingAgain: boolean;
  /** A mitigation was completed. */
  mitigated: boolean;
  /** The page for alerts after the mitigation was sent; it is sent only once. */
  pagedAgain: boolean;
  /** An alert fires that may be about the time before the mitigation; it pages unless the verification passes. */
  pageHeld: boolean;
  /** Someone was paged, or is to be paged, for the incident. */
  paging: boolean;
  byHand: boolean;
  resolveBy: string | null;
};

/** A redeploy of an earlier version by a person. `number`: of the judgement that suspects the version that it replaces. */
export type Redeploy = { number: number; change: ChangeId };

/**
 * Request for a judgement. `name`: of the person or runbook; empty for other requesters. `mode`, `approval`: cap and
 * approval set by a runbook. `from`, `to`: version that ran when a person requested the rollback, and the version that
 * they named. `proposed`: a program proposed it for a person, who is asked. `moved_known`: the person was told that the name
 * of the version to restore means another commit now.
 */
export type JudgementRequest = {
  by: Requester;
  name: string;
  mode?: Mode;
  approval?: RunbookApproval;
  from?: Version;
  to?: Version;
  proposed?: true;
  moved_known?: true;
};

/** What to start now, each in a child context; and whether to try to close the incident. */
export type Plan = {
  page: number | null;
  /** Whether to update the open page. */
  updatePage: boolean;
  mitigate: { number: number; request: JudgementRequest } | null;
  runbook: number | null;
  /** Runs started by people. */
  runs: readonly number[];
  lateChanges: { changes: readonly ChangeId[]; judged: number; request: JudgementRequest } | null;
  looks: ResponseState['looks'];
  redeploys: ResponseState['redeploys'];
  verify: { number: number; runbook: number | null; change?: ChangeId } | null;
  tryResolve: { by: string | null } | null;
};

/** Returns the initial state of a run, from the stored incident, for the first run and later ones. */
export function initialState(
  incident: IncidentRecord,
  unfinished: readonly number[],
  runbooks: { begun: readonly Pick<BegunRunbook, 'number'>[]; any: boolean } = { begun: [], any: false },
): ResponseState {
  // An unread message may have made the incident critical after the pages so far: a redundant page is preferable to a
  // missing one.
  const hasUnread = incident.seq > incident.consumed_seq;
  const raisedUnread = hasUnread && incident.severity === 'critical' && incident.pages > 0;
  // Likewise, the request for a rollback may stand in an unread message, and no judgement for it has started.
  const requestUnread = hasUnread && incident.mitigations > 0;
  // A child incident is paged by its parent.
  const paging = incident.parent_id === undefined && (incident.page ?? incident.severity === 'critical');
  // The run before may have died between the message about a new problem and its judgement, or its page.
  const missed = missedByRun(incident);
  // A parent incident has nothing of its own to roll back.
  const firstRequest: JudgementRequest | null =
    incident.group_reason === undefined ? { by: incident.requests_rollback ? 'alert' : 'none', name: '' } : null;
  return {
    severity: raisedUnread ? 'warning' : incident.severity,
    firing: incident.firing,
    consumed: incident.consumed_seq,
    pages: incident.pages,
    pageDue: (paging && incident.pages === 0) || missed.page,
    pageOutdated: false,
    pageCauses: missed.page ? [newOnsetCause(incident.new_onset?.after_change?.name)] : [],
    mitigations: incident.mitigations,
    running: [...unfinished],
    mitigationDue: incident.mitigations === 0 || missed.judgement ? firstRequest : null,
    proposals: [],
    judgedFor: firstRequest,
    judgedOnRequest: incident.requests_rollback && !requestUnread,
    onsetJudgement: missed.isRead ? (incident.new_onset?.judged ?? 0) + 1 : 0,
    lateChanges: [],
    // Numbers are never reused, and some selections find no runbook.
    runbooks: Math.max(0, ...runbooks.begun.map(({ number }) => number).filter((number) => !isManualRun(number))),
    runbookDue: runbooks.any && incident.group_reason === undefined,
    runs: [],
    looks: [],
    verification: incident.verification,
    verifying: incident.verifying?.number ?? 0,
    verifyingRunbook: incident.verifying?.runbook ?? null,
    verifyingChange: incident.verifying?.change ?? null,
    redeploys: [],
    verifyAgain: false,
    isVerifyingAgain: false,
    mitigated: incident.verification !== 'not_needed',
    pagedAgain: isLaterProblem(incident) && incident.new_onset?.pages !== undefined,
    pageHeld: false,
    paging: paging && !raisedUnread,
    byHand: incident.by_hand === true || incident.by_event === true,
    resolveBy: incident.resolve_by ?? null,
  };
}

/** Returns the state after one message. `firing` is the stored count, read together with the message. */
export function apply(state: ResponseState, message: Message): ResponseState {
  const after = withMessage({ ...state, pageDue: false }, message);
  if (!after.pageDue) return { ...after, pageDue: state.pageDue };
  return { ...after, pageCauses: [...state.pageCauses, causeOf(message, state)] };
}

/** Returns the state after one message, with `pageDue` for this message alone. */
function withMessage(state: ResponseState, message: Message): ResponseState {
  switch (message.kind) {
    case 'signals': {
      const pages = (message.pages ?? message.critical) && message.fired > 0;
      // Alerts that opened the incident have not returned, however late they are processed. Alerts that may describe
      // the time before the mitigation wait for the verification.
      const isHeld = message.looks_back === true && state.verification === 'pending';
      const freshAfterMitigation = state.mitigated && !state.pagedAgain && pages && message.opening !== true && !isHeld;
      // A warning may not have notified anyone, so a higher severity pages.
      const isRaised = pages && (!state.paging || (message.critical && state.severity !== 'critical'));
      // The resolution by a person does not cover alerts that fired later.
      const firesAfterResolve = state.resolveBy !== null && pages;
      const isNew = message.new_onset === true;
      // What was judged before knew only that monitoring failed.
      const isMeasured = message.measured === true && state.verification !== 'pending';
      const requestsNow = message.requestsRollback && (!state.judgedOnRequest || isNew || isMeasured) && !isHeld;
      return {
        ...state,
        severity: message.critical ? 'critical' : state.severity,
        paging: state.paging || pages,
        pagedAgain: state.pagedAgain || freshAfterMitigation || (isNew && pages),
        pageHeld: (state.pageHeld && !isNew) || (isHeld && pages),
        pageDue:
          freshAfterMitigation ||
          isRaised ||
          firesAfterResolve ||
          // Without a mitigation, the page before is about the new problem as well.
          (pages && ((isNew && state.mitigated) || message.again === true)),
        resolveBy: firesAfterResolve ? null : state.resolveBy,
        judgedOnRequest: state.judgedOnRequest || requestsNow,
        onsetJudgement: isNew ? state.mitigations + 1 : state.onsetJudgement,
        mitigationDue: requestsNow
          ? { by: 'alert', name: '' }
          : (state.mitigationDue ?? (isNew ? { by: 'none', name: '' } : isMeasured ? state.judgedFor : null)),
        // A runbook may apply to the alerts that joined.
        runbookDue: state.runbookDue || (message.fired > 0 && message.muted !== true && state.runbooks > 0 && !isHeld),
        verifyAgain: state.verifyAgain || couldPassNow(state),
        pageOutdated: state.pageOutdated || (message.fired + message.resolved > 0 && state.onsetJudgement > 0),
      };
    }
    case 'reopened': {
      const request: JudgementRequest = { by: message.requestsRollback ? 'alert' : 'none', name: '' };
      return {
        ...state,
        severity: message.critical ? 'critical' : state.severity,
        paging: state.paging || message.pages,
        pageDue: message.pages,
        byHand: state.byHand || message.by !== undefined,
        // The failure is a new one, whatever was done about the earlier one.
        mitigationDue: request,
        judgedFor: request,
        judgedOnRequest: message.requestsRollback,
        onsetJudgement: state.mitigations + 1,
      };
    }
    case 'severity':
      return {
        ...state,
        severity: message.severity,
        paging: state.paging || message.severity === 'critical',
        pageDue: message.severity === 'critical' && state.severity !== 'critical',
      };
    case 'declared':
      return {
        ...state,
        severity: message.severity === 'critical' ? 'critical' : state.severity,
        paging: state.paging || message.page,
        pageDue: message.page,
        byHand: state.byHand || message.child === undefined,
      };
    case 'page':
      return { ...state, pageDue: message.by !== 'firebreak' || state.pages === 0, pageOutdated: true };
    case 'page_outdated':
      return { ...state, pageOutdated: true };
    case 'rollback': {
      const { by: name, from, to, moved_known } = message;
      return {
        ...state,
        mitigationDue: {
          by: 'person',
          name,
          ...(from && { from }),
          ...(to && { to }),
          ...(moved_known && { moved_known }),
        },
      };
    }
    case 'rollback_proposed': {
      const { by: name, from, to } = message;
      return {
        ...state,
        proposals: [...state.proposals, { by: 'person', name, from, ...(to && { to }), proposed: true }],
      };
    }
    case 'cleared':
      return message.judge ? { ...state, mitigationDue: state.mitigationDue ?? state.judgedFor } : state;
    case 'change_recorded':
      return { ...state, lateChanges: [...state.lateChanges, message.change] };
    case 'redeployed': {
      const { number, change } = message;
      return {
        ...state,
        mitigated: true,
        pagedAgain: false,
        verification: 'pending',
        verifying: number,
        verifyingRunbook: null,
        verifyingChange: change,
        redeploys: [...state.redeploys, { number, change }],
        pageOutdated: true,
      };
    }
    case 'judge_again':
      return { ...state, mitigationDue: state.mitigationDue ?? state.judgedFor };
    case 'runbook_rollback':
      return afterRollbackRequest(state, message);
    case 'runbook_run':
      return { ...state, runs: [...state.runs, message.number] };
    case 'look':
      return { ...state, looks: [...state.looks, { number: message.number, by: message.by }] };
    case 'runbook':
      return {
        ...state,
        mitigated: state.mitigated || message.acted,
        verification: message.acted ? 'pending' : state.verification,
        verifyingRunbook: message.acted ? message.number : state.verifyingRunbook,
        verifyingChange: message.acted ? null : state.verifyingChange,
        pageOutdated: state.pageOutdated || message.acted,
        pageDue: message.page === 'again' || (message.page === 'if_nobody' && state.pages === 0),
      };
    case 'left':
      return { ...state, paging: state.paging || message.page, pageDue: message.page };
    case 'resolve':
      return { ...state, resolveBy: message.by };
    case 'mitigation':
      return {
        ...state,
        running: state.running.filter((number) => number !== message.number),
        // A person who has replaced the version meanwhile has ended what it waited for.
        mitigationDue:
          state.mitigationDue ??
          (message.again === true && (state.verifyingChange === null || (state.verifying ?? 0) < message.number)
            ? state.judgedFor
            : null),
        mitigated: state.mitigated || message.outcome === 'succeeded',
        pagedAgain: message.outcome === 'succeeded' ? false : state.pagedAgain,
        verification: message.outcome === 'succeeded' ? 'pending' : state.verification,
        verifying: message.outcome === 'succeeded' ? message.number : state.verifying,
        verifyingRunbook: message.outcome === 'succeeded' ? null : state.verifyingRunbook,
        verifyingChange: message.outcome === 'succeeded' ? null : state.verifyingChange,
        // What follows a wait is shown instead.
        pageOutdated: state.pageOutdated || message.outcome !== 'waited',
        pageDue: message.page === 'again' || (message.page === 'if_nobody' && state.pages === 0),
      };
    case 'verification':
      // The verdict is about an earlier mitigation: the newer one has a verification window of its own, and after a reopening
      // there is none.
      if (state.verification === 'not_needed' || isAboutEarlierMitigation(message, state))
        return { ...state, isVerifyingAgain: false };
      return {
        ...state,
        isVerifyingAgain: false,
        verification: message.outcome,
        pageHeld: false,
        // The alerts ended between the check and its verdict, and no later message will report that.
        verifyAgain: state.verifyAgain || (message.alerts_fired === true && state.mitigated && state.firing === 0),
        ...(message.outcome === 'failed' && state.verification === 'pending'
          ? { pageDue: true, mitigationDue: state.mitigationDue ?? { by: 'verification', name: '' } }
          : {}),
        ...(message.outcome === 'inconclusive' && state.pageHeld && state.firing > 0
          ? { pageDue: true, pagedAgain: true }
          : {}),
      };
    case 'new_onset':
      // Alerts have reported it first.
      if (state.onsetJudgement > message.judged) return state;
      return {
        ...state,
        onsetJudgement: state.mitigations + 1,
        mitigationDue: { by: state.judgedOnRequest ? 'alert' : 'none', name: '' },
        pageDue: message.pages,
        pagedAgain: state.pagedAgain || message.pages,
        pageHeld: false,
      };
    case 'recovered':
      return { ...state, pageOutdated: state.pageOutdated || state.onsetJudgement > 0 };
    case 'answered':
    case 'pause':
    case 'resume':
    case 'abort':
    case 'publish':
      return state; // Read from the table directly before an action.
  }
}

function isAboutEarlierMitigation(
  { number, runbook, change }: Extract<Message, { kind: 'verification' }>,
  { verifying, verifyingRunbook, verifyingChange }: ResponseState,
): boolean {
  if (verifyingRunbook !== null) return runbook !== verifyingRunbook;
  if (verifyingChange !== null) return change !== verifyingChange;
  return runbook !== undefined || change !== undefined || number < verifying;
}

/**
 * Handles a runbook's rollback request. If an alert or a person already requested a judgement, the runbook waits for
 * its result.
 */
function afterRollbackRequest(
  state: ResponseState,
  { runbook, mode: cap, approval }: Extract<Message, { kind: 'runbook_rollback' }>,
): ResponseState {
  const due = state.mitigationDue?.by ?? null;
  if (state.judgedOnRequest || due === 'alert' || due === 'person') return state;
  // After a mitigation that did not help, every further one requires a person.
  const mode = lowestMode(cap ?? 'act', due === 'verification' ? 'approve' : 'act');
  return {
    ...state,
    judgedOnRequest: true,
    mitigationDue: { by: 'runbook', name: runbook, ...(mode !== 'act' && { mode }), ...(approval && { approval }) },
  };
}

/** Returns what is due. The caller records each start with `began`. */
export function plan(state: ResponseState): Plan {
  const isProven = state.verification === 'not_needed' || state.verification === 'passed';
  const isCalm = state.firing === 0 && isProven && !state.byHand; // an incident declared by a person is resolved by a person
  const request = state.mitigationDue ?? state.proposals[0];
  return {
    page: state.pageDue ? state.pages + 1 : null,
    // A page that starts now shows the current state.
    updatePage: state.pageOutdated && !state.pageDue && state.pages > 0,
    mitigate: request === undefined ? null : { number: state.mitigations + 1, request },
    runbook: state.runbookDue ? state.runbooks + 1 : null,
    runs: state.runs,
    looks: state.looks,
    redeploys: state.redeploys,
    lateChanges: lateChangesToEvaluate(state),
    // One at a time: two that pass would report the same recovery twice.
    verify:
      state.verifyAgain && couldPassNow(state) && !state.isVerifyingAgain
        ? {
            number: state.verifying,
            runbook: state.verifyingRunbook,
            ...(state.verifyingChange !== null && { change: state.verifyingChange }),
          }
        : null,
    tryResolve: state.resolveBy !== null || isCalm ? { by: state.resolveBy } : null,
  };
}

/** Returns the late changes to evaluate. They wait for a judgement that starts now, which reads them itself. */
function lateChangesToEvaluate({
  lateChanges,
  mitigations,
  mitigationDue,
  judgedFor,
}: ResponseState): Plan['lateChanges'] {
  if (lateChanges.length === 0 || mitigationDue !== null || mitigations === 0 || judgedFor === null) return null;
  return { changes: lateChanges, judged: mitigations, request: judgedFor };
}

export const afterStarting = (state: ResponseState, { page, mitigate, runbook, verify }: Plan): ResponseState => ({
  ...state,
  pages: page ?? state.pages,
  pageDue: false,
  pageOutdated: false,
  pageCauses: [],
  mitigations: mitigate?.number ?? state.mitigations,
  running: mitigate === null ? state.running : [...state.running, mitigate.number],
  mitigationDue: null,
  proposals: state.proposals.filter((one) => one !== mitigate?.request),
  judgedFor: mitigate !== null && mitigate.request.by !== 'person' ? mitigate.request : state.judgedFor,
  runbooks: runbook ?? state.runbooks,
  runbookDue: false,
  runs: [],
  looks: [],
  redeploys: [],
  lateChanges: mitigate === null ? [] : state.lateChanges,
  verifyAgain: state.verifyAgain && state.isVerifyingAgain,
  isVerifyingAgain: state.isVerifyingAgain || verify !== null,
});

/**
 * Returns whether a verification that did not pass should be repeated, because the alerts have ended: later proof
 * counts.
 */
const couldPassNow = (state: ResponseState): boolean =>
  state.mitigated && (state.verification === 'failed' || state.verification === 'inconclusive') && state.firing === 0;

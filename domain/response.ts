import type { IncidentRecord } from '../schemas/incident.ts';
import type { Message, RunbookApproval } from '../schemas/inbox.ts';
import { type ChangeId, lowestMode, type Mode, type Severity, type Version } from '../schemas/names.ts';
import { causeOf, type PageCause } from './page-causes.ts';
import type { BegunRunbook } from './ports.ts';
import type { AskedBy } from './rollback.ts';
import { isByHand } from './runbooks/by-hand.ts';

/** What the workflow has to know between two looks into the inbox. Ids and verdicts only: it is checkpointed. */
export type ResponseState = {
  severity: Severity;
  firing: number;
  drained: number;
  /** Pages begun, and one that is due. */
  pages: number;
  pageDue: boolean;
  /** Why the page that is due is due. Empty: the incident has opened. */
  pageCauses: readonly PageCause[];
  /** Judgements begun, the number in flight, and whether another is due. */
  mitigations: number;
  running: number[];
  mitigationDue: Asked | null;
  /** For whom the newest judgement is, those that a person has asked for apart. Null: there is nothing to be judged. */
  judgedFor: Asked | null;
  /** Changes that were recorded late, and are not looked at yet. */
  lateChanges: readonly ChangeId[];
  /** Looks for a runbook that have been begun, and whether another one may answer now. */
  runbooks: number;
  runbookDue: boolean;
  /** Runs that people have started, and that are not followed yet. */
  runs: readonly number[];
  /** A judgement on behalf of an alert that asks has been begun. */
  judgedAsked: boolean;
  verification: IncidentRecord['verification'];
  /** The mitigation that it is about: the newest one that was done. */
  verifying: number;
  /** It is what this runbook has done, since no rollback has been done after it. */
  verifyingRunbook: number | null;
  verifyAgain: boolean;
  /** Something was done that was to help. */
  mitigated: boolean;
  /** It has fired again since the mitigation, and that was paged: once is enough. */
  pagedAgain: boolean;
  /** It fires since the mitigation for what may be of before it; paged unless the verification passes. */
  pageHeld: boolean;
  /** Somebody was, or is to be, woken for it. */
  paging: boolean;
  byHand: boolean;
  resolveBy: string | null;
};

/**
 * `mode`, `approval`: a cap, and a question, that whoever asks has set, as a runbook can. `from`, `to`: what ran when a
 * person has asked, and the version that they have named.
 */
export type Asked = {
  by: AskedBy;
  who: string;
  mode?: Mode;
  approval?: RunbookApproval;
  from?: Version;
  to?: Version;
};

/** What to begin now, each as a branch of its own; and whether closing is worth a try. */
export type Plan = {
  page: number | null;
  mitigate: { number: number; asked: Asked } | null;
  runbook: number | null;
  /** Runs that people have started. */
  runs: readonly number[];
  lateChanges: { changes: readonly ChangeId[]; judged: number; asked: Asked } | null;
  verify: { number: number; runbook: number | null } | null;
  tryResolve: { by: string | null } | null;
};

/** Where a run begins: from the incident as it is in the table, be it the first run or a later one. */
export function begin(
  incident: IncidentRecord,
  unfinished: readonly number[],
  runbooks: { begun: readonly Pick<BegunRunbook, 'number'>[]; any: boolean } = { begun: [], any: false },
): ResponseState {
  // What has not been read may be what made it critical, after the pages so far: rather once too often than never.
  const raisedUnread = incident.seq > incident.drained && incident.severity === 'critical' && incident.pages > 0;
  // What is a part of something larger is paged by that.
  const paging = incident.parent_id === undefined && (incident.page ?? incident.severity === 'critical');
  // What is made of others has nothing of its own to roll back.
  const first: Asked | null =
    incident.crowd === undefined ? { by: incident.asks_rollback ? 'alert' : 'nobody', who: '' } : null;
  return {
    severity: raisedUnread ? 'warning' : incident.severity,
    firing: incident.firing,
    drained: incident.drained,
    pages: incident.pages,
    pageDue: paging && incident.pages === 0,
    pageCauses: [],
    mitigations: incident.mitigations,
    running: [...unfinished],
    mitigationDue: incident.mitigations === 0 ? first : null,
    judgedFor: first,
    judgedAsked: incident.asks_rollback,
    lateChanges: [],
    // Numbers are never used twice: not every look has found one.
    runbooks: Math.max(0, ...runbooks.begun.map(({ number }) => number).filter((number) => !isByHand(number))),
    runbookDue: runbooks.any && incident.crowd === undefined,
    runs: [],
    verification: incident.verification,
    verifying: incident.verifying?.number ?? 0,
    verifyingRunbook: incident.verifying?.runbook ?? null,
    verifyAgain: false,
    mitigated: incident.verification !== 'not_needed',
    pagedAgain: false,
    pageHeld: false,
    paging: paging && !raisedUnread,
    byHand: incident.by_hand === true || incident.by_event === true,
    resolveBy: incident.resolve_by ?? null,
  };
}

/** The state after one message. `firing` is the incident's own, read together with the mail. */
export function apply(state: ResponseState, message: Message): ResponseState {
  const after = applied({ ...state, pageDue: false }, message);
  if (!after.pageDue) return { ...after, pageDue: state.pageDue };
  return { ...after, pageCauses: [...state.pageCauses, causeOf(message, state)] };
}

/** The same, where `pageDue` says whether this message is the reason for a page. */
function applied(state: ResponseState, message: Message): ResponseState {
  switch (message.kind) {
    case 'signals': {
      const pages = (message.pages ?? message.critical) && message.fired > 0;
      // What came with the alerts that opened it has not come back, however late it is taken in.
      // What may be of before the mitigation waits for the verdict of the verification.
      const held = message.looks_back === true && state.verification === 'pending';
      const freshAfterMitigation = state.mitigated && !state.pagedAgain && pages && message.opening !== true && !held;
      // What rang as a warning may have woken nobody.
      const raised = pages && (!state.paging || (message.critical && state.severity !== 'critical'));
      // Whoever said that it is over has not meant what has fired since.
      const notOver = state.resolveBy !== null && pages;
      const asksNow = message.asksRollback && !state.judgedAsked && !held;
      return {
        ...state,
        severity: message.critical ? 'critical' : state.severity,
        paging: state.paging || pages,
        pagedAgain: state.pagedAgain || freshAfterMitigation,
        pageHeld: state.pageHeld || (held && pages),
        pageDue: freshAfterMitigation || raised || notOver || (pages && message.again === true),
        resolveBy: notOver ? null : state.resolveBy,
        judgedAsked: state.judgedAsked || asksNow,
        mitigationDue: asksNow ? { by: 'alert', who: '' } : state.mitigationDue,
        // What has joined may be what a runbook is for.
        runbookDue: state.runbookDue || (message.fired > 0 && state.runbooks > 0 && !held),
        verifyAgain: state.verifyAgain || couldPassNow(state),
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
        paging: state.paging || message.rings,
        pageDue: message.rings,
        byHand: state.byHand || message.part === undefined,
      };
    case 'page':
      return { ...state, pageDue: message.by !== 'firebreak' || state.pages === 0 };
    case 'rollback': {
      const { by: who, from, to } = message;
      return { ...state, mitigationDue: { by: 'person', who, ...(from && { from }), ...(to && { to }) } };
    }
    case 'cleared':
      return message.judge ? { ...state, mitigationDue: state.mitigationDue ?? state.judgedFor } : state;
    case 'change_recorded':
      return { ...state, lateChanges: [...state.lateChanges, message.change] };
    case 'judge_again':
      return { ...state, mitigationDue: state.mitigationDue ?? state.judgedFor };
    case 'runbook_rollback':
      return runbookAsks(state, message);
    case 'runbook_run':
      return { ...state, runs: [...state.runs, message.number] };
    case 'runbook':
      return {
        ...state,
        mitigated: state.mitigated || message.acted,
        verification: message.acted ? 'pending' : state.verification,
        verifyingRunbook: message.acted ? message.number : state.verifyingRunbook,
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
        mitigationDue: state.mitigationDue ?? (message.again === true ? { by: 'alert', who: '' } : null),
        mitigated: state.mitigated || message.outcome === 'succeeded',
        pagedAgain: message.outcome === 'succeeded' ? false : state.pagedAgain,
        verification: message.outcome === 'succeeded' ? 'pending' : state.verification,
        verifying: message.outcome === 'succeeded' ? message.number : state.verifying,
        verifyingRunbook: message.outcome === 'succeeded' ? null : state.verifyingRunbook,
        pageDue: message.page === 'again' || (message.page === 'if_nobody' && state.pages === 0),
      };
    case 'verification':
      // Another mitigation has been done since, and whether that has helped is seen at the end of its own window.
      if (state.verifyingRunbook !== null ? message.runbook !== state.verifyingRunbook : isOfBefore(message, state))
        return state;
      return {
        ...state,
        verification: message.outcome,
        pageHeld: false,
        // They have ended between the look at them and its verdict, and no later mail will say so.
        verifyAgain: state.verifyAgain || (message.alerts_fired === true && state.mitigated && state.firing === 0),
        ...(message.outcome === 'failed' && state.verification === 'pending'
          ? { pageDue: true, mitigationDue: state.mitigationDue ?? { by: 'verification', who: '' } }
          : {}),
        ...(message.outcome === 'inconclusive' && state.pageHeld && state.firing > 0
          ? { pageDue: true, pagedAgain: true }
          : {}),
      };
    case 'answered':
    case 'pause':
    case 'resume':
    case 'abort':
    case 'publish':
      return state; // Read from the table where it matters: directly before an act.
  }
}

const isOfBefore = (
  { number, runbook }: { number: number; runbook?: number | undefined },
  { verifying }: ResponseState,
): boolean => runbook !== undefined || number < verifying;

/** An alert or a person that asks is judged already, and the runbook sees how that ends. */
function runbookAsks(
  state: ResponseState,
  { runbook, mode: cap, approval }: Extract<Message, { kind: 'runbook_rollback' }>,
): ResponseState {
  const due = state.mitigationDue?.by ?? null;
  if (state.judgedAsked || due === 'alert' || due === 'person') return state;
  // What comes after a mitigation that has not helped waits for a person, whoever asks for it.
  const mode = lowestMode(cap ?? 'act', due === 'verification' ? 'approve' : 'act');
  return {
    ...state,
    judgedAsked: true,
    mitigationDue: { by: 'runbook', who: runbook, ...(mode !== 'act' && { mode }), ...(approval && { approval }) },
  };
}

/** What is due. Beginning it is recorded with `began`. */
export function plan(state: ResponseState): Plan {
  const proven = state.verification === 'not_needed' || state.verification === 'passed';
  const calm = state.firing === 0 && proven && !state.byHand; // whoever declared it says when it is over
  return {
    page: state.pageDue ? state.pages + 1 : null,
    mitigate: state.mitigationDue === null ? null : { number: state.mitigations + 1, asked: state.mitigationDue },
    runbook: state.runbookDue ? state.runbooks + 1 : null,
    runs: state.runs,
    lateChanges: lateOf(state),
    verify:
      state.verifyAgain && couldPassNow(state) ? { number: state.verifying, runbook: state.verifyingRunbook } : null,
    tryResolve: state.resolveBy !== null || calm ? { by: state.resolveBy } : null,
  };
}

/** A judgement that begins now reads them by itself. */
function lateOf({ lateChanges, mitigations, mitigationDue, judgedFor }: ResponseState): Plan['lateChanges'] {
  if (lateChanges.length === 0 || mitigationDue !== null || mitigations === 0 || judgedFor === null) return null;
  return { changes: lateChanges, judged: mitigations, asked: judgedFor };
}

export const began = (state: ResponseState, { page, mitigate, runbook }: Plan): ResponseState => ({
  ...state,
  pages: page ?? state.pages,
  pageDue: false,
  pageCauses: [],
  mitigations: mitigate?.number ?? state.mitigations,
  running: mitigate === null ? state.running : [...state.running, mitigate.number],
  mitigationDue: null,
  judgedFor: mitigate !== null && mitigate.asked.by !== 'person' ? mitigate.asked : state.judgedFor,
  runbooks: runbook ?? state.runbooks,
  runbookDue: false,
  runs: [],
  lateChanges: [],
  verifyAgain: false,
});

/** A verification that did not pass looks again when the alerts have gone: later proof is proof. */
const couldPassNow = (state: ResponseState): boolean =>
  state.mitigated && (state.verification === 'failed' || state.verification === 'inconclusive') && state.firing === 0;

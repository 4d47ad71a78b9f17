import { groupNow } from '../core/domain/incidents/group-now.ts';
import { healthOfIncident } from '../core/domain/catalogue/health.ts';
import { QUIET, type QuietHold, UNHEALTHY, unverifiedText } from '../core/domain/incidents/closing.ts';
import { notReopenable } from '../core/domain/incidents/reopening.ts';
import { recoveredOtherwise } from '../core/domain/incidents/new-onset.ts';
import {
  afterStarting,
  apply,
  initialState,
  type Plan,
  plan,
  type ResponseState,
} from '../core/domain/incidents/response.ts';
import type { Deps } from '../core/domain/ports/deps.ts';
import type { InboxContent } from '../core/domain/ports/incidents.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import type { UnreadableMessage } from '../schemas/incidents/inbox.ts';
import type { IncidentId } from '../schemas/config/names.ts';
import { clockText, secondsBetween } from '../schemas/time/time.ts';
import { RunLimits } from './branch-limits.ts';
import { IncidentBranches } from './incident-branches.ts';
import type { Run } from './run.ts';
import { type BegunRun, beginRun } from './steps/begin-run.ts';
import { HEALTH_LOOK_SECONDS, type HealthAtEnd, healthAtEnd } from './steps/health-at-end.ts';
import { quietHolds } from './steps/quiet-holds.ts';
import { type Deadlines, doWhatIsDue, DUE_SECONDS, type IncidentActions, readDeadlines } from './steps/deadlines.ts';
import { leaveGroup } from './steps/incident-group.ts';
import { resolvePages } from './steps/page.ts';
import { readInbox } from './steps/read-inbox.ts';
import { settleChildren } from './steps/settle-children.ts';
import { withdrawQuestions } from './steps/withdraw-questions.ts';
import { wake } from './wake.ts';

/** Input of a run. Contains only IDs, so that every attempt to start the run sends the same bytes. */
export type IncidentRun = { incidentId: IncidentId; run: number };

export type IncidentOutcome = { incident: IncidentId; ended: 'resolved' | 'handed_over' | 'unknown' };

/** Longest time in seconds until the inbox is read again, even if no callback arrives. */
const INBOX_INTERVAL_SECONDS = 600;

/** Seconds without new messages after which a flapping incident may close. */
const FLAPPING_QUIET_SECONDS = INBOX_INTERVAL_SECONDS;

/** How much later than its time a deadline may be noticed, in seconds, so that not each message needs another callback. */
const DEADLINE_TOLERANCE_SECONDS = 60;

/** For a deadline at which messages come first: people are reminded, and the page is escalated afterwards. */
const NO_ACTIONS: IncidentActions = { escalate: async () => undefined };

/**
 * After this many runs in a row that were started for an unreadable message, further ones are skipped at once, so that they
 * can't start runs forever.
 */
const UNREADABLE_MAX_RUNS = 10;

/** What stays the same during a run. */
type Session = {
  incidentId: IncidentId;
  number: number;
  begun: BegunRun;
  actions: IncidentActions;
  limits: RunLimits;
  branches: IncidentBranches;
};

/**
 * What the inbox contained. `isLong`: the next run must take over. `deadlines`: absent if they are as before. `postponed`:
 * an escalation was due, and the messages come first. Absent: no. `holds`: what keeps the incident open although it is quiet;
 * absent: not checked.
 */
type ReadInbox = InboxContent & {
  isLong?: boolean;
  deadlines?: Deadlines;
  postponed?: boolean;
  holds?: readonly QuietHold[];
  /** What is wrong in the group of a dependency. Absent: it is none, or an older version has read it. */
  group?: string;
};

/** State of a run between two reads of the inbox. */
type RunState = {
  /** Number of the next read, from 1. */
  round: number;
  response: ResponseState;
  /** New alerts fire, so that their source is asked about them. */
  newAlerts: boolean;
  /** A page starts in this round. */
  isPaging: boolean;
  /** The first message that this version can't read. Null: none. */
  unread: UnreadableMessage | null;
  isLong: boolean;
  /** Alerts that fire and don't keep the incident open. */
  warnings: InboxContent['warnings'];
  deadlines: Deadlines;
  /** At the last deadline, messages came first. They do so once, or they could keep back what is due forever. */
  postponed: boolean;
  /** Seconds waited without activity, and the count of repeated notifications by which activity is recognised. */
  quiet: { seconds: number; renotified: number };
  /** What kept the incident open when it was last found to be quiet. Empty: nothing, or not checked yet. */
  holds: readonly QuietHold[];
  /** Alerts that are only last seen, so that their end proves nothing. */
  lastSeen: number;
  /** What was wrong in the group of a dependency at the last read. Undefined: it is none, or nothing was read yet. */
  group: string | undefined;
};

/**
 * Handles one incident from its first alert until it is resolved. Fails as soon as one of its branches fails, so that the next
 * run continues from the table.
 */
export function incidentResponse(
  run: Run,
  input: IncidentRun,
  deps: Deps,
  actions: IncidentActions,
): Promise<IncidentOutcome> {
  const { promise: failure, reject: fail } = Promise.withResolvers<never>();
  return Promise.race([respond(run, input, deps, { actions, fail }), failure]);
}

/** @param more.fail ends the run */
async function respond(
  run: Run,
  { incidentId, run: number }: IncidentRun,
  deps: Deps,
  { actions, fail }: { actions: IncidentActions; fail: (error: unknown) => void },
): Promise<IncidentOutcome> {
  const { execution } = run;
  // Sent before anything is read: if what is read stalls the process, the sweeper knows that this run has started. The page
  // and the rollback do not wait for it.
  const started = Promise.resolve(
    run.step('mark-started', () => deps.incidents.markStarted(incidentId, number, execution)),
  );
  started.catch(fail);
  const begun = await run.step('begin', () => beginRun(deps, incidentId, number, INBOX_INTERVAL_SECONDS));
  if (begun === undefined || begun.incident.status === 'resolved') {
    await started;
    return { incident: incidentId, ended: begun === undefined ? 'unknown' : 'resolved' };
  }
  const { trace, service, environment, unmatched, title } = begun.incident;
  return followInbox(
    run.withLogFields({ trace, service: unmatched || service, environment, alert: title }),
    { incidentId, number, begun, actions },
    { started, fail },
    deps,
  );
}

/**
 * Starts what is due in branches, closes the incident or hands over to the next run, or waits for messages; and again.
 *
 * @param started resolves when it is recorded that the run has started
 * @param fail ends the run
 */
async function followInbox(
  run: Run,
  begins: Omit<Session, 'limits' | 'branches'>,
  { started, fail }: { started: Promise<void>; fail: (error: unknown) => void },
  deps: Deps,
): Promise<IncidentOutcome> {
  const { incidentId, begun } = begins;
  const limits = new RunLimits(run);
  const branches = new IncidentBranches(run, { ...begins, limits }, deps, fail);
  const session: Session = { ...begins, limits, branches };
  let state = firstState(begun);
  branches.continue(state.response);
  for (;;) {
    const due = plan(state.response);
    branches.start(due, state.round, { causes: state.response.pageCauses, newAlerts: state.newAlerts });
    state = { ...state, response: afterStarting(state.response, due), isPaging: due.page !== null };
    const closing = closingOf(due, state, begun);
    const end = closing === null ? 'not_yet' : await close(run, begun.incident, state, closing.by, deps);
    if (end === 'resolved') return afterClosing(run, session, state.response.pages, deps);
    if (isUnreadableForAll(state, begun)) state = await skipMessage(run, incidentId, state, deps);
    if (state.unread !== null || state.isLong) return handOver(run, session, state, deps);
    await started; // before the inbox is read: a message that arrived earlier wakes nobody
    const wakeUp = await nextWakeUp(run, session, { ...state, looksAtHealth: end === 'unhealthy' }, deps);
    if (mayHaveEndedAlerts(state, wakeUp)) branches.endGoneAlerts(state.round);
    state = afterWakeUp(state, wakeUp, begun);
  }
}

function firstState({ incident, unfinished, runbooks, anyRunbooks, deadlines = {} }: BegunRun): RunState {
  const response = initialState(incident, unfinished, { begun: runbooks, any: anyRunbooks });
  return {
    round: 1,
    response,
    newAlerts: response.firing > 0,
    isPaging: false,
    unread: null,
    isLong: false,
    warnings: undefined,
    deadlines,
    postponed: false,
    quiet: { seconds: 0, renotified: incident.renotified },
    holds: [],
    lastSeen: incident.last_seen_alerts ?? 0,
    group: undefined,
  };
}

/** Returns on whose behalf to try to close the incident. Null: not yet. */
function closingOf(
  { tryResolve }: Plan,
  { quiet, response, holds, lastSeen }: RunState,
  { flapping, quietRounds, incident }: BegunRun,
): Plan['tryResolve'] {
  // Keep a flapping incident open until it has been quiet, so that it does not page repeatedly.
  const isFlapping = flapping && quiet.seconds < FLAPPING_QUIET_SECONDS;
  if (tryResolve !== null && (tryResolve.by !== null || (!isFlapping && lastSeen === 0))) return tryResolve;
  const hasActiveChildren = incident.group_reason !== undefined && response.firing > 0;
  const isHeld = hasActiveChildren || holds.length > 0;
  return quiet.seconds >= quietRounds * INBOX_INTERVAL_SECONDS && !isHeld ? { by: QUIET } : null;
}

/**
 * Closes the incident unless a message has arrived meanwhile, or something keeps it open: of one that is only quiet, what happens, and of one
 * whose alerts have ended, its health.
 */
async function close(
  run: Run,
  incident: IncidentRecord,
  { response: { consumed, verification }, warnings }: RunState,
  by: string | null,
  deps: Deps,
): Promise<'resolved' | 'not_yet' | 'unhealthy'> {
  const { count, titles } = warnings ?? { count: 0, titles: [] };
  const warningText = count === 0 ? '' : `. Slow-burn warnings are still firing: ${titles.join('; ')}`;
  return run.step('close', async () => {
    const current = (await deps.incidents.read(incident.id)) ?? incident;
    const quiet = by === QUIET ? await quietHolds(deps, current) : undefined;
    if (quiet !== undefined && quiet.holds.length > 0) return 'not_yet';
    // The mitigation of an earlier problem says nothing about the last one, nor one that had not helped at first.
    const isOther = verification === 'passed' && recoveredOtherwise({ ...current, verification });
    const isMeasured = await deps.config.current().then(
      (config) => healthOfIncident(config, incident) !== undefined,
      () => true, // unknown: the sweeper finds out
    );
    const endedAt = await deps.incidents.alertsEndedAt(current, by);
    const health = await healthAtEnd(deps, current, { consumed, by, endedAt });
    // A person does not wait, but the problem is not over.
    if (health.waits === true && by === null) return 'unhealthy';
    const isProven = quiet?.health?.verdict.outcome === 'passed' && isMeasured && verification === 'passed' && !isOther;
    if (isProven)
      return deps.incidents.resolve(incident.id, consumed, by, PROVEN_TEXT, count, { isMeasured, isProven });
    const text =
      health.above === undefined
        ? `${closingText(incident, by, isOther ? 'not_needed' : verification)}${sinceText(health)}${warningText}`
        : unverifiedText(notReopenable(incident), health.above);
    const closer = health.above === undefined ? by : UNHEALTHY;
    const recoveredAt = health.recoveredAt ?? (health.waits === true ? undefined : endedAt);
    return deps.incidents.resolve(incident.id, consumed, closer, text, count, { isMeasured, recoveredAt });
  });
}

/** Explains the end of an incident whose recovery is known, although the end of its alerts is not. */
const PROVEN_TEXT =
  'Resolved: the mitigation is verified, and health is within its limit. The end of its alerts was never reported';

/** @example ', and health is within its limit since 12:09 UTC' */
const sinceText = ({ recoveredAt: at }: HealthAtEnd): string =>
  at === undefined ? '' : `, and health is within its limit since ${clockText(at)}`;

function closingText(incident: IncidentRecord, by: string | null, verification: ResponseState['verification']): string {
  if (by === QUIET) return unverifiedText(notReopenable(incident));
  if (by !== null) return `Resolved by ${by}`;
  return verification === 'passed'
    ? 'Resolved: all alerts have resolved, and the mitigation is verified'
    : 'Resolved: all alerts have resolved';
}

/** Settles what depends on a closed incident, and waits for its branches. */
async function afterClosing(
  run: Run,
  { incidentId, begun, limits, branches }: Session,
  pages: number,
  deps: Deps,
): Promise<IncidentOutcome> {
  limits.close();
  await run.step('withdraw-questions', async () => {
    await leaveGroup(deps, incidentId);
    await deps.incidents.endEvents(incidentId);
    return withdrawQuestions(deps, incidentId);
  });
  // An update after the resolution would page again. Those that wait for another attempt end with it.
  await branches.pageUpdatesEnded();
  if (begun.incident.group_reason !== undefined)
    await run.step('settle-children', () => settleChildren(deps, incidentId));
  const resolve = (name: string, last: boolean): Promise<void> =>
    run.childContext(name, (branch) => resolvePages(branch, { incidentId, pages, last }, deps));
  await resolve('resolve-pages', false);
  await branches.pagesEnded();
  // The pager may have accepted a page that was in progress when the incident closed.
  await resolve('resolve-late-pages', true);
  await branches.ended();
  return { incident: incidentId, ended: 'resolved' };
}

/** Returns whether this run was started for a message that it can't read either: no deployed version can. */
const isUnreadableForAll = ({ unread }: RunState, { incident }: BegunRun): boolean =>
  unread !== null && (unread.seq === incident.unreadable || (incident.unreadable_runs ?? 0) >= UNREADABLE_MAX_RUNS);

async function skipMessage(run: Run, id: IncidentId, state: RunState, deps: Deps): Promise<RunState> {
  const { unread, response } = state;
  if (unread === null) return state;
  await run.step('skip-message', async () => {
    deps.log.error('Skipped a message of an unknown kind', { incident: id, ...unread });
    await deps.incidents.skipUnread(id, unread);
    return null;
  });
  return { ...state, response: { ...response, consumed: unread.seq }, unread: null };
}

async function handOver(
  run: Run,
  { incidentId: id, number, begun, limits, branches }: Session,
  { unread, response: { resolveBy } }: RunState,
  deps: Deps,
): Promise<IncidentOutcome> {
  limits.handOver();
  await branches.rest();
  const why = unread === null ? '' : `, because this version can't read a message of kind "${unread.kind}"`;
  const text = `Handed over to run ${number + 1} of the workflow${why}`;
  const unreadableRuns = (begun.incident.unreadable_runs ?? 0) + 1;
  const remaining = {
    ...(unread && { unread: unread.seq, unreadableRuns }),
    ...(resolveBy !== null && { resolveBy }),
  };
  await run.step('hand-over', () => deps.incidents.handOver(id, number + 1, text, remaining));
  await run.step('wake-next', () => wake(deps, id));
  return { incident: id, ended: 'handed_over' };
}

/** What ended a wait, and what the inbox contained then. `waited`: seconds of a wait that timed out. */
type WakeUp = { by: 'message' | 'callback' | 'timeout'; waited: number; inbox: ReadInbox };

/**
 * Reads the inbox. If nothing is new, waits until the callback is completed, or times out, and reads again. The wait ends at
 * the next deadline of the incident, so that a deadline needs no wait of its own.
 *
 * @param state.looksAtHealth its alerts have ended, and it waits until health is within its limit
 */
async function nextWakeUp(
  run: Run,
  { incidentId, begun, limits, branches, actions }: Session,
  state: RunState & { looksAtHealth: boolean },
  deps: Deps,
): Promise<WakeUp> {
  const { response, quiet, deadlines, isPaging, postponed, group, looksAtHealth } = state;
  const { consumed, mitigated, firing } = response;
  const deadline = (isPaging ? deadlines.secondsIfPaged : deadlines.seconds) ?? Infinity;
  const seconds = secondsToWait(quiet.seconds, Math.min(deadline, looksAtHealth ? HEALTH_LOOK_SECONDS : Infinity));
  if (limits.inbox === null || seconds < limits.inbox.seconds - DEADLINE_TOLERANCE_SECONDS)
    limits.inbox = { ...(await run.createCallback('inbox', { seconds })), seconds };
  const callback = limits.inbox;
  const inbox: ReadInbox = await run.step('read-inbox', async () => {
    const read = await readInbox(deps, incidentId, consumed, callback.id, mitigated);
    // How far the branches are differs between replays, so it is recorded in the step's result.
    const isLong = limits.isReached(secondsBetween(begun.at, read.at), branches.isResting());
    const changed = read.messages.length > 0 ? { deadlines: await readDeadlines(deps, incidentId) } : {};
    return { ...read, ...changed, ...(isLong && { isLong }), ...(await groupWords(deps, begun.incident)) };
  });
  // The end of a child incident leaves no message, and may have completed an earlier callback: compare the counts.
  const isRegrouped = countHolding(inbox) !== firing || haveChanged(group, inbox.group);
  const isNew = inbox.messages.length > 0 || inbox.unreadable !== undefined || isRegrouped;
  if (isNew || inbox.isLong === true) return { by: 'message', waited: 0, inbox };
  const by = await callback.settled();
  limits.inbox = null;
  const isDue = by === 'timeout';
  const isQuiet = isDue && quiet.seconds + callback.seconds >= begun.quietRounds * INBOX_INTERVAL_SECONDS;
  const again: ReadInbox = await run.step('read-inbox-again', async () => {
    let read = await readInbox(deps, incidentId, consumed, null, mitigated);
    // A message can end the incident, or page: its process may have died before it woke this run.
    const isFirst = isDue && !postponed && read.messages.length > 0;
    if (isDue) await doWhatIsDue(deps, incidentId, isFirst ? NO_ACTIONS : actions);
    if (isDue && !isFirst) read = await readInbox(deps, incidentId, consumed, null, mitigated);
    const holds = isQuiet ? { holds: (await quietHolds(deps, await deps.incidents.read(incidentId))).holds } : {};
    const next = await readDeadlines(deps, incidentId, { tried: isDue && !isFirst });
    const isPostponed = isFirst && next.seconds === DUE_SECONDS;
    const words = await groupWords(deps, begun.incident);
    return { ...read, ...holds, deadlines: next, ...(isPostponed && { postponed: true }), ...words };
  });
  return { by, waited: isDue ? callback.seconds : 0, inbox: again };
}

/** Reads what is wrong in the group of a dependency: a member that recovers stays open for a while. */
async function groupWords(
  { incidentGroups }: Pick<Deps, 'incidentGroups'>,
  { id, group_reason: reason }: IncidentRecord,
): Promise<Pick<ReadInbox, 'group'>> {
  if (reason?.because !== 'shared_dependency') return {};
  const members = await incidentGroups.children(id);
  return {
    group: groupNow(
      reason,
      members.map(({ incident }) => incident),
    ).words,
  };
}

/** @param before undefined: nothing was read yet @param now undefined: an older version has read it */
const haveChanged = (before: string | undefined, now: string | undefined): boolean =>
  before !== undefined && now !== undefined && before !== now;

/** Waits until whole intervals of quiet time, at which more is checked than at a deadline. */
const secondsToWait = (quietSeconds: number, deadline: number): number =>
  Math.min(INBOX_INTERVAL_SECONDS - (quietSeconds % INBOX_INTERVAL_SECONDS), deadline);

/** Returns the number of firing alerts that keep the incident open. */
const countHolding = ({ firing, warnings }: ReadInbox): number => firing - (warnings?.count ?? 0);

/** Returns whether alerts may have ended without a message of their source. */
const mayHaveEndedAlerts = ({ quiet }: RunState, { by, waited, inbox }: WakeUp): boolean =>
  countHolding(inbox) > 0 &&
  ((by === 'timeout' && (quiet.seconds + waited) % INBOX_INTERVAL_SECONDS === 0) ||
    inbox.messages.some(({ message }) => message.kind === 'verification' && message.outcome === 'passed'));

function afterWakeUp(state: RunState, { by, waited, inbox }: WakeUp, { incident }: BegunRun): RunState {
  const { round, response, quiet, deadlines: before, postponed, group } = state;
  const { messages, renotified, unreadable = null, isLong = false, warnings, deadlines = before } = inbox;
  const isActive = messages.length > 0 || renotified !== quiet.renotified;
  const firing = countHolding(inbox);
  // A member has joined, recovered, or ended, and others fail. The page of many shows only those that act or ask.
  const isRegrouped =
    incident.group_reason?.because === 'shared_dependency' &&
    (firing !== response.firing || haveChanged(group, inbox.group)) &&
    firing > 0;
  const read: ResponseState = { ...response, firing, pageOutdated: response.pageOutdated || isRegrouped };
  return {
    round: round + 1,
    response: messages.reduce((after, { seq, message }) => ({ ...apply(after, message), consumed: seq }), read),
    isPaging: false,
    newAlerts: messages.some(({ message }) => message.kind === 'signals' && message.fired > 0),
    unread: unreadable,
    isLong,
    warnings,
    deadlines,
    postponed: by === 'timeout' ? inbox.postponed === true : postponed,
    quiet: { seconds: isActive ? 0 : quiet.seconds + waited, renotified },
    holds: inbox.holds ?? state.holds,
    lastSeen: inbox.lastSeen ?? 0,
    group: inbox.group ?? group,
  };
}

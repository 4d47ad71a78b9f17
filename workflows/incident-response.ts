import type { Deps } from '../domain/ports/deps.ts';
import type { InboxContent } from '../domain/ports/incidents.ts';
import {
  apply,
  type JudgementRequest,
  initialState,
  afterStarting,
  plan,
  type ResponseState,
} from '../domain/incidents/response.ts';
import type { UnreadableMessage } from '../schemas/incidents/inbox.ts';
import type { IncidentRecord } from '../schemas/incidents/incident.ts';
import type { IncidentId } from '../schemas/config/names.ts';
import { secondsBetween } from '../schemas/time/time.ts';
import { type Activity, activityOf, untilRest } from './activity.ts';
import { limited } from './branch-limits.ts';
import type { Callback, Run } from './run.ts';
import { followRunbook } from './runbook.ts';
import { endGoneAlerts, confirmAlerts } from './steps/gone-alerts.ts';
import { joinGroup, leaveGroup } from './steps/incident-group.ts';
import { readInbox } from './steps/read-inbox.ts';
import { judgeLateChanges, openLooks } from './steps/late-changes.ts';
import { mitigate, verifyNow } from './steps/mitigate.ts';
import { page, resolvePages, unfinishedPages } from './steps/page.ts';
import { settleChildren } from './steps/settle-children.ts';
import { updatePage } from './steps/update-page.ts';
import { withdrawQuestions } from './steps/withdraw-questions.ts';
import { wake } from './wake.ts';

/** Input of a run. Contains only IDs, so that every attempt to start the run sends the same bytes. */
export type IncidentRun = { incidentId: IncidentId; run: number };

export type IncidentOutcome = { incident: IncidentId; ended: 'resolved' | 'handed_over' | 'unknown' };

/** Longest time in seconds until the inbox is read again, even if no callback arrives. */
const INBOX_INTERVAL_SECONDS = 600;

/** Number of rounds without new messages after which a flapping incident may close. */
const FLAPPING_QUIET_ROUNDS = 1;

/**
 * A run may have 3,000 operations, with those of its branches. After this many of them, or seven days, the next run continues
 * from the table. While a mitigation acts, the run continues until the second number of operations: the mitigation has to
 * finish first, and nobody would read the inbox meanwhile. The third number is how many operations of branches wake a long run.
 */
const OPERATIONS_PER_RUN = 1500;
const OPERATIONS_WHILE_ACTING = 2200;
const OPERATIONS_BETWEEN_READS = 100;
const RUN_SECONDS = 7 * 24 * 3600;

/**
 * After this many runs in a row that were started for an unreadable message, further ones are skipped at once, so that they
 * can't start runs forever.
 */
const UNREADABLE_MAX_RUNS = 10;

/**
 * Handles one incident from its first alert until it is resolved. Fails as soon as one of its branches fails, so that the next
 * run continues from the table.
 */
export function incidentResponse(run: Run, input: IncidentRun, deps: Deps): Promise<IncidentOutcome> {
  const failure = Promise.withResolvers<never>();
  return Promise.race([respond(run, input, deps, failure.reject), failure.promise]);
}

/**
 * Pages and rollbacks run in parallel branches; this loop only reads the inbox, decides which actions are due, and closes the
 * incident.
 *
 * @param fail ends the run
 */
async function respond(
  unlabelled: Run,
  { incidentId, run: number }: IncidentRun,
  deps: Deps,
  fail: (error: unknown) => void,
): Promise<IncidentOutcome> {
  const { execution } = unlabelled;
  // Sent before anything is read: if what is read stalls the process, the sweeper knows that this run has started. The page
  // and the rollback do not wait for it.
  const started = Promise.resolve(
    unlabelled.step('mark-started', () => deps.incidents.markStarted(incidentId, number, execution)),
  );
  started.catch(fail);
  const begun = await unlabelled.step('begin', () => beginRun(deps, incidentId, number));
  if (begun === undefined || begun.incident.status === 'resolved') {
    await started;
    return { incident: incidentId, ended: begun === undefined ? 'unknown' : 'resolved' };
  }

  const run = unlabelled.withLogFields({ trace: begun.incident.trace, service: begun.incident.service });
  const { quietRounds } = begun;
  const { service, environment, opened_at, unmatched } = begun.incident;
  const about = { id: incidentId, service, environment, opened_at, unmatched };
  const isParent = begun.incident.group_reason !== undefined;
  let [isClosed, isHandingOver] = [false, false];
  let callback: Callback | null = null;
  const closing = Promise.withResolvers<void>();
  const pausedIfLong = (): Promise<void> | null =>
    !isClosed && (isHandingOver || run.operations() >= OPERATIONS_PER_RUN) ? closing.promise : null;
  let wakeAt = OPERATIONS_PER_RUN;
  /** Wakes the loop, which then hands over: branches can have many operations between two reads of the inbox. */
  const callbackDue = (): string | null => {
    if (callback === null || run.operations() < wakeAt) return null;
    wakeAt = run.operations() + OPERATIONS_BETWEEN_READS;
    return callback.id;
  };
  /** Starts branches whose failure ends the run. */
  const branchesOf = (paused: () => Promise<void> | null): Pick<Run, 'childContext'> => ({
    childContext: (name, work) => {
      const limits = { callbackDue, paused };
      const branch = run.childContext(name, (inner) => work(limited(inner, limits, deps)));
      branch.catch(async (error: unknown) => {
        await Promise.allSettled(resting());
        // Closing continues first: a branch that has failed must not keep pages open.
        if (!isClosed) fail(error);
      });
      return branch;
    },
  });
  const [branching, pausing] = [branchesOf(() => null), branchesOf(pausedIfLong)];
  let state = initialState(begun.incident, begun.unfinished, { begun: begun.runbooks, any: begun.anyRunbooks });
  const activities: Activity[] = [];
  const startMitigation = (named: { number: number; request: JudgementRequest }): Promise<unknown> => {
    const activity = activityOf();
    activities.push(activity);
    return branching.childContext(`mitigate-${named.number}`, (branch) =>
      mitigate(branch, { incidentId, about, ...named }, deps, activity),
    );
  };
  const mitigations: Promise<unknown>[] = begun.unfinished.map((unfinished) =>
    startMitigation({ number: unfinished, request: { by: 'alert', name: '' } }),
  );
  /** Waits until no mitigation acts: those that wait for a person or a verification are left to the next run. */
  const resting = (): Promise<unknown>[] =>
    mitigations.flatMap((branch, n) => (activities[n] === undefined ? [] : [untilRest(branch, activities[n])]));
  const branches: Promise<unknown>[] = [];
  const pagesInProgress: Promise<unknown>[] = [];
  const startPage = (which: number, causes: ResponseState['pageCauses']): void => {
    const activity = activityOf();
    // Apart from the other branches: it may repeat for an hour and a half, and the next run can continue it.
    const paged = branching.childContext(`page-${which}`, (branch) =>
      page(branch, { incidentId, number: which, causes }, deps, activity),
    );
    branches.push(untilRest(paged, activity));
    pagesInProgress.push(paged);
  };
  for (const unfinished of begun.pages ?? []) startPage(unfinished, []);
  const pageUpdates: Promise<unknown>[] = [];
  const lateChecks: Promise<unknown>[] = [];
  // Apart from the other branches: a runbook may wait for days, and nothing else may wait for it.
  const runbooks: Promise<unknown>[] = [];
  const followed = new Set<number>();
  const follow = (which: number): void => {
    // A runbook started by a person is both in the inbox and in the table when another workflow run takes over.
    if (followed.has(which)) return;
    followed.add(which);
    // Paused in a long run, so that the loop can keep reading the inbox while a mitigation acts.
    runbooks.push(
      pausing.childContext(`runbook-${which}`, (branch) => followRunbook(branch, { incidentId, number: which }, deps)),
    );
  };
  for (const { number: unfinished, done, acted } of begun.runbooks)
    if (!done || (acted && begun.incident.verification === 'pending')) follow(unfinished);
  const { looks } = begun;
  const { judgedFor } = state;
  if (looks !== undefined && judgedFor !== null) {
    const continued = { incidentId, ...looks, judged: state.mitigations, request: judgedFor };
    lateChecks.push(
      branching.childContext('late-changes-continued', (branch) => judgeLateChanges(branch, continued, deps)),
    );
  }
  let unread: UnreadableMessage | null = null;
  let isLong = false;
  let hasNewAlerts = state.firing > 0;
  let warned: ReadInbox['warnings'];
  let quiet = { rounds: 0, renotified: begun.incident.renotified };

  for (let round = 1; ; round += 1) {
    const due = plan(state);
    const { page: pageNumber, mitigate: judgement, runbook, verify, runs, lateChanges: late } = due;
    const { pageCauses: causes } = state;
    if (pageNumber !== null) startPage(pageNumber, causes);
    if (due.updatePage)
      pageUpdates.push(
        branching.childContext(`update-page-${round}`, (branch) => updatePage(branch, incidentId, deps)),
      );
    if (judgement !== null) mitigations.push(startMitigation(judgement));
    if (runbook !== null) follow(runbook);
    for (const named of runs) follow(named);
    if (late !== null) {
      const activity = activityOf();
      // Apart from the other branches: it may rest for minutes until a new version is measured.
      const checks = branching.childContext(`late-changes-${round}`, (branch) =>
        judgeLateChanges(branch, { incidentId, ...late }, deps, activity),
      );
      branches.push(untilRest(checks, activity));
      lateChecks.push(checks);
    }
    if (hasNewAlerts)
      branches.push(
        branching.childContext(`confirm-alerts-${round}`, (branch) => confirmAlerts(branch, { incidentId }, deps)),
      );
    if (verify !== null)
      branches.push(
        branching.childContext(`verify-again-${round}`, (branch) =>
          verifyNow(branch, { incidentId, ...verify, run: number, round }, deps),
        ),
      );
    state = afterStarting(state, due);

    // Keep a flapping incident open until it has been quiet, so that it does not page repeatedly.
    const dueResolve =
      due.tryResolve?.by === null && begun.flapping && quiet.rounds < FLAPPING_QUIET_ROUNDS ? null : due.tryResolve;
    const isQuiet = quiet.rounds >= quietRounds && !(isParent && state.firing > 0); // children may still be active
    const closeFor = dueResolve ?? (isQuiet ? { by: 'firebreak:quiet' } : null);
    if (closeFor !== null && (await close(run, incidentId, { state, warned }, closeFor.by, deps))) {
      isClosed = true;
      closing.resolve();
      const { pages } = state;
      await run.step('withdraw-questions', async () => {
        await leaveGroup(deps, incidentId);
        await deps.incidents.endEvents(incidentId);
        return withdrawQuestions(deps, incidentId);
      });
      // An update after the resolution would page again. Those that wait for another attempt end with it.
      await Promise.allSettled(pageUpdates);
      if (isParent) await run.step('settle-children', () => settleChildren(deps, incidentId));
      await run.childContext('resolve-pages', (branch) =>
        resolvePages(branch, { incidentId, pages, last: false }, deps),
      );
      await Promise.allSettled([...branches, ...pagesInProgress, ...mitigations]);
      // The pager may have accepted a page that was in progress when the incident closed.
      await run.childContext('resolve-late-pages', (branch) =>
        resolvePages(branch, { incidentId, pages, last: true }, deps),
      );
      await Promise.all([...pageUpdates, ...branches, ...pagesInProgress, ...mitigations, ...runbooks, ...lateChecks]);
      return { incident: incidentId, ended: 'resolved' };
    }

    const unreadableRuns = begun.incident.unreadable_runs ?? 0;
    if (unread !== null && (unread.seq === begun.incident.unreadable || unreadableRuns >= UNREADABLE_MAX_RUNS)) {
      const skipped = unread;
      await run.step('skip-message', () => skipMessage(deps, incidentId, skipped));
      state = { ...state, consumed: skipped.seq };
      unread = null;
    }
    if (unread !== null || isLong) {
      isHandingOver = true;
      const { resolveBy } = state;
      const left = { unread, resolveBy, unreadableRuns };
      return handOver(run, { incidentId, number, ...left }, [...branches, ...pageUpdates, ...resting()], deps);
    }

    await started; // before the inbox is read: a message that arrived earlier wakes nobody
    callback ??= await run.createCallback('inbox', { seconds: INBOX_INTERVAL_SECONDS });
    const waitingFor: Callback = callback;
    const { consumed, mitigated } = state;
    let read: ReadInbox = await run.step('read-inbox', async () => {
      const inbox = await readInbox(deps, incidentId, consumed, waitingFor.id, mitigated);
      // How far the branches are differs between replays, so it is recorded in the step's result.
      return isRunLong(run.operations(), activities, secondsBetween(begun.at, inbox.at))
        ? { ...inbox, isLong: true }
        : inbox;
    });
    isLong = read.isLong === true;
    let wokenBy: 'message' | 'callback' | 'timeout' = 'message';
    // The end of a child incident leaves no message, and may have completed an earlier callback: compare the counts.
    if (read.messages.length === 0 && read.unreadable === undefined && countHolding(read) === state.firing) {
      warned = read.warnings;
      if (!isLong) {
        wokenBy = await waitingFor.settled();
        callback = null;
        read = await run.step('read-inbox-again', () => readInbox(deps, incidentId, consumed, null, mitigated));
      }
    }

    const isActive = read.messages.length > 0 || read.renotified !== quiet.renotified;
    quiet = { rounds: isActive ? 0 : quiet.rounds + (wokenBy === 'timeout' ? 1 : 0), renotified: read.renotified };
    state = { ...state, firing: countHolding(read) };
    unread = read.unreadable ?? null;
    warned = read.warnings;
    for (const { seq, message } of read.messages) state = { ...apply(state, message), consumed: seq };

    hasNewAlerts = read.messages.some(({ message }) => message.kind === 'signals' && message.fired > 0);
    const alertsMayHaveEnded =
      state.firing > 0 &&
      (wokenBy === 'timeout' ||
        read.messages.some(({ message }) => message.kind === 'verification' && message.outcome === 'passed'));
    if (alertsMayHaveEnded)
      branches.push(
        branching.childContext(`gone-alerts-${round}`, (branch) => endGoneAlerts(branch, { incidentId }, deps)),
      );
  }
}

type ReadInbox = InboxContent & { isLong?: boolean };

/** Returns the number of firing alerts that keep the incident open. */
const countHolding = ({ firing, warnings }: ReadInbox): number => firing - (warnings?.count ?? 0);

/** Returns the state and time at which the run begins, and the number of quiet rounds after which the incident closes. */
async function beginRun(deps: Deps, id: IncidentId, number: number) {
  const [found, { paging, runbooks }] = await Promise.all([deps.incidents.begin(id), deps.config.current()]);
  if (found === undefined) return undefined;
  const quietRounds = Math.ceil((paging.autoResolveHours * 3600) / INBOX_INTERVAL_SECONDS);
  const { incident, flapping } = await joinGroup(deps, found.incident);
  const looks = number > 1 ? await openLooks(deps, id, found.incident.consumed_seq) : null;
  const pages = number > 1 ? await unfinishedPages(deps, incident) : [];
  return {
    ...found,
    incident: checkpointed(incident),
    at: deps.clock.now(),
    quietRounds,
    flapping: flapping || incident.reopened_at !== undefined,
    anyRunbooks: runbooks.runbooks.length > 0,
    ...(looks !== null && { looks }),
    ...(pages.length > 0 && { pages }),
  };
}

/** Returns the incident as it is checkpointed, without people's requests: steps read their current state from the table. */
function checkpointed(incident: IncidentRecord): IncidentRecord {
  const { last_requests: _asked, escalated: _escalated, opened_by: _openedBy, similar: _similar, ...rest } = incident;
  return rest;
}

/** Closes the incident unless a message has arrived meanwhile. A quiet incident closes as if a person had resolved it. */
async function close(
  run: Run,
  id: IncidentId,
  { state: { consumed, verification }, warned }: { state: ResponseState; warned: ReadInbox['warnings'] },
  by: string | null,
  deps: Deps,
): Promise<boolean> {
  const count = warned?.count ?? 0;
  const warningText = count === 0 ? '' : `. Slow-burn warnings are still firing: ${warned?.titles.join('; ')}`;
  const text =
    by === 'firebreak:quiet'
      ? 'Closed: no activity for the time set in autoResolveHours'
      : by !== null
        ? `Resolved by ${by}`
        : verification === 'passed'
          ? 'Resolved: all alerts have resolved, and the mitigation is verified'
          : 'Resolved: all alerts have resolved';
  return (
    (await run.step('close', () => deps.incidents.resolve(id, consumed, by, `${text}${warningText}`, count))) ===
    'resolved'
  );
}

function isRunLong(operations: number, activities: readonly Activity[], seconds: number): boolean {
  const isDue = operations >= OPERATIONS_PER_RUN || seconds >= RUN_SECONDS;
  return operations >= OPERATIONS_WHILE_ACTING || (isDue && activities.every((activity) => activity.isResting()));
}

async function handOver(
  run: Run,
  {
    incidentId: id,
    number,
    unread,
    resolveBy,
    unreadableRuns,
  }: {
    incidentId: IncidentId;
    number: number;
    unread: UnreadableMessage | null;
    resolveBy: string | null;
    unreadableRuns: number;
  },
  branches: readonly Promise<unknown>[],
  deps: Deps,
): Promise<IncidentOutcome> {
  await Promise.all(branches);
  const why = unread === null ? '' : `, because this version can't read a message of kind "${unread.kind}"`;
  const text = `Handed over to run ${number + 1} of the workflow${why}`;
  const remaining = {
    ...(unread && { unread: unread.seq, unreadableRuns: unreadableRuns + 1 }),
    ...(resolveBy !== null && { resolveBy }),
  };
  await run.step('hand-over', () => deps.incidents.handOver(id, number + 1, text, remaining));
  await run.step('wake-next', () => wake(deps, id));
  return { incident: id, ended: 'handed_over' };
}

/** Skips a message that the newest version can't read either, after this run was started with it to try. */
async function skipMessage({ incidents, log }: Deps, id: IncidentId, unread: UnreadableMessage): Promise<null> {
  log.error('Skipped a message of an unknown kind', { incident: id, ...unread });
  await incidents.skipUnread(id, unread);
  return null;
}

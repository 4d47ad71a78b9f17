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
import { secondsBetween, type Timestamp } from '../schemas/time/time.ts';
import { type Activity, activityOf } from './activity.ts';
import type { Callback, Run } from './run.ts';
import { followRunbook } from './runbook.ts';
import { endGoneAlerts, confirmAlerts } from './steps/gone-alerts.ts';
import { joinGroup, leaveGroup } from './steps/incident-group.ts';
import { readInbox } from './steps/read-inbox.ts';
import { judgeLateChanges, openLooks } from './steps/late-changes.ts';
import { mitigate, verifyNow } from './steps/mitigate.ts';
import { page, resolvePages } from './steps/page.ts';
import { settleChildren } from './steps/settle-children.ts';
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
 * A run may have 3,000 operations. Each round costs three, plus those of its branches. After this many rounds, this many
 * operations in completed runbook steps, or seven days, the next run continues from the table.
 */
const ROUNDS_PER_RUN = 350;
const RUNBOOK_OPERATIONS_PER_RUN = 800;
const RUN_SECONDS = 7 * 24 * 3600;

/** Checks of late changes in a run: most cost six operations each. */
const LATE_CHECKS_PER_RUN = 40;

/** From the run with this number on, unreadable messages are skipped at once, so that they can't start further runs. */
const UNREADABLE_MAX_RUNS = 10;

/**
 * Handles one incident from its first alert until it is resolved. Pages and rollbacks run in parallel branches; this
 * loop only reads the inbox, decides which actions are due, and closes the incident.
 */
export async function incidentResponse(
  unlabelled: Run,
  { incidentId, run: number }: IncidentRun,
  deps: Deps,
): Promise<IncidentOutcome> {
  const { execution } = unlabelled;
  const begun = await unlabelled.step('begin', () => beginRun(deps, incidentId, number, execution));
  if (begun === undefined) return { incident: incidentId, ended: 'unknown' };
  if (begun.incident.status === 'resolved') return { incident: incidentId, ended: 'resolved' };

  const run = unlabelled.withLogFields({ trace: begun.incident.trace, service: begun.incident.service });
  const { quietRounds } = begun;
  const isParent = begun.incident.group_reason !== undefined;
  let state = initialState(begun.incident, begun.unfinished, { begun: begun.runbooks, any: begun.anyRunbooks });
  const activities: Activity[] = [];
  const startMitigation = (named: { number: number; request: JudgementRequest }): Promise<unknown> => {
    const activity = activityOf();
    activities.push(activity);
    return run.childContext(`mitigate-${named.number}`, (branch) =>
      mitigate(branch, { incidentId, ...named }, deps, activity),
    );
  };
  const mitigations = begun.unfinished.map((unfinished) =>
    startMitigation({ number: unfinished, request: { by: 'alert', name: '' } }),
  );
  const branches: Promise<unknown>[] = [];
  const lateChecks: Promise<unknown>[] = [];
  // Apart from the other branches: a runbook may wait for days, and nothing else may wait for it.
  const runbooks: Promise<unknown>[] = [];
  let runbookOperations = 0;
  const followed = new Set<number>();
  const follow = (which: number): void => {
    // A runbook started by a person is both in the inbox and in the table when another workflow run takes over.
    if (followed.has(which)) return;
    followed.add(which);
    const stepEnded = (operations: number) => (runbookOperations += operations);
    runbooks.push(
      run.childContext(`runbook-${which}`, (branch) =>
        followRunbook(branch, { incidentId, number: which }, deps, stepEnded),
      ),
    );
  };
  for (const { number: unfinished, done, acted } of begun.runbooks)
    if (!done || (acted && begun.incident.verification === 'pending')) follow(unfinished);
  const { looks } = begun;
  const { judgedFor } = state;
  if (looks !== undefined && judgedFor !== null) {
    const continued = { incidentId, ...looks, judged: state.mitigations, request: judgedFor };
    lateChecks.push(run.childContext('late-changes-continued', (branch) => judgeLateChanges(branch, continued, deps)));
  }
  let callback: Callback | null = null;
  let unread: UnreadableMessage | null = null;
  let hasNewAlerts = state.firing > 0;
  let warned: ReadInbox['warnings'];
  let quiet = { rounds: 0, renotified: begun.incident.renotified };

  for (let round = 1; ; round += 1) {
    const due = plan(state);
    const { page: pageNumber, mitigate: judgement, runbook, verify, runs, lateChanges: late } = due;
    const { pageCauses: causes } = state;
    if (pageNumber !== null)
      branches.push(
        run.childContext(`page-${pageNumber}`, (branch) =>
          page(branch, { incidentId, number: pageNumber, causes }, deps),
        ),
      );
    if (judgement !== null) mitigations.push(startMitigation(judgement));
    if (runbook !== null) follow(runbook);
    for (const started of runs) follow(started);
    if (late !== null) {
      const activity = activityOf();
      // Apart from the other branches: it may rest for minutes until a new version is measured.
      const checks = run.childContext(`late-changes-${round}`, (branch) =>
        judgeLateChanges(branch, { incidentId, ...late }, deps, activity),
      );
      branches.push(Promise.race([checks, activity.untilResting()]));
      lateChecks.push(checks);
    }
    if (hasNewAlerts)
      branches.push(
        run.childContext(`confirm-alerts-${round}`, (branch) => confirmAlerts(branch, { incidentId }, deps)),
      );
    if (verify !== null)
      branches.push(
        run.childContext(`verify-again-${round}`, (branch) =>
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
      const { pages } = state;
      await run.step('withdraw-questions', async () => {
        await leaveGroup(deps, incidentId);
        await deps.incidents.endEvents(incidentId);
        return withdrawQuestions(deps, incidentId);
      });
      if (isParent) await run.step('settle-children', () => settleChildren(deps, incidentId));
      await run.childContext('resolve-pages', (branch) =>
        resolvePages(branch, { incidentId, pages, last: false }, deps),
      );
      await Promise.all([...branches, ...mitigations]);
      // The pager may have accepted a page that was in progress when the incident closed.
      await run.childContext('resolve-late-pages', (branch) =>
        resolvePages(branch, { incidentId, pages, last: true }, deps),
      );
      await Promise.all([...runbooks, ...lateChecks]);
      return { incident: incidentId, ended: 'resolved' };
    }

    if (unread !== null && (unread.seq === begun.incident.unreadable || number >= UNREADABLE_MAX_RUNS)) {
      const skipped = unread;
      await run.step('skip-message', () => skipMessage(deps, incidentId, skipped));
      state = { ...state, consumed: skipped.seq };
      unread = null;
    }
    if (unread !== null) {
      // The next run takes over mitigations that wait for a person or a verification; those that act finish first.
      const resting = mitigations.map((branch, n) => Promise.race([branch, activities[n]?.untilResting()]));
      return handOver(run, { incidentId, number, unread, ...state }, [...branches, ...resting], deps);
    }

    callback ??= await run.createCallback('inbox', { seconds: INBOX_INTERVAL_SECONDS });
    const waitingFor: Callback = callback;
    const { consumed, mitigated } = state;
    // The number of completed steps differs between replays, so it is recorded in the step's result.
    const isRunLong = runbookOperations > RUNBOOK_OPERATIONS_PER_RUN || lateChecks.length >= LATE_CHECKS_PER_RUN;
    let read: ReadInbox = await run.step('read-inbox', async () => {
      const inbox = await readInbox(deps, incidentId, consumed, waitingFor.id, mitigated);
      return isRunLong ? { ...inbox, isLong: isRunLong } : inbox;
    });
    let wokenBy: 'message' | 'callback' | 'timeout' = 'message';
    // The end of a child incident leaves no message, and may have completed an earlier callback: compare the counts.
    if (read.messages.length === 0 && read.unreadable === undefined && countHolding(read) === state.firing) {
      warned = read.warnings;
      if (
        (read.isLong || isLong(round, begun.at, read.at)) &&
        state.running.length === 0 &&
        state.verification !== 'pending'
      )
        return handOver(
          run,
          { incidentId, number, unread: null, resolveBy: null },
          [...branches, ...mitigations],
          deps,
        );
      wokenBy = await waitingFor.settled();
      callback = null;
      read = await run.step('read-inbox-again', () => readInbox(deps, incidentId, consumed, null, mitigated));
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
      branches.push(run.childContext(`gone-alerts-${round}`, (branch) => endGoneAlerts(branch, { incidentId }, deps)));
  }
}

type ReadInbox = InboxContent & { isLong?: boolean };

/** Returns the number of firing alerts that keep the incident open. */
const countHolding = ({ firing, warnings }: ReadInbox): number => firing - (warnings?.count ?? 0);

/** Returns the state and time at which the run begins, and the number of quiet rounds after which the incident closes. */
async function beginRun(deps: Deps, id: IncidentId, number: number, execution: string) {
  const found = await deps.incidents.begin(id, number, execution);
  if (found === undefined) return undefined;
  const { paging, runbooks } = await deps.config.current();
  const quietRounds = Math.ceil((paging.autoResolveHours * 3600) / INBOX_INTERVAL_SECONDS);
  const { incident, flapping } = await joinGroup(deps, found.incident);
  const looks = number > 1 ? await openLooks(deps, id, found.incident.consumed_seq) : null;
  return {
    ...found,
    incident: checkpointed(incident),
    at: deps.clock.now(),
    quietRounds,
    flapping,
    anyRunbooks: runbooks.runbooks.length > 0,
    ...(looks !== null && { looks }),
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

const isLong = (round: number, since: Timestamp, now: Timestamp): boolean =>
  round >= ROUNDS_PER_RUN || secondsBetween(since, now) >= RUN_SECONDS;

async function handOver(
  run: Run,
  {
    incidentId: id,
    number,
    unread,
    resolveBy,
  }: { incidentId: IncidentId; number: number; unread: UnreadableMessage | null; resolveBy: string | null },
  branches: readonly Promise<unknown>[],
  deps: Deps,
): Promise<IncidentOutcome> {
  await Promise.all(branches);
  const why = unread === null ? '' : `, because this version can't read a message of kind "${unread.kind}"`;
  const text = `Handed over to run ${number + 1} of the workflow${why}`;
  const remaining = { ...(unread && { unread: unread.seq }), ...(resolveBy !== null && { resolveBy }) };
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

import type { Deps, Listened } from '../domain/ports.ts';
import { apply, type Asked, begin, began, plan, type ResponseState } from '../domain/response.ts';
import type { Unread } from '../schemas/inbox.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';
import { secondsBetween, type Timestamp } from '../schemas/time.ts';
import { type Activity, activityOf } from './activity.ts';
import type { Bell, Run } from './run.ts';
import { followRunbook } from './runbook.ts';
import { endGoneAlerts, seeAlerts } from './steps/gone-alerts.ts';
import { joinCrowd, leaveCrowd } from './steps/crowd.ts';
import { hear } from './steps/hear.ts';
import { judgeLate } from './steps/late-changes.ts';
import { mitigate, verifyNow } from './steps/mitigate.ts';
import { page, resolvePages } from './steps/page.ts';
import { settleParts } from './steps/settle-parts.ts';
import { withdrawQuestions } from './steps/withdraw-questions.ts';
import { wake } from './wake.ts';

/** Input of a run. Ids only, and the same bytes for every try to start it. */
export type IncidentRun = { incidentId: IncidentId; run: number };

export type IncidentOutcome = { incident: IncidentId; ended: 'resolved' | 'handed_over' | 'unknown' };

/** Nobody has to ring: the inbox is looked into this often anyway. */
const LOOK_ANYWAY_SECONDS = 600;

/** Silent rounds after which a flapping incident is taken for calm. */
const CALM_ROUNDS = 1;

/**
 * A run may have 3,000 operations. Each round costs three and each branch its own; at these numbers of rounds, or of
 * operations in steps of runbooks that have ended, or after seven days, the next run goes on from the table.
 */
const ROUNDS_PER_RUN = 350;
const OPERATIONS_IN_RUNBOOKS = 800;
const RUN_SECONDS = 7 * 24 * 3600;

/** From this run on, messages that can't be read are skipped at once, so that they can't use up the runs. */
const RUNS_FOR_UNREAD = 10;

/**
 * One incident from its first alert until it is resolved. Pages and rolls back side by side, each in a branch of its
 * own; this loop only reads the inbox, decides what is due, and closes.
 */
export async function incidentResponse(
  unnamed: Run,
  { incidentId, run: number }: IncidentRun,
  deps: Deps,
): Promise<IncidentOutcome> {
  const { execution } = unnamed;
  const begun = await unnamed.step('begin', () => beginRun(deps, incidentId, number, execution));
  if (begun === undefined) return { incident: incidentId, ended: 'unknown' };
  if (begun.incident.status === 'resolved') return { incident: incidentId, ended: 'resolved' };

  const run = unnamed.about({ trace: begun.incident.trace, service: begun.incident.service });
  const { quietRounds } = begun;
  const isParent = begun.incident.crowd !== undefined;
  let state = begin(begun.incident, begun.unfinished, { begun: begun.runbooks, any: begun.anyRunbooks });
  const acting: Activity[] = [];
  const begunMitigation = (named: { number: number; asked: Asked }): Promise<unknown> => {
    const activity = activityOf();
    acting.push(activity);
    return run.branch(`mitigate-${named.number}`, (b) => mitigate(b, { incidentId, ...named }, deps, activity));
  };
  const mitigations = begun.unfinished.map((unfinished) =>
    begunMitigation({ number: unfinished, asked: { by: 'alert', who: '' } }),
  );
  const branches: Promise<unknown>[] = [];
  // What they wait for may take days: nothing else waits for them.
  const runbooks: Promise<unknown>[] = [];
  let inRunbooks = 0;
  const followed = new Set<number>();
  const follow = (which: number): void => {
    // A run that a person has started is found in the table, too, when another run of the workflow takes over.
    if (followed.has(which)) return;
    followed.add(which);
    const stepEnded = (operations: number) => (inRunbooks += operations);
    runbooks.push(
      run.branch(`runbook-${which}`, (b) => followRunbook(b, { incidentId, number: which }, deps, stepEnded)),
    );
  };
  for (const { number: unfinished, done, acted } of begun.runbooks)
    if (!done || (acted && begun.incident.verification === 'pending')) follow(unfinished);
  let bell: Bell | null = null;
  let unread: Unread | null = null;
  let unseen = state.firing > 0;
  let warned: Heard['warnings'];
  let quiet = { rounds: 0, renotified: begun.incident.renotified };

  for (let round = 1; ; round += 1) {
    const due = plan(state);
    const { page: pageNumber, mitigate: judgement, runbook, verify, runs, lateChanges: late } = due;
    const { pageCauses: causes } = state;
    if (pageNumber !== null)
      branches.push(run.branch(`page-${pageNumber}`, (b) => page(b, { incidentId, number: pageNumber, causes }, deps)));
    if (judgement !== null) mitigations.push(begunMitigation(judgement));
    if (runbook !== null) follow(runbook);
    for (const started of runs) follow(started);
    if (late !== null)
      branches.push(run.branch(`late-changes-${round}`, (b) => judgeLate(b, { incidentId, ...late }, deps)));
    if (unseen) branches.push(run.branch(`see-alerts-${round}`, (b) => seeAlerts(b, { incidentId }, deps)));
    if (verify !== null)
      branches.push(run.branch(`verify-again-${round}`, (b) => verifyNow(b, { incidentId, ...verify, round }, deps)));
    state = began(state, due);

    // What flaps stays open until it has been calm for a while, or it would page again and again.
    const calm = due.tryResolve?.by === null && begun.flapping && quiet.rounds < CALM_ROUNDS ? null : due.tryResolve;
    const isQuiet = quiet.rounds >= quietRounds && !(isParent && state.firing > 0); // its parts may be loud
    const closeFor = calm ?? (isQuiet ? { by: 'firebreak:quiet' } : null);
    if (closeFor !== null && (await close(run, incidentId, { state, warned }, closeFor.by, deps))) {
      const { pages } = state;
      await run.step('withdraw-questions', async () => {
        await leaveCrowd(deps, incidentId);
        await deps.incidents.endEvents(incidentId);
        return withdrawQuestions(deps, incidentId);
      });
      if (isParent) await run.step('settle-parts', () => settleParts(deps, incidentId));
      await run.branch('resolve-pages', (b) => resolvePages(b, { incidentId, pages, last: false }, deps));
      await Promise.all([...branches, ...mitigations]);
      // A page that was under way when the incident closed may have been taken since.
      await run.branch('resolve-late-pages', (b) => resolvePages(b, { incidentId, pages, last: true }, deps));
      await Promise.all(runbooks);
      return { incident: incidentId, ended: 'resolved' };
    }

    if (unread !== null && (unread.seq === begun.incident.unread || number >= RUNS_FOR_UNREAD)) {
      const skipped = unread;
      await run.step('skip-message', () => skipMessage(deps, incidentId, skipped));
      state = { ...state, drained: skipped.seq };
      unread = null;
    }
    if (unread !== null) {
      // What waits for people or for a verification, the next run waits for; what acts comes to its end first.
      const resting = mitigations.map((branch, n) => Promise.race([branch, acting[n]?.resting()]));
      return handOver(run, { incidentId, number, unread, ...state }, [...branches, ...resting], deps);
    }

    bell ??= await run.bell('inbox', { seconds: LOOK_ANYWAY_SECONDS });
    const hung: Bell = bell;
    const { drained, mitigated } = state;
    // Which steps have ended by now is different at each replay, so it is written down with what is heard.
    const long = inRunbooks > OPERATIONS_IN_RUNBOOKS;
    let heard: Heard = await run.step('listen', async () => {
      const mail = await hear(deps, incidentId, drained, hung.id, mitigated);
      return long ? { ...mail, long } : mail;
    });
    let rang: 'mail' | 'rung' | 'timeout' = 'mail';
    // That a part of it has ended is no mail: it may have rung the bell before this one.
    if (heard.mail.length === 0 && heard.unread === undefined && holding(heard) === state.firing) {
      warned = heard.warnings;
      if (
        (heard.long || isLong(round, begun.at, heard.at)) &&
        state.running.length === 0 &&
        state.verification !== 'pending'
      )
        return handOver(
          run,
          { incidentId, number, unread: null, resolveBy: null },
          [...branches, ...mitigations],
          deps,
        );
      rang = await hung.rung();
      bell = null;
      heard = await run.step('look', () => hear(deps, incidentId, drained, null, mitigated));
    }

    const lively = heard.mail.length > 0 || heard.renotified !== quiet.renotified;
    quiet = { rounds: lively ? 0 : quiet.rounds + (rang === 'timeout' ? 1 : 0), renotified: heard.renotified };
    state = { ...state, firing: holding(heard) };
    unread = heard.unread ?? null;
    warned = heard.warnings;
    for (const { seq, message } of heard.mail) state = { ...apply(state, message), drained: seq };

    unseen = heard.mail.some(({ message }) => message.kind === 'signals' && message.fired > 0);
    const unsaid =
      state.firing > 0 &&
      (rang === 'timeout' ||
        heard.mail.some(({ message }) => message.kind === 'verification' && message.outcome === 'passed'));
    if (unsaid) branches.push(run.branch(`gone-alerts-${round}`, (b) => endGoneAlerts(b, { incidentId }, deps)));
  }
}

type Heard = Listened & { long?: boolean };

/** How many alerts that fire hold the incident open. */
const holding = ({ firing, warnings }: Heard): number => firing - (warnings?.count ?? 0);

/** Where the run begins, when, and after how many silent rounds the incident is taken for over. */
async function beginRun(deps: Deps, id: IncidentId, number: number, execution: string) {
  const found = await deps.incidents.begin(id, number, execution);
  if (found === undefined) return undefined;
  const { paging, runbooks } = await deps.config.current();
  const quietRounds = Math.ceil((paging.quietHours * 3600) / LOOK_ANYWAY_SECONDS);
  const { incident, flapping } = await joinCrowd(deps, found.incident);
  return {
    ...found,
    incident: kept(incident),
    at: deps.clock.now(),
    quietRounds,
    flapping,
    anyRunbooks: runbooks.runbooks.length > 0,
  };
}

/** The incident as it is checkpointed. What people asked for is read from the table where it matters, as it is then. */
function kept(incident: IncidentRecord): IncidentRecord {
  const { asked: _asked, escalated: _escalated, opened_by: _openedBy, ...rest } = incident;
  return rest;
}

/** Closes the incident unless something has arrived meanwhile. A quiet one closes as if a person had said so. */
async function close(
  run: Run,
  id: IncidentId,
  { state: { drained, verification }, warned }: { state: ResponseState; warned: Heard['warnings'] },
  by: string | null,
  deps: Deps,
): Promise<boolean> {
  const count = warned?.count ?? 0;
  const goesOn = count === 0 ? '' : `. Warnings of a slow burn go on: ${warned?.titles.join('; ')}`;
  const text =
    by === 'firebreak:quiet'
      ? 'Closed: nothing was heard of it for the quiet hours'
      : by !== null
        ? `Resolved by ${by}`
        : verification === 'passed'
          ? 'Resolved: the alerts have ended and the mitigation is verified'
          : 'Resolved: the alerts have ended';
  return (
    (await run.step('close', () => deps.incidents.resolve(id, drained, by, `${text}${goesOn}`, count))) === 'resolved'
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
  }: { incidentId: IncidentId; number: number; unread: Unread | null; resolveBy: string | null },
  branches: readonly Promise<unknown>[],
  deps: Deps,
): Promise<IncidentOutcome> {
  await Promise.all(branches);
  const why = unread === null ? '' : `, because this version can't read a message of kind "${unread.kind}"`;
  const text = `Handed over to run ${number + 1} of the workflow${why}`;
  const left = { ...(unread && { unread: unread.seq }), ...(resolveBy !== null && { resolveBy }) };
  await run.step('hand-over', () => deps.incidents.handOver(id, number + 1, text, left));
  await run.step('wake-next', () => wake(deps, id));
  return { incident: id, ended: 'handed_over' };
}

/** The run was started for this message with the newest version, which can't read it either. */
async function skipMessage({ incidents, log }: Deps, id: IncidentId, unread: Unread): Promise<null> {
  log.error('a message of an unknown kind was skipped', { incident: id, ...unread });
  await incidents.skipUnread(id, unread);
  return null;
}

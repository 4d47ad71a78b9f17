import type { Deps, Place, RollbackEnd } from '../../domain/ports.ts';
import type { Asked } from '../../domain/response.ts';
import type { MitigationOutcome, PageNeed } from '../../schemas/inbox.ts';
import type { DecisionState, DecisionView } from '../../schemas/incident.ts';
import { type IncidentId, Version } from '../../schemas/names.ts';
import { secondsBetween } from '../../schemas/time.ts';
import { inForce } from '../../domain/cleared.ts';
import { weighed } from '../../domain/rollback.ts';
import { liveChange } from '../../domain/versions.ts';
import { type Activity, activityOf } from '../activity.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { entryOf, judge, type Judged } from './judge.ts';
import {
  asksByModeAlone,
  type Attempted,
  deployerAt,
  lookAtHold,
  lookAtRollback,
  rollbackKey,
  reasonFor,
  rollBackOnce,
  type RollbackOrder,
  tellWaiting,
} from './roll-back.ts';
import { concludeVerification, verifyOnce, verifyRunbook } from './verify.ts';
import { withdrawAbout } from './withdraw-about.ts';

type MitigateInput = { incidentId: IncidentId; number: number; asked: Asked };

/** Judged at its end, so that the errors of the first minutes after a rollback do not fail it. */
export const VERIFICATION_SECONDS = 15 * 60;

/** When it is looked whether a rollback still holds; together the verification window. */
const HOLD_PAUSES_SECONDS = [60, 120, 240, 480] as const;

/** Pauses between tries at a CD system that is busy or away, the last one again and again; an hour until it is given up. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60, 90, 120] as const;
const TRIES = 37;

/** How often an accepted rollback is looked at: for an hour, at first every few seconds, later less often. */
const POLLS = 220;
const pollPause = (poll: number): number => (poll < 60 ? 5 : poll < 160 ? 15 : 30);

/** One judgement and what follows from it: act, ask, or say why not; then see whether it helped. */
export async function mitigate(
  run: Run,
  { incidentId, number, asked }: MitigateInput,
  deps: Deps,
  activity: Activity = activityOf(),
): Promise<MitigationOutcome> {
  const judged = await run.step('judge', () => gist(deps, incidentId, number, asked));
  const end = await carryOut(run, { incidentId, number, asked, activity }, judged, deps);
  await run.step('conclude', () => conclude(deps, incidentId, number, judged, end));
  activity.rests();
  if (end.outcome === 'succeeded') await watch(run, { incidentId, number }, judged, deps);
  return end.outcome;
}

/** Verification at the end of the window; before it, whether what was done has been undone by something else. */
async function watch(
  run: Run,
  { incidentId, number }: Pick<MitigateInput, 'incidentId' | 'number'>,
  judged: Gist,
  deps: Deps,
): Promise<void> {
  const key = `verification-${number}`;
  const order = orderOf(incidentId, number, judged);
  if (!judged.holds || order === null) {
    await run.wait('verification-window', { seconds: VERIFICATION_SECONDS });
  } else {
    for (const seconds of HOLD_PAUSES_SECONDS) {
      await run.wait('verification-window', { seconds });
      const held = await run.step('does-it-hold', () => lookAtHold(deps, order));
      if (held.kind !== 'drifted') continue;
      const text = `Not healthy: the rollback did not hold: ${held.detail}`;
      await run.step('drifted', () => concludeVerification(deps, incidentId, number, { outcome: 'failed', text }, key));
      return;
    }
  }
  await run.step('verify', () => verifyOnce(deps, incidentId, number, key));
}

/** A verification that could not pass at its time, looked at again. */
export async function verifyNow(
  run: Run,
  {
    incidentId,
    number,
    runbook,
    round,
  }: { incidentId: IncidentId; number: number; runbook: number | null; round: number },
  deps: Deps,
): Promise<void> {
  await run.step('verify', () =>
    runbook === null
      ? verifyOnce(deps, incidentId, number, `verification-${number}-${round}`)
      : verifyRunbook(deps, incidentId, runbook, `-${round}`),
  );
}

/** What a checkpoint keeps of a decision. */
type Gist = Pick<DecisionView, 'kind' | 'because' | 'from_version' | 'to_version'> & {
  reason: string;
  service: RollbackOrder['service'];
  environment: RollbackOrder['environment'];
  suspect: string | null;
  fromCommit: string | null;
  toCommit: string | null;
  asked: Asked['by'];
  approvalSeconds: number;
  /** What becomes of a question that nobody answers. */
  onTimeout: 'withdraw' | 'page' | 'act';
  /** The target can say whether what was done still holds. */
  holds: boolean;
  settleSeconds: number;
};

async function gist(deps: Deps, id: IncidentId, number: number, asked: Asked): Promise<Gist> {
  const judged = await judge(deps, id, number, asked);
  const { decision, inputs, incident } = judged;
  if (inputs.asked.by !== 'person') await withdrawIfCleared(deps, id, decision);
  const { services } = await deps.config.current();
  const place = decision.target ?? { service: incident.service, environment: incident.environment };
  const {
    approvalTimeoutMinutes = 60,
    onApprovalTimeout = 'withdraw',
    settleSeconds: seconds = 0,
  } = entryOf(services, place)?.autoRollback ?? {};
  const target = inputs.targets.find((each) => each.service === place.service);
  const recorded = (version: string | null) => target?.changes.findLast((change) => change.version === version);
  const deployer = await deployerAt(deps, place);
  return {
    kind: decision.kind,
    because: decision.because,
    from_version: decision.from_version,
    to_version: decision.to_version,
    reason: reasonFor(decision, incident.title),
    ...place,
    suspect: recorded(decision.from_version)?.id ?? null,
    fromCommit: recorded(decision.from_version)?.commit ?? null,
    toCommit: recorded(decision.to_version)?.commit ?? null,
    asked: inputs.asked.by,
    approvalSeconds: inputs.asked.approval?.seconds ?? approvalTimeoutMinutes * 60,
    onTimeout: onApprovalTimeout === 'act' && !asksByModeAlone(decision) ? 'page' : onApprovalTimeout,
    holds: deployer?.held !== undefined,
    settleSeconds: settleSeconds(judged, seconds),
  };
}

/**
 * A person may have cleared the suspect while it was judged, and found no question yet that could be withdrawn. Either
 * they see the question, or they are seen here, since both write before they read.
 */
async function withdrawIfCleared(deps: Deps, id: IncidentId, decision: DecisionView): Promise<void> {
  if (decision.state !== 'waiting') return;
  const cleared = inForce((await deps.incidents.read(id))?.cleared);
  for (const one of cleared) await withdrawAbout(deps, { id, decisions: [decision] }, one);
}

/**
 * How long an act without a person still waits after its alert, for those of others that fail, too. Where monitoring
 * tells the bad version from others, they would say nothing against it.
 */
function settleSeconds({ decision, inputs, heardAt }: Judged, seconds: number): number {
  const { suspects } = weighed(inputs);
  const proven = suspects.some(({ version, proven: told }) => told && version === decision.from_version);
  if (decision.kind !== 'roll_back' || inputs.asked.by === 'person' || proven) return 0;
  const passed = heardAt === null ? 0 : Math.max(0, secondsBetween(heardAt, inputs.evidence.at));
  return Math.max(0, Math.round(seconds - passed));
}

/** `runs`: what the CD system says to run instead. */
type End = { outcome: MitigationOutcome; page: PageNeed; text: string; runs?: string; again?: true };

async function carryOut(
  run: Run,
  { incidentId, number, asked, activity }: MitigateInput & { activity: Activity },
  judged: Gist,
  deps: Deps,
): Promise<End> {
  const { kind } = judged;
  const order = orderOf(incidentId, number, judged);
  if (order === null || (kind !== 'roll_back' && kind !== 'approve')) return notTaken(judged, asked);
  if (kind === 'approve') {
    const answer = await askPerson(run, { incidentId, number, activity, ...judged }, deps);
    if (answer !== 'approved') return unanswered(answer, judged.onTimeout);
  }
  if (judged.settleSeconds > 0) await run.wait('settle', { seconds: judged.settleSeconds });
  return rollBack(run, order, deps);
}

function unanswered(answer: DecisionState, onTimeout: Gist['onTimeout']): End {
  if (answer === 'rejected') return { outcome: 'rejected', page: 'no', text: 'The rollback was rejected' };
  const text = 'Nobody has answered, and the question was withdrawn; the rollback was not done';
  return { outcome: 'expired', page: onTimeout === 'withdraw' ? 'no' : 'again', text };
}

/** Null: there is nothing that could be rolled back. */
function orderOf(incidentId: IncidentId, number: number, judged: Gist): RollbackOrder | null {
  const { from_version: from, to_version: to, service, environment, fromCommit, toCommit, asked, reason } = judged;
  if (from === null || to === null) return null;
  const approved = judged.kind === 'approve';
  const key = rollbackKey(incidentId, number);
  return { incidentId, number, key, service, environment, from, to, fromCommit, toCommit, asked, approved, reason };
}

/** Nothing is done. A person has to know where an alert asked for it and something other than the mode stood against it. */
function notTaken({ kind, because }: Gist, asked: Asked): End {
  const byPolicy =
    kind === 'shadow' || because.startsWith('mode_') || because === 'not_asked' || because === 'sender_may_not_ask';
  // That a mitigation has not helped has been paged already.
  return asked.by === 'nobody' || asked.by === 'verification' || byPolicy
    ? { outcome: 'not_taken', page: 'no', text: `No rollback: ${because}` }
    : { outcome: 'not_taken', page: 'if_nobody', text: `No rollback, a person has to look: ${because}` };
}

/** Waits for people's answer. The question is in the table; this only makes sure to hear of the answer. */
async function askPerson(
  run: Run,
  {
    incidentId,
    number,
    activity,
    approvalSeconds,
    onTimeout,
  }: Gist & Pick<MitigateInput, 'incidentId' | 'number'> & { activity: Activity },
  deps: Deps,
): Promise<DecisionState> {
  await run.step('page-for-approval', async () => {
    const message = { kind: 'page', by: 'firebreak', note: 'a rollback waits for approval' } as const;
    await deps.incidents.post(incidentId, message, {}, `approval-${number}`);
    await wake(deps, incidentId);
    return null;
  });
  const bell = await run.bell('approval', { seconds: approvalSeconds });
  const standing = await run.step('ask', () => deps.decisions.await(incidentId, number, bell.id));
  if (standing !== 'waiting') return standing;
  activity.rests();
  await bell.rung();
  activity.acts();
  return run.step('answer', () =>
    deps.decisions.expire(incidentId, number, onTimeout === 'act' ? 'approved' : 'expired'),
  );
}

async function rollBack(run: Run, order: RollbackOrder, deps: Deps): Promise<End> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer: Attempted = await run.step('roll-back', async () =>
      tellWaiting(deps, order, await rollBackOnce(deps, order)),
    );
    if (answer.kind === 'in_progress') return follow(run, order, answer.handle, deps);
    if (answer.kind !== 'later' && answer.kind !== 'busy') return ended(answer, order.to);
    const pause = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 120;
    await run.wait('roll-back-again', {
      seconds: Math.max(pause, (answer.kind === 'later' && answer.afterSeconds) || 0),
    });
  }
  return {
    outcome: 'gave_up',
    page: 'again',
    text: 'The CD system gave no usable answer for an hour; whether it rolled back is not known',
  };
}

/** It was accepted; that is not yet done. Without a place to look, the same key again is the look. */
async function follow(run: Run, order: RollbackOrder, handle: string | null, deps: Deps): Promise<End> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    await run.wait('rolling-back', { seconds: pollPause(poll) });
    const answer: Attempted = await run.step('look-at-roll-back', async () =>
      tellWaiting(
        deps,
        order,
        await (handle === null ? rollBackOnce(deps, order) : lookAtRollback(deps, order, handle)),
      ),
    );
    if (answer.kind !== 'in_progress' && answer.kind !== 'later' && answer.kind !== 'busy')
      return ended(answer, order.to);
  }
  return {
    outcome: 'gave_up',
    page: 'again',
    text: 'The CD system accepted the rollback, but did not finish it within an hour',
  };
}

/** What has become known after it was judged. Judged again, with a number of its own, a question pages by itself. */
const JUDGED_AGAIN: ReadonlySet<string> = new Set([
  'organisation_limit',
  'sender_limit',
  'automation_budget_spent',
  'judged_otherwise',
]);

/** What is measured may go to and fro: from so many judgements on a person is paged instead. */
const JUDGEMENTS_MAX = 6;

/** Nobody is woken for what is over, being done already, or what a person has said who is there. */
const PAGES_NOBODY: ReadonlySet<string> = new Set(['incident_closed', 'already_running', 'suspect_cleared']);

function ended(answer: Exclude<Attempted, { kind: 'later' | 'busy' | 'in_progress' }>, to: Version): End {
  switch (answer.kind) {
    case 'succeeded':
      return { outcome: 'succeeded', page: 'no', text: `Rolled back to ${to}` };
    case 'superseded':
      return {
        outcome: 'superseded',
        page: 'again',
        runs: answer.current,
        text: `Not rolled back: ${answer.current} runs now, someone has deployed meanwhile`,
      };
    case 'withheld':
      return {
        outcome: answer.reason.code === 'superseded' ? 'superseded' : 'withheld',
        page: PAGES_NOBODY.has(answer.reason.code) || JUDGED_AGAIN.has(answer.reason.code) ? 'no' : 'again',
        text: `Not rolled back: ${answer.reason.text}`,
        ...(JUDGED_AGAIN.has(answer.reason.code) && { again: true }),
      };
    case 'failed':
      return { outcome: 'failed', page: 'again', text: `The rollback failed: ${answer.detail}` };
    case 'refused':
      return { outcome: 'refused', page: 'again', text: `The rollback was refused: ${answer.detail}` };
  }
}

async function conclude(
  deps: Deps,
  id: IncidentId,
  number: number,
  judged: Gist,
  { outcome, page, text, runs: newVersion, again }: End,
): Promise<null> {
  const { from_version: from, to_version: to, suspect, service, environment } = judged;
  if (newVersion !== undefined) await recordWhatRuns(deps, { service, environment }, newVersion);
  const moved =
    outcome === 'succeeded' && from !== null && to !== null && suspect !== null
      ? { from, to, suspect: suspect as NonNullable<RollbackEnd['moved']>['suspect'] }
      : null;
  const rejudged = again === true && judged.asked === 'alert' && number < JUDGEMENTS_MAX;
  const closed = outcome === 'expired' && (await deps.incidents.read(id))?.status === 'resolved';
  await deps.effects.concludeRollback(id, {
    key: rollbackKey(id, number),
    number,
    place: { service, environment },
    outcome,
    page: again && !rejudged ? 'again' : page,
    ...(rejudged && { again: true }),
    text: closed ? 'The question was withdrawn: the incident has been closed meanwhile' : text,
    moved,
  });
  await wake(deps, id);
  return null;
}

/** Our own record is put right: what runs is what the next judgement begins with. */
async function recordWhatRuns(deps: Deps, place: Place, current: string): Promise<void> {
  const version = Version.safeParse(current);
  if (!version.success) return;
  const live = liveChange(await deps.changes.recent(place, 50));
  if (live?.version === version.data) return;
  const author = 'told by the CD system: nobody had recorded it';
  await deps.changes.record({ ...place, version: version.data, kind: 'deploy', status: 'succeeded', author });
}

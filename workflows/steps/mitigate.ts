import type { Deps, RollbackEnd } from '../../domain/ports.ts';
import type { Asked } from '../../domain/response.ts';
import type { MitigationOutcome, PageNeed } from '../../schemas/inbox.ts';
import type { DecisionState, DecisionView } from '../../schemas/incident.ts';
import type { IncidentId, Version } from '../../schemas/names.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { entryOf, judge } from './judge.ts';
import { type Attempted, lookAtRollback, reasonFor, rollBackOnce, type RollbackOrder } from './roll-back.ts';
import { verifyOnce } from './verify.ts';

type MitigateInput = { incidentId: IncidentId; number: number; asked: Asked };

/** Judged at its end, so that the errors of the first minutes after a rollback do not fail it. */
export const VERIFICATION_SECONDS = 15 * 60;

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
): Promise<MitigationOutcome> {
  const judged = await run.step('judge', () => gist(deps, incidentId, number, asked));
  const end = await carryOut(run, { incidentId, number, asked }, judged, deps);
  await run.step('conclude', () => conclude(deps, incidentId, number, judged, end));
  if (end.outcome === 'succeeded') {
    await run.wait('verification-window', { seconds: VERIFICATION_SECONDS });
    await run.step('verify', () => verifyOnce(deps, incidentId, number, `verification-${number}`));
  }
  return end.outcome;
}

/** A verification that could not pass at its time, looked at again. */
export async function verifyNow(
  run: Run,
  { incidentId, number, round }: { incidentId: IncidentId; number: number; round: number },
  deps: Deps,
): Promise<void> {
  await run.step('verify', () => verifyOnce(deps, incidentId, number, `verification-${number}-${round}`));
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
};

async function gist(deps: Deps, id: IncidentId, number: number, asked: Asked): Promise<Gist> {
  const { decision, inputs, incident } = await judge(deps, id, number, asked);
  const { services } = await deps.config.current();
  const minutes = entryOf(services, incident)?.autoRollback.approvalTimeoutMinutes ?? 60;
  const recorded = (version: string | null) => inputs.changes.findLast((change) => change.version === version);
  return {
    kind: decision.kind,
    because: decision.because,
    from_version: decision.from_version,
    to_version: decision.to_version,
    reason: reasonFor(decision, incident.title),
    service: incident.service,
    environment: incident.environment,
    suspect: recorded(decision.from_version)?.id ?? null,
    fromCommit: recorded(decision.from_version)?.commit ?? null,
    toCommit: recorded(decision.to_version)?.commit ?? null,
    asked: inputs.asked.by,
    approvalSeconds: minutes * 60,
  };
}

type End = { outcome: MitigationOutcome; page: PageNeed; text: string };

async function carryOut(
  run: Run,
  { incidentId, number, asked }: MitigateInput,
  judged: Gist,
  deps: Deps,
): Promise<End> {
  const { kind, from_version: from, to_version: to } = judged;
  if (from === null || to === null || (kind !== 'roll_back' && kind !== 'approve')) return notTaken(judged, asked);
  if (kind === 'approve') {
    const answer = await askPerson(run, incidentId, number, judged.approvalSeconds, deps);
    if (answer !== 'approved')
      return {
        outcome: answer === 'rejected' ? 'rejected' : 'expired',
        page: 'no',
        text:
          answer === 'rejected'
            ? 'The rollback was rejected'
            : 'Nobody has answered, and the question was withdrawn; the rollback was not done',
      };
  }
  const { service, environment, reason } = judged;
  return rollBack(
    run,
    {
      incidentId,
      key: keyOf(incidentId, number),
      service,
      environment,
      from,
      to,
      fromCommit: judged.fromCommit,
      toCommit: judged.toCommit,
      asked: judged.asked,
      approved: kind === 'approve',
      reason,
    },
    deps,
  );
}

export const keyOf = (id: IncidentId, number: number): string => `${id}.roll-back.${number}`;

/** Nothing is done. A person has to know where an alert asked for it and something other than the mode stood against it. */
function notTaken({ kind, because }: Gist, asked: Asked): End {
  const byPolicy = kind === 'shadow' || because.startsWith('mode_') || because === 'not_asked';
  return asked.by === 'nobody' || byPolicy
    ? { outcome: 'not_taken', page: 'no', text: `No rollback: ${because}` }
    : { outcome: 'not_taken', page: 'if_nobody', text: `No rollback, a person has to look: ${because}` };
}

/** Waits for a person's answer. The question is in the table; this only makes sure to hear of the answer. */
async function askPerson(
  run: Run,
  id: IncidentId,
  number: number,
  seconds: number,
  deps: Deps,
): Promise<DecisionState> {
  await run.step('page-for-approval', async () => {
    await deps.incidents.post(
      id,
      { kind: 'page', by: 'firebreak', note: 'a rollback waits for approval' },
      {},
      `approval-${number}`,
    );
    await wake(deps, id);
    return null;
  });
  const bell = await run.bell('approval', { seconds });
  const standing = await run.step('ask', () => deps.decisions.await(id, number, bell.id));
  if (standing !== 'waiting') return standing;
  await bell.rung();
  return run.step('answer', () => deps.decisions.expire(id, number));
}

async function rollBack(run: Run, order: RollbackOrder, deps: Deps): Promise<End> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer: Attempted = await run.step('roll-back', () => rollBackOnce(deps, order));
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
    const answer: Attempted = await run.step('look-at-roll-back', () =>
      handle === null ? rollBackOnce(deps, order) : lookAtRollback(deps, order, handle),
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

/** Nobody is woken for what is over, or being done already. */
const PAGES_NOBODY: ReadonlySet<string> = new Set(['incident_closed', 'already_running']);

function ended(answer: Exclude<Attempted, { kind: 'later' | 'busy' | 'in_progress' }>, to: Version): End {
  switch (answer.kind) {
    case 'succeeded':
      return { outcome: 'succeeded', page: 'no', text: `Rolled back to ${to}` };
    case 'superseded':
      return {
        outcome: 'superseded',
        page: 'again',
        text: `Not rolled back: ${answer.current} runs now, someone has deployed meanwhile`,
      };
    case 'withheld':
      return {
        outcome: answer.reason.code === 'superseded' ? 'superseded' : 'withheld',
        page: PAGES_NOBODY.has(answer.reason.code) ? 'no' : 'again',
        text: `Not rolled back: ${answer.reason.text}`,
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
  { outcome, page, text }: End,
): Promise<null> {
  const { from_version: from, to_version: to, suspect, service, environment } = judged;
  const moved =
    outcome === 'succeeded' && from !== null && to !== null && suspect !== null
      ? { from, to, suspect: suspect as NonNullable<RollbackEnd['moved']>['suspect'] }
      : null;
  const closed = outcome === 'expired' && (await deps.incidents.read(id))?.status === 'resolved';
  await deps.effects.concludeRollback(id, {
    key: keyOf(id, number),
    number,
    place: { service, environment },
    outcome,
    page,
    text: closed ? 'The question was withdrawn: the incident has been closed meanwhile' : text,
    moved,
  });
  await wake(deps, id);
  return null;
}

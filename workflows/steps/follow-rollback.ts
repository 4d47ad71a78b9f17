import type { Deps } from '../../domain/ports/deps.ts';
import { afterStop } from '../../domain/rollback/guards.ts';
import type { Version } from '../../schemas/config/names.ts';
import type { MitigationOutcome, PageNeed } from '../../schemas/incidents/inbox.ts';
import type { Run } from '../run.ts';
import { type Attempted, lookAtRollback, noteWaiting, rollBackOnce, type RollbackOrder } from './roll-back.ts';

/** Pauses between attempts at a busy or unavailable CD system; the last one repeats. Gives up after an hour. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60, 90, 120] as const;
const TRIES = 37;

/** Number of status checks of an accepted rollback: for an hour, at first every few seconds, later less often. */
const POLLS = 220;
const pollPause = (poll: number): number => (poll < 60 ? 5 : poll < 160 ? 15 : 30);

/** `runs`: the version that runs instead, according to the CD system. */
export type MitigationEnd = { outcome: MitigationOutcome; page: PageNeed; text: string; runs?: string; again?: true };

/** Repeats the rollback until the CD system answers, and follows it to its end. */
export async function followRollback(run: Run, order: RollbackOrder, deps: Deps): Promise<MitigationEnd> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const answer: Attempted = await run.step('roll-back', async () =>
      noteWaiting(deps, order, await rollBackOnce(deps, order)),
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
    text: 'The CD system gave no usable response for an hour, so the outcome of the rollback is unknown',
  };
}

/** Follows an accepted rollback until it ends. Without a status URL, repeating the call with the same key is the check. */
async function follow(run: Run, order: RollbackOrder, handle: string | null, deps: Deps): Promise<MitigationEnd> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    await run.wait('rolling-back', { seconds: pollPause(poll) });
    const answer: Attempted = await run.step('check-roll-back', async () =>
      noteWaiting(
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
    text: 'The CD system accepted the rollback but did not finish it within an hour',
  };
}

function ended(answer: Exclude<Attempted, { kind: 'later' | 'busy' | 'in_progress' }>, to: Version): MitigationEnd {
  switch (answer.kind) {
    case 'succeeded':
      return { outcome: 'succeeded', page: 'no', text: `Rolled back to ${to}` };
    case 'superseded':
      return {
        outcome: 'superseded',
        page: 'again',
        runs: answer.current,
        text: `Not rolled back: ${answer.current} is running now, because of a newer deployment`,
      };
    case 'withheld': {
      const { code, text } = answer.reason;
      const then = afterStop(code);
      return {
        outcome: code === 'superseded' ? 'superseded' : 'withheld',
        page: then === 'page' ? 'again' : 'no',
        text: `Not rolled back: ${text}`,
        ...(then === 'judge_again' && { again: true }),
      };
    }
    case 'failed':
      return { outcome: 'failed', page: 'again', text: `The rollback failed: ${answer.detail}` };
    case 'refused':
      return { outcome: 'refused', page: 'again', text: `The rollback was refused: ${answer.detail}` };
  }
}

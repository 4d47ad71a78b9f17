import type { Deps } from '../domain/ports/deps.ts';
import type { StepEnd, StepEnds } from '../schemas/runbooks/parts/runs.ts';
import type { Run } from './run.ts';
import { requestApproval, settleQuestion, type QuestionState } from './steps/runbook/request-approval.ts';
import type { AttemptInput, AttemptResult } from './steps/runbook/attempt.ts';
import { checkCondition } from './steps/runbook/check-condition.ts';
import type { Outline, RunbookInput } from './steps/runbook/outline.ts';
import { INCIDENT_CLOSED, isIncidentClosed } from './steps/runbook/incident-closed.ts';
import { performStep } from './steps/runbook/perform.ts';
import { prepareStep } from './steps/runbook/prepare.ts';
import type { Preparation, StepQuestion } from './steps/runbook/preparation.ts';
import { requestRollback, checkRequestedRollback } from './steps/runbook/rollback.ts';

/** Pauses between attempts at an unavailable or busy target, and between status checks. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60] as const;
const LOOK_SECONDS = 15;

/** Maximum number of pieces of a wait. After each piece, the step checks whether the incident is resolved. */
const WAIT_PIECES = 50;
const PIECE_SECONDS = 15 * 60;

export type StepInput = RunbookInput & {
  step: Outline;
  before: StepEnds;
  /** Maximum number of attempts, checks, and waits, however long the step takes: each costs operations of the engine. */
  rounds: number;
};

/** Runs one step of a runbook, from its conditions to its end. */
export async function runStep(run: Run, input: StepInput, deps: Deps): Promise<StepEnd> {
  const { step, before } = input;
  let ready = await run.step('prepare', () => prepareStep(deps, input, step, before));
  for (const [index, seconds] of PAUSES_SECONDS.entries()) {
    if (ready.kind !== 'again') break;
    await run.wait('again', { seconds });
    const last = index === PAUSES_SECONDS.length - 1;
    ready = await run.step('prepare', () => prepareStep(deps, input, step, before, last));
  }
  if (ready.kind === 'again') return failed(ready.detail);
  if (ready.kind === 'end') return ready.end;
  if (ready.ask !== null) {
    const answer = await askPeople(run, input, ready.ask, deps);
    if (answer === 'closed') return INCIDENT_CLOSED;
    if (answer !== 'approved') return declined(answer === 'rejected' ? 'rejected' : 'not answered in time');
  }
  switch (step.uses) {
    case 'approve':
      return { status: 'succeeded', output: null, detail: 'approved' };
    case 'wait':
      return waitFor(run, input, ready.spentSeconds, deps);
    case 'rollback':
      return rollback(run, input, deps);
    case 'wait.until':
    case 'verify':
      return until(run, input, ready.spentSeconds, deps);
    case 'flag.disable':
    case 'flag.enable':
    case 'scale':
    case 'scale.restore':
    case 'restart':
    case 'reroute':
    case 'reroute.restore':
    case 'http':
    case 'note':
    case 'page':
    case 'slack.post':
    case 'ticket':
      return performWithRetries(run, input, startedAs(ready), deps);
  }
}

const declined = (detail: string): StepEnd => ({ status: 'declined', output: null, detail });

async function askPeople(
  run: Run,
  input: StepInput,
  approval: StepQuestion,
  deps: Deps,
): Promise<Exclude<QuestionState, 'waiting'>> {
  const { step } = input;
  await run.step('request-approval', () => requestApproval(deps, input, step, approval));
  const callback = await run.createCallback('approval', { seconds: approval.seconds });
  const standing = await run.step('await-approval', () => settleQuestion(deps, input, step, callback.id));
  if (standing !== 'waiting') return standing;
  await callback.settled();
  const end = await run.step('read-approval', () => settleQuestion(deps, input, step, null));
  return end === 'waiting' ? 'expired' : end;
}

/** Waits in pieces, so that the wait ends soon after the incident is resolved. */
async function waitFor(run: Run, { incidentId, step }: StepInput, spent: number, deps: Deps): Promise<StepEnd> {
  const piece = Math.max(PIECE_SECONDS, Math.ceil(step.timeoutSeconds / WAIT_PIECES));
  let left = step.timeoutSeconds - spent;
  while (left > 0) {
    await run.wait('wait', { seconds: Math.min(piece, left) });
    left -= piece;
    if (left > 0 && (await run.step('check-incident', () => isIncidentClosed(deps, incidentId))))
      return INCIDENT_CLOSED;
  }
  return { status: 'succeeded', output: null, detail: '' };
}

type StepRun = Pick<AttemptInput, 'approved' | 'scale' | 'shift'>;

const startedAs = ({ ask, scale, shift }: Extract<Preparation, { kind: 'go' }>): StepRun => ({
  approved: ask !== null,
  scale,
  ...(shift && { shift }),
});

/** Performs the action, with as many retries as the runbook allows. Waiting for an unavailable target is not a retry. */
async function performWithRetries(run: Run, input: StepInput, doing: StepRun, deps: Deps): Promise<StepEnd> {
  const { step, before, rounds } = input;
  const { retry, timeoutSeconds } = step;
  let waited = 0;
  let tries = 1;
  let handle: string | null = null;
  let last = 'no answer';
  for (let round = 0; round < rounds; round += 1) {
    const now: Parameters<typeof performStep>[3] = { ...doing, before, tries, handle };
    const answer: AttemptResult = await run.step(step.uses, () => performStep(deps, input, step, now));
    if (answer.kind === 'ended') return answer.end;
    last = answer.detail;
    let pause: number;
    if (answer.kind === 'failed') {
      tries += 1;
      handle = null;
      // This attempt only looked up the result of the earlier run, which had failed.
      if (step.earlierKey !== undefined && tries === 2) continue;
      const failures = tries - (step.earlierKey === undefined ? 1 : 2);
      if (retry === null || failures > retry.max) return failed(last);
      pause = Math.min(retry.delaySeconds * (retry.backoff === 'exponential' ? 2 ** (failures - 1) : 1), 3600);
      if (waited + pause > timeoutSeconds) return failed(`${last}; no time left to retry`);
    } else {
      handle = answer.handle;
      const usual = PAUSES_SECONDS[round] ?? Math.max(60, Math.ceil(timeoutSeconds / rounds));
      pause = Math.max(usual, answer.afterSeconds ?? 0);
    }
    if (waited + pause > timeoutSeconds) break;
    await run.wait('again', { seconds: pause });
    waited += pause;
  }
  const timedOutText = `timed out after ${timeoutSeconds} s: ${last}`;
  const over = { ...doing, before, tries, handle: null, timedOutText };
  const end: AttemptResult = await run.step('give-up', () => performStep(deps, input, step, over));
  return end.kind === 'ended' ? end.end : failed(timedOutText);
}

/** Checks repeatedly until the condition holds or the step times out. */
async function until(run: Run, input: StepInput, spent: number, deps: Deps): Promise<StepEnd> {
  const { step, before, rounds } = input;
  const pause = Math.max(LOOK_SECONDS, Math.ceil(step.timeoutSeconds / rounds));
  let waited = spent;
  let held = 0;
  for (;;) {
    const looking = { before, heldSeconds: held, last: waited + pause > step.timeoutSeconds };
    const look = await run.step('check-step', () => checkCondition(deps, input, step, looking));
    if (look.kind === 'ended') return look.end;
    await run.wait('check-again', { seconds: pause });
    waited += pause;
    held = look.holds ? held + pause : 0;
  }
}

/** Requests a rollback, which the incident judges and executes, and waits for its outcome. */
async function rollback(run: Run, input: StepInput, deps: Deps): Promise<StepEnd> {
  const { step, rounds } = input;
  const { judgedBefore, answerSeconds } = await run.step('request-rollback', () => requestRollback(deps, input, step));
  const seconds = step.timeoutSeconds + answerSeconds;
  const pauseAt = (round: number): number =>
    round < 20 ? 5 : Math.max(30, Math.ceil(seconds / Math.max(1, rounds - 20)));
  let waited = 0;
  for (let round = 0; ; round += 1) {
    const last = waited + pauseAt(round) > seconds;
    const end = await run.step('check-rollback', () =>
      checkRequestedRollback(deps, input, step, { judgedBefore, last }),
    );
    if (end !== null) return end;
    await run.wait('rolling-back', { seconds: pauseAt(round) });
    waited += pauseAt(round);
  }
}

const failed = (detail: string): StepEnd => ({ status: 'failed', output: null, detail });

import type { Deps } from '../core/domain/ports/deps.ts';
import type { StepEnd, StepEnds } from '../schemas/runbooks/parts/runs.ts';
import type { Run } from './run.ts';
import {
  questionNumber,
  requestApproval,
  settleQuestion,
  type QuestionState,
  type Withdrawn,
} from './steps/runbook/request-approval.ts';
import { waitForAnswer } from './steps/question-pages.ts';
import type { AttemptInput, AttemptResult } from './steps/runbook/attempt.ts';
import { checkCondition } from './steps/runbook/check-condition.ts';
import type { Outline, RunbookInput } from './steps/runbook/outline.ts';
import { INCIDENT_CLOSED, isIncidentClosed } from './steps/runbook/incident-closed.ts';
import { attemptStep } from './steps/runbook/attempt-step.ts';
import { prepareStep } from './steps/runbook/prepare.ts';
import type { Preparation, StepQuestion } from './steps/runbook/preparation.ts';
import { requestRollback, checkRequestedRollback } from './steps/runbook/rollback.ts';

/** Pauses between attempts at an unavailable or busy target, and between status checks. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60] as const;
const CHECK_SECONDS = 15;

/** Maximum number of pieces of a wait. After each piece, the step checks whether the incident is resolved. */
const WAIT_PIECES = 50;
const PIECE_SECONDS = 15 * 60;

export type StepInput = RunbookInput & {
  /** The part of the step that does not change during the run, such as its kind, time-out, and retries. */
  step: Outline;
  before: StepEnds;
  /** Maximum number of attempts, checks, and waits, however long the step takes: each costs operations of the engine. */
  rounds: number;
};

/** Runs one step of a runbook, from its conditions to its end. */
export async function runStep(run: Run, input: StepInput, deps: Deps): Promise<StepEnd> {
  const { step, before } = input;
  let preparation = await run.step('prepare', () => prepareStep(deps, input, step, before));
  for (let [tries, checks] = [0, 0]; preparation.kind === 'again' && tries < PAUSES_SECONDS.length;) {
    const { answerSeconds }: typeof preparation = preparation;
    const mayCheck = answerSeconds !== null && checks < checksMax(input);
    await run.wait('again', {
      seconds: mayCheck ? pauseForAnswer(input, checks, answerSeconds) : (PAUSES_SECONDS[tries] ?? 0),
    });
    checks += 1;
    if (!mayCheck) tries += 1;
    const last = tries === PAUSES_SECONDS.length;
    preparation = await run.step('prepare', () => prepareStep(deps, input, step, before, last));
  }
  if (preparation.kind === 'again') return failed(preparation.detail);
  if (preparation.kind === 'end') return preparation.end;
  if (preparation.ask !== null) {
    const answer = await askPeople(run, input, { ...preparation.ask, spentSeconds: preparation.spentSeconds }, deps);
    if (answer === 'closed') return INCIDENT_CLOSED;
    if (typeof answer === 'object') return withdrawnEnd(answer);
    if (answer !== 'approved') return declined(answer === 'rejected' ? 'rejected' : 'not answered in time');
  }
  switch (step.uses) {
    case 'approve':
      return { status: 'succeeded', output: null, detail: 'approved' };
    case 'wait':
      return waitInPieces(run, input, preparation.spentSeconds, deps);
    case 'rollback':
      return awaitRollback(run, input, deps);
    case 'wait.until':
    case 'verify':
      return checkUntilTrue(run, input, preparation.spentSeconds, deps);
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
      return attemptWithRetries(run, input, startedAs(preparation), deps);
  }
}

/** Returns how often a step checks whether people have answered: a part of its rounds, because it acts afterwards. */
const checksMax = ({ rounds }: StepInput): number => Math.floor((rounds * 2) / 3);

const FIRST_CHECKS = 6;

/** Returns the seconds until the next check. Soon after the question, an answer is likely. @param leftSeconds time for an answer */
function pauseForAnswer(input: StepInput, checks: number, leftSeconds: number): number {
  const left = Math.max(1, checksMax(input) - checks);
  return checks < FIRST_CHECKS ? 5 : Math.max(15, Math.ceil((leftSeconds * 2) / left));
}

const declined = (detail: string): StepEnd => ({ status: 'declined', output: null, detail });

/** Returns the end of a step whose question was withdrawn. What was done meanwhile is not the step's to undo. */
const withdrawnEnd = ({ because, done }: Withdrawn): StepEnd => ({
  status: done ? 'skipped' : 'withdrawn',
  output: null,
  detail: done ? `already done: ${because}` : `withdrawn: ${because}`,
});

async function askPeople(
  run: Run,
  input: StepInput,
  approval: StepQuestion & { spentSeconds: number },
  deps: Deps,
): Promise<Exclude<QuestionState, 'waiting'>> {
  const { step } = input;
  await run.step('request-approval', () => requestApproval(deps, input, step, approval));
  // The run before this one may have asked the question.
  const seconds = Math.max(1, approval.seconds - approval.spentSeconds);
  const question = { incidentId: input.incidentId, number: questionNumber(input, step), seconds };
  const state = await waitForAnswer(run, { ...question, register: registerFor(input) }, deps);
  if (state !== 'waiting') return state;
  const end = await run.step('read-approval', () => settleQuestion(deps, input, step, null));
  return end === 'waiting' ? 'expired' : end;
}

const registerFor =
  (input: StepInput) =>
  (deps: Deps, callback: string): Promise<QuestionState> =>
    settleQuestion(deps, input, input.step, callback);

/** Waits in pieces, so that the wait ends soon after the incident is resolved. */
async function waitInPieces(
  run: Run,
  { incidentId, step }: StepInput,
  spentSeconds: number,
  deps: Deps,
): Promise<StepEnd> {
  const pieceSeconds = Math.max(PIECE_SECONDS, Math.ceil(step.timeoutSeconds / WAIT_PIECES));
  let leftSeconds = step.timeoutSeconds - spentSeconds;
  while (leftSeconds > 0) {
    await run.wait('wait', { seconds: Math.min(pieceSeconds, leftSeconds) });
    leftSeconds -= pieceSeconds;
    if (leftSeconds > 0 && (await run.step('check-incident', () => isIncidentClosed(deps, incidentId))))
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
async function attemptWithRetries(run: Run, input: StepInput, stepRun: StepRun, deps: Deps): Promise<StepEnd> {
  const { step, before, rounds } = input;
  const { retry, timeoutSeconds } = step;
  let waitedSeconds = 0;
  let number = 1;
  let checks = 0;
  let handle: string | null = null;
  let last = 'no answer';
  for (let round = 0; round < rounds; round += 1) {
    const attempt: AttemptInput = { ...stepRun, before, number, handle };
    const answer: AttemptResult = await run.step(step.uses, () => attemptStep(deps, input, step, attempt));
    if (answer.kind === 'ended') return answer.end;
    last = answer.detail;
    let pauseSeconds: number;
    if (answer.kind === 'failed') {
      number += 1;
      handle = null;
      // This attempt only looked up the result of the earlier run, which had failed.
      if (step.earlierKey !== undefined && number === 2) continue;
      const failures = number - (step.earlierKey === undefined ? 1 : 2);
      if (retry === null || failures > retry.max) return failed(last);
      pauseSeconds = Math.min(retry.delaySeconds * (retry.backoff === 'exponential' ? 2 ** (failures - 1) : 1), 3600);
      if (waitedSeconds + pauseSeconds > timeoutSeconds) return failed(`${last}; no time left to retry`);
    } else {
      handle = answer.handle;
      if (answer.answerSeconds !== undefined && checks < checksMax(input)) {
        // The time for an answer does not count towards the time-out.
        await run.wait('again', { seconds: pauseForAnswer(input, checks, answer.answerSeconds) });
        checks += 1;
        continue;
      }
      const usual = PAUSES_SECONDS[round] ?? Math.max(60, Math.ceil(timeoutSeconds / rounds));
      pauseSeconds = Math.max(usual, answer.afterSeconds ?? 0);
    }
    if (waitedSeconds + pauseSeconds > timeoutSeconds) break;
    await run.wait('again', { seconds: pauseSeconds });
    waitedSeconds += pauseSeconds;
  }
  const timedOutText = `timed out after ${timeoutSeconds} s: ${last}`;
  const lastAttempt = { ...stepRun, before, number, handle: null, timedOutText };
  const end: AttemptResult = await run.step('give-up', () => attemptStep(deps, input, step, lastAttempt));
  return end.kind === 'ended' ? end.end : failed(timedOutText);
}

/** Checks repeatedly until the condition holds or the step times out. */
async function checkUntilTrue(run: Run, input: StepInput, spentSeconds: number, deps: Deps): Promise<StepEnd> {
  const { step, before, rounds } = input;
  const pauseSeconds = Math.max(CHECK_SECONDS, Math.ceil(step.timeoutSeconds / rounds));
  let waitedSeconds = spentSeconds;
  let heldSeconds = 0;
  for (;;) {
    const progress = { before, heldSeconds, last: waitedSeconds + pauseSeconds > step.timeoutSeconds };
    const result = await run.step('check-step', () => checkCondition(deps, input, step, progress));
    if (result.kind === 'ended') return result.end;
    await run.wait('check-again', { seconds: pauseSeconds });
    waitedSeconds += pauseSeconds;
    heldSeconds = result.holds ? heldSeconds + pauseSeconds : 0;
  }
}

/** Requests a rollback, which the incident judges and executes, and waits for its outcome. */
async function awaitRollback(run: Run, input: StepInput, deps: Deps): Promise<StepEnd> {
  const { step, rounds } = input;
  // `answerSeconds`: for how long a required approval is waited for.
  const { judgedBefore, answerSeconds } = await run.step('request-rollback', () => requestRollback(deps, input, step));
  const seconds = step.timeoutSeconds + answerSeconds;
  const pauseAt = (round: number): number =>
    round < 20 ? 5 : Math.max(30, Math.ceil(seconds / Math.max(1, rounds - 20)));
  let waitedSeconds = 0;
  for (let round = 0; ; round += 1) {
    const last = waitedSeconds + pauseAt(round) > seconds;
    const end = await run.step('check-rollback', () =>
      checkRequestedRollback(deps, input, step, { judgedBefore, last }),
    );
    if (end !== null) return end;
    await run.wait('rolling-back', { seconds: pauseAt(round) });
    waitedSeconds += pauseAt(round);
  }
}

const failed = (detail: string): StepEnd => ({ status: 'failed', output: null, detail });

import type { Deps } from '../domain/ports.ts';
import type { Json } from '../domain/runbooks/variables.ts';
import type { StepStatus } from '../schemas/runbook/steps.ts';
import type { Run } from './run.ts';
import type { RunbookInput } from './runbook.ts';
import type { Outline } from './steps/runbook/choose.ts';
import { askAbout, settleQuestion } from './steps/runbook/ask.ts';
import { lookStep, performStep, type Performed } from './steps/runbook/perform.ts';
import { prepareStep, type Ready } from './steps/runbook/prepare.ts';
import { askForRollback, lookForRollback } from './steps/runbook/rollback.ts';

/** How a step has ended. `closed`: the incident was over. Checkpointed, so outputs are small. */
export type StepEnd = { status: Exclude<StepStatus, 'pending'>; output: Json; detail: string; closed?: true };
export type StepEnds = Record<string, StepEnd>;

/** Pauses between tries at what is away or busy, and between looks at what is under way. */
const PAUSES_SECONDS = [2, 5, 10, 20, 30, 60] as const;
const LOOK_SECONDS = 15;

/** Tries, looks and waits of one step, however long it may take. */
const ROUNDS_MAX = 250;

/** One step of a runbook, from "is it to be done at all" to its end. */
export async function runStep(
  run: Run,
  input: RunbookInput,
  step: Outline,
  before: StepEnds,
  deps: Deps,
): Promise<StepEnd> {
  const ready = await run.step('prepare', () => prepareStep(deps, input, step, before));
  if (ready.kind === 'end') return ready.end;
  let approved = false;
  if (ready.ask !== null) {
    const answer = await askPeople(run, input, step, ready.ask, deps);
    if (answer !== 'approved')
      return {
        status: 'declined',
        output: null,
        detail: answer === 'rejected' ? 'a person said no' : 'nobody answered',
      };
    approved = true;
  }
  switch (step.uses) {
    case 'approve':
      return { status: 'succeeded', output: null, detail: 'a person is for it' };
    case 'wait':
      await run.wait('wait', { seconds: step.timeoutSeconds });
      return { status: 'succeeded', output: null, detail: '' };
    case 'rollback':
      return rollback(run, input, step, deps);
    case 'wait.until':
    case 'verify':
      return until(run, input, step, before, deps);
    default:
      return act(run, input, step, { before, approved, scale: ready.scale }, deps);
  }
}

async function askPeople(
  run: Run,
  input: RunbookInput,
  step: Outline,
  ask: NonNullable<Extract<Ready, { kind: 'go' }>['ask']>,
  deps: Deps,
): Promise<'approved' | 'rejected' | 'expired'> {
  await run.step('ask', () => askAbout(deps, input, step, ask));
  const bell = await run.bell('approval', { seconds: ask.seconds });
  const standing = await run.step('await', () => settleQuestion(deps, input, step, bell.id));
  if (standing !== 'waiting') return standing;
  await bell.rung();
  const end = await run.step('answer', () => settleQuestion(deps, input, step, null));
  return end === 'waiting' ? 'expired' : end;
}

type Doing = { before: StepEnds; approved: boolean; scale: { from: number; to: number } | null };

/** Done once, or as often as the runbook allows: waiting for what is away is not a try of its own. */
async function act(run: Run, input: RunbookInput, step: Outline, doing: Doing, deps: Deps): Promise<StepEnd> {
  let waited = 0;
  let tries = 1;
  let handle: string | null = null;
  let last = 'no answer';
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const held: string | null = handle;
    const answer: Performed = await run.step(step.uses, () =>
      performStep(deps, input, step, { ...doing, tries, handle: held }),
    );
    if (answer.kind === 'ended') return answer.end;
    last = answer.detail;
    let pause: number;
    if (answer.kind === 'failed') {
      const retry = step.retry;
      if (retry === null || tries > retry.max) return failed(last);
      pause = Math.min(retry.delaySeconds * (retry.backoff === 'exponential' ? 2 ** (tries - 1) : 1), 3600);
      tries += 1;
      handle = null;
    } else {
      handle = answer.handle;
      const usual = PAUSES_SECONDS[Math.min(round, PAUSES_SECONDS.length - 1)] ?? 60;
      pause = Math.max(usual, answer.afterSeconds ?? 0);
    }
    if (waited + pause > step.timeoutSeconds) break;
    await run.wait('again', { seconds: pause });
    waited += pause;
  }
  await run.step('give-up', () => performStep(deps, input, step, { ...doing, tries, handle: null, giveUp: last }));
  return failed(`not done within ${step.timeoutSeconds} s: ${last}`);
}

/** Looks until something holds, or its time is over. */
async function until(run: Run, input: RunbookInput, step: Outline, before: StepEnds, deps: Deps): Promise<StepEnd> {
  let waited = 0;
  let holding = 0;
  let last = '';
  const pause = Math.max(LOOK_SECONDS, Math.ceil(step.timeoutSeconds / ROUNDS_MAX));
  for (;;) {
    const look = await run.step('look', () => lookStep(deps, input, step, before));
    if (look.kind === 'ended') return look.end;
    last = look.detail;
    if (look.holds && holding >= look.forSeconds) return { status: 'succeeded', output: look.output, detail: last };
    if (waited + pause > step.timeoutSeconds) return failed(`not so within ${step.timeoutSeconds} s: ${last}`);
    await run.wait('look-again', { seconds: pause });
    waited += pause;
    holding = look.holds ? holding + pause : 0;
  }
}

/** The judgement and everything after it is the incident's; this waits for how it ends. */
async function rollback(run: Run, input: RunbookInput, step: Outline, deps: Deps): Promise<StepEnd> {
  await run.step('ask-for-rollback', () => askForRollback(deps, input));
  let waited = 0;
  const limit = Math.max(step.timeoutSeconds, 60);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const end = await run.step('look-at-rollback', () => lookForRollback(deps, input));
    if (end !== null) return end;
    const pause = round < 20 ? 5 : 30;
    if (waited + pause > limit) break;
    await run.wait('rolling-back', { seconds: pause });
    waited += pause;
  }
  return failed(`the rollback has not come to an end within ${limit} s; it goes on by itself`);
}

const failed = (detail: string): StepEnd => ({ status: 'failed', output: null, detail });

import type { Deps, RunbookEnd } from '../domain/ports.ts';
import { afterStage } from '../domain/runbooks/inverses.ts';
import type { IncidentId } from '../schemas/names.ts';
import type { Run } from './run.ts';
import { type Chosen, chooseRunbook, isJudged, type Outline } from './steps/runbook/choose.ts';
import { concludeRunbook } from './steps/runbook/conclude.ts';
import { undoOrder } from './steps/runbook/undo.ts';
import { VERIFICATION_SECONDS } from './steps/mitigate.ts';
import { verifyRunbook } from './steps/verify.ts';
import type { StepEnd, StepEnds } from '../schemas/runbook/runs.ts';
import { runStep } from './runbook-step.ts';

export type RunbookInput = { incidentId: IncidentId; number: number };

/** Why the rest of a runbook is left: a step has failed and says so, a person was asked and did not want it, or it is over. */
type Course = {
  ends: StepEnds;
  order: string[];
  stopped: 'failed' | 'declined' | 'closed' | null;
  /** The one whose failure it stops for. */
  culprit: string | null;
  undo: boolean;
};

/** Rounds of a stage, its steps together: each is two operations, of which a run of the workflow has 3,000. */
const ROUNDS_PER_STAGE = 150;

/** How long the first step waits for the incident's own judgement, where it asks what that has come to. */
const JUDGEMENT_SECONDS = [2, 3, 5, 10, 20, 40, 40] as const;

/**
 * Follows the runbook that answers to an incident, if one does: stage by stage, with the version that it had when it was
 * chosen. Everything that it decides upon is written down by its steps; this only keeps their order.
 *
 * @param stepEnded called with each, so that it can be counted what all of them cost
 */
export async function followRunbook(
  run: Run,
  input: RunbookInput,
  deps: Deps,
  stepEnded: (operations: number) => void = () => undefined,
): Promise<string> {
  const chosen = await run.step('choose-runbook', () => chooseRunbook(deps, input));
  if (chosen === null) return 'none';
  if (chosen.needsJudgement) await awaitJudgement(run, input, deps);
  const does: Does = (step, before, rounds) =>
    run.branch(`step-${step.id}`, async (branch) => {
      const end = await runStep(branch, { ...input, step, before, rounds }, deps);
      return { end, operations: branch.operations() };
    });
  const follow: Does = async (...of) => {
    const ended = await does(...of);
    stepEnded(ended.operations);
    return ended;
  };
  const course = await mainCourse(chosen, follow);
  if (course.stopped === 'failed') await afterFailure(chosen, course, follow);
  const end = endOf(chosen, course);
  await run.step('conclude-runbook', () => concludeRunbook(deps, input, end, course.ends));
  if (end.acted) {
    await run.wait('verification-window', { seconds: VERIFICATION_SECONDS });
    await run.step('verify', () => verifyRunbook(deps, input.incidentId, input.number));
  }
  return end.outcome;
}

/** What is suspected is known a moment after the incident has opened, and the runbook may ask for it. */
async function awaitJudgement(run: Run, input: RunbookInput, deps: Deps): Promise<void> {
  for (const seconds of JUDGEMENT_SECONDS) {
    if (await run.step('is-it-judged', () => isJudged(deps, input))) return;
    await run.wait('await-judgement', { seconds });
  }
}

type Does = (step: Outline, before: StepEnds, rounds: number) => Promise<{ end: StepEnd; operations: number }>;

async function mainCourse({ steps, done = {} }: Chosen, follow: Does): Promise<Course> {
  const course: Course = { ends: {}, order: [], stopped: null, culprit: null, undo: false };
  for (const stage of stagesOf(steps)) {
    const before = { ...course.ends };
    const rounds = Math.floor(ROUNDS_PER_STAGE / stage.length);
    const ended = await Promise.all(
      stage.map(async (step) => done[step.id] ?? (await follow(step, before, rounds)).end),
    );
    const ends = stage.map((step, n) => ({ step, end: ended[n] }));
    for (const { step, end } of ends) note(course, step, end);
    judgeStage(course, ends);
    if (course.stopped !== null) return course;
  }
  return course;
}

/** Whether it goes on after a stage. A failure counts for more than a person's no: something is to be done about it. */
function judgeStage(course: Course, ends: readonly { step: Outline; end: StepEnd | undefined }[]): void {
  if (ends.some(({ end }) => end?.closed === true)) {
    course.stopped = 'closed';
    return;
  }
  const failed = ends.filter(({ end }) => end?.status === 'failed').map(({ step }) => step);
  const next = afterStage(failed);
  if (failed.length > 0 && next !== 'continue') {
    course.stopped = 'failed';
    course.culprit = failed.find(({ onFailure }) => onFailure === next)?.id ?? null;
    course.undo = next === 'undo';
  } else if (ends.some(({ step, end }) => end?.status === 'declined' && step.otherwise === 'stop'))
    course.stopped = 'declined';
}

/** What the runbook does about a failure, and then, where it says so, back to where it began: the last first. */
async function afterFailure(chosen: Chosen, course: Course, follow: Does): Promise<void> {
  for (const step of chosen.failureSteps)
    note(course, step, (await follow(step, { ...course.ends }, ROUNDS_PER_STAGE)).end);
  if (!course.undo) return;
  for (const back of undoOrder(chosen, course.order))
    course.ends[back.id] = (await follow(back, { ...course.ends }, ROUNDS_PER_STAGE)).end;
}

function note(course: Course, step: Outline, end: StepEnd | undefined): void {
  if (end === undefined) return;
  course.ends[step.id] = end;
  if (end.status === 'succeeded') course.order.push(step.id);
}

function stagesOf(steps: readonly Outline[]): Outline[][] {
  const stages = new Map<number, Outline[]>();
  for (const step of steps) stages.set(step.stage, [...(stages.get(step.stage) ?? []), step]);
  return [...stages].toSorted(([a], [b]) => a - b).map(([, stage]) => stage);
}

function endOf({ title, steps }: Chosen, { ends, stopped, culprit, undo }: Course): RunbookEnd {
  const of = (status: StepEnd['status']) => steps.filter(({ id }) => ends[id]?.status === status).length;
  // A rollback is verified by itself, and what was taken back has not helped.
  const acted = steps.some(
    ({ id, mutating, uses }) => mutating && uses !== 'rollback' && ends[id]?.status === 'succeeded',
  );
  const told = `${of('succeeded')} of ${steps.length} steps done${of('skipped') > 0 ? `, ${of('skipped')} skipped` : ''}`;
  const text = (how: string): string => `The runbook "${title}" ${how}`;
  switch (stopped) {
    case null:
      return { outcome: 'finished', text: text(`is finished: ${told}`), acted, page: 'no' };
    case 'closed':
      return { outcome: 'stopped', text: text(`ends with the incident: ${told}`), acted: false, page: 'no' };
    case 'declined':
      return {
        outcome: 'stopped',
        text: text(`stops, since a person was not for it: ${told}`),
        acted,
        page: 'no',
      };
    case 'failed': {
      const why = culprit === null ? '' : `: step ${culprit}: ${ends[culprit]?.detail ?? ''}`;
      const back = undo ? '; what could be taken back was taken back' : '';
      // A rollback that has failed pages by itself.
      const paged = steps.some(({ id, uses }) => id === culprit && uses === 'rollback');
      const page = paged ? 'if_nobody' : 'again';
      return { outcome: 'failed', text: text(`has failed${why}${back}`), acted: false, page };
    }
  }
}

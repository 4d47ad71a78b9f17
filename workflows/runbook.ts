import { undoId } from '../core/domain/runbooks/manual-runs.ts';
import type { Deps } from '../core/domain/ports/deps.ts';
import type { RunbookEnd } from '../core/domain/ports/runbooks.ts';
import { actionAfterStage } from '../core/domain/runbooks/inverses.ts';
import type { Run } from './run.ts';
import { type ChosenRunbook, chooseRunbook, isJudged } from './steps/runbook/choose.ts';
import { concludeRunbook } from './steps/runbook/conclude.ts';
import type { Outline, RunbookInput } from './steps/runbook/outline.ts';
import { verifyRunbook } from './steps/verify.ts';
import { awaitVerdict } from './steps/watch-health.ts';
import type { StepEnd, StepEnds } from '../schemas/runbooks/parts/runs.ts';
import { runStep } from './runbook-step.ts';

/**
 * Course of a runbook so far. `stopped`: a step failed, a person declined a step, its question was withdrawn, or the incident
 * was closed.
 */
type CourseEnd = {
  ends: StepEnds;
  order: string[];
  stopped: 'failed' | 'declined' | 'withdrawn' | 'closed' | null;
  /** The step that stopped the runbook by its failure, or because its question was withdrawn. */
  stoppingStepId: string | null;
  undo: boolean;
};

/** Rounds that the steps of a stage share. Each round costs two operations, of which a workflow run has 3,000. */
const ROUNDS_PER_STAGE = 150;

/** Pauses while the first step waits for the incident's judgement, if the runbook's expressions refer to it. */
const JUDGEMENT_SECONDS = [2, 3, 5, 10, 20, 40, 40] as const;

/**
 * Runs the runbook that matches an incident, if there is one, stage by stage and in the version that was chosen. Its
 * steps record everything that its course depends on; this function only keeps their order.
 */
export async function followRunbook(run: Run, input: RunbookInput, deps: Deps): Promise<string> {
  const chosen = await run.step('choose-runbook', () => chooseRunbook(deps, input));
  if (chosen === null) return 'none';
  if (chosen.needsJudgement) await awaitJudgement(run, input, deps);
  const follow: StepRunner = (step, before, rounds) =>
    run.childContext(`step-${step.id}`, (branch) => runStep(branch, { ...input, step, before, rounds }, deps));
  const course = await mainCourse(chosen, follow);
  if (course.stopped === 'failed') await afterFailure(chosen, course, follow);
  const end = endOf(chosen, course);
  const passedSeconds = await run.step('conclude-runbook', () => concludeRunbook(deps, input, end, course.ends));
  if (end.acted) {
    const mitigation = { number: 0, runbook: input.number };
    await awaitVerdict(
      run,
      { incidentId: input.incidentId, mitigation, order: null, passedSeconds: passedSeconds ?? 0 },
      deps,
    );
    await run.step('verify', () => verifyRunbook(deps, input.incidentId, input.number));
  }
  return end.outcome;
}

/** Waits for the first judgement, because the runbook refers to its suspect or decision. */
async function awaitJudgement(run: Run, input: RunbookInput, deps: Deps): Promise<void> {
  for (const seconds of JUDGEMENT_SECONDS) {
    if (await run.step('check-judgement', () => isJudged(deps, input))) return;
    await run.wait('await-judgement', { seconds });
  }
}

type StepRunner = (step: Outline, before: StepEnds, rounds: number) => Promise<StepEnd>;

async function mainCourse({ steps, done = {} }: ChosenRunbook, follow: StepRunner): Promise<CourseEnd> {
  const course: CourseEnd = { ends: {}, order: [], stopped: null, stoppingStepId: null, undo: false };
  for (const stage of stagesOf(steps)) {
    const before = { ...course.ends };
    const rounds = Math.floor(ROUNDS_PER_STAGE / stage.length);
    const ended = await Promise.all(stage.map(async (step) => done[step.id] ?? (await follow(step, before, rounds))));
    const ends = stage.map((step, n) => ({ step, end: ended[n] }));
    for (const { step, end } of ends) note(course, step, end);
    judgeStage(course, ends);
    if (course.stopped !== null) return course;
  }
  return course;
}

/** Decides whether the runbook continues after a stage. A failure takes precedence over a rejection: it has its own steps. */
function judgeStage(course: CourseEnd, ends: readonly { step: Outline; end: StepEnd | undefined }[]): void {
  if (ends.some(({ end }) => end?.closed === true)) {
    course.stopped = 'closed';
    return;
  }
  const failed = ends.filter(({ end }) => end?.status === 'failed').map(({ step }) => step);
  const next = actionAfterStage(failed);
  if (failed.length > 0 && next !== 'continue') {
    course.stopped = 'failed';
    course.stoppingStepId = failed.find(({ onFailure }) => onFailure === next)?.id ?? null;
    course.undo = next === 'undo';
    return;
  }
  const unanswered = ends.filter(({ step }) => step.otherwise === 'stop');
  const withdrawn = unanswered.find(({ end }) => end?.status === 'withdrawn');
  if (unanswered.some(({ end }) => end?.status === 'declined')) course.stopped = 'declined';
  else if (withdrawn !== undefined) {
    course.stopped = 'withdrawn';
    course.stoppingStepId = withdrawn.step.id;
  }
}

/** Runs the failure steps and then, if the runbook says so, undoes its changes, last one first. */
async function afterFailure(chosen: ChosenRunbook, course: CourseEnd, follow: StepRunner): Promise<void> {
  for (const step of chosen.failureSteps) note(course, step, await follow(step, { ...course.ends }, ROUNDS_PER_STAGE));
  if (!course.undo) return;
  for (const undoStep of undoOrder(chosen, course.order))
    course.ends[undoStep.id] = await follow(undoStep, { ...course.ends }, ROUNDS_PER_STAGE);
}

/** Returns the undo steps for completed steps, last one first. A step without an inverse is skipped when its undo runs. */
function undoOrder({ steps, failureSteps, undo }: ChosenRunbook, done: readonly string[]): Outline[] {
  if (undo === 'none') return [];
  const byId = new Map([...steps, ...failureSteps].map((step) => [step.id, step]));
  return [...new Set(done)].toReversed().flatMap((id): Outline[] => {
    const step = byId.get(id);
    return step === undefined || !step.mutating ? [] : [{ ...step, id: undoId(id), retry: null, undoes: id }];
  });
}

function note(course: CourseEnd, step: Outline, end: StepEnd | undefined): void {
  if (end === undefined) return;
  course.ends[step.id] = end;
  if (end.status === 'succeeded') course.order.push(step.id);
}

function stagesOf(steps: readonly Outline[]): Outline[][] {
  const stages = new Map<number, Outline[]>();
  for (const step of steps) stages.set(step.stage, [...(stages.get(step.stage) ?? []), step]);
  return [...stages].toSorted(([a], [b]) => a - b).map(([, stage]) => stage);
}

function endOf({ title, steps }: ChosenRunbook, { ends, stopped, stoppingStepId, undo }: CourseEnd): RunbookEnd {
  const countOf = (status: StepEnd['status']) => steps.filter(({ id }) => ends[id]?.status === status).length;
  // The incident verifies rollbacks itself.
  const acted = steps.some(
    ({ id, mutating, uses }) => mutating && uses !== 'rollback' && ends[id]?.status === 'succeeded',
  );
  const summary = `${countOf('succeeded')} of ${steps.length} steps completed${countOf('skipped') > 0 ? `, ${countOf('skipped')} skipped` : ''}`;
  const stopping = stoppingStepId === null ? undefined : ends[stoppingStepId];
  const text = (how: string): string => `Runbook "${title}" ${how}`;
  switch (stopped) {
    case null:
      return { outcome: 'finished', text: text(`finished: ${summary}`), acted, page: 'no' };
    case 'closed':
      return {
        outcome: 'stopped',
        text: text(`stopped, because the incident was resolved: ${summary}`),
        acted: false,
        page: 'no',
      };
    case 'declined':
      return {
        outcome: 'stopped',
        text: text(`stopped, because a step was not approved: ${summary}`),
        acted,
        page: 'no',
      };
    case 'withdrawn':
      return {
        outcome: 'stopped',
        text: text(`stopped: the question of step ${stoppingStepId} was ${stopping?.detail ?? ''}. ${summary}`),
        acted,
        page: 'no',
      };
    case 'failed': {
      const why = stoppingStepId === null ? '' : `: step ${stoppingStepId}: ${stopping?.detail ?? ''}`;
      const back = undo ? '; reversible changes were undone' : '';
      // A failed rollback pages by itself.
      const paged = steps.some(({ id, uses }) => id === stoppingStepId && uses === 'rollback');
      const page = paged ? 'if_nobody' : 'again';
      return { outcome: 'failed', text: text(`failed${why}${back}`), acted: false, page };
    }
  }
}

import type { Deps } from '../domain/ports.ts';
import { afterStage } from '../domain/runbooks/inverses.ts';
import type { IncidentId } from '../schemas/names.ts';
import type { Run } from './run.ts';
import { type Chosen, chooseRunbook, concludeRunbook, type Outline } from './steps/runbook/choose.ts';
import { undoOrder } from './steps/runbook/undo.ts';
import { VERIFICATION_SECONDS } from './steps/mitigate.ts';
import { verifyOnce } from './steps/verify.ts';
import { runStep, type StepEnd, type StepEnds } from './runbook-step.ts';

export type RunbookInput = { incidentId: IncidentId; number: number };

/** Why the rest of a runbook is left: a step has failed and says so, a person was asked and did not want it, or it is over. */
type Course = { ends: StepEnds; order: string[]; stopped: 'failed' | 'declined' | 'closed' | null; undo: boolean };

/**
 * Follows the runbook that answers to an incident, if one does: stage by stage, with the version that it had when it was
 * chosen. Everything that it decides upon is written down by its steps; this only keeps their order.
 */
export async function followRunbook(run: Run, input: RunbookInput, deps: Deps): Promise<string> {
  const chosen = await run.step('choose-runbook', () => chooseRunbook(deps, input));
  if (chosen === null) return 'none';
  const course = await mainCourse(run, input, chosen, deps);
  if (course.stopped === 'failed') await afterFailure(run, input, chosen, course, deps);
  const end = endOf(chosen, course);
  await run.step('conclude-runbook', () => concludeRunbook(deps, input, end));
  if (end.acted) {
    await run.wait('verification-window', { seconds: VERIFICATION_SECONDS });
    await run.step('verify', () => verifyOnce(deps, input.incidentId, 0, `verification-runbook-${input.number}`));
  }
  return end.outcome;
}

async function mainCourse(run: Run, input: RunbookInput, { steps }: Chosen, deps: Deps): Promise<Course> {
  const course: Course = { ends: {}, order: [], stopped: null, undo: false };
  for (const stage of stagesOf(steps)) {
    const before = { ...course.ends };
    const ended = await Promise.all(stage.map((step) => doStep(run, input, step, before, deps)));
    stage.forEach((step, n) => note(course, step, ended[n]));
    if (ended.some((end) => end.closed === true)) course.stopped = 'closed';
    else if (stage.some((step, n) => ended[n]?.status === 'declined' && step.otherwise === 'stop'))
      course.stopped = 'declined';
    else {
      const failed = stage.filter((_, n) => ended[n]?.status === 'failed');
      const next = afterStage(failed);
      if (next !== 'continue') course.stopped = 'failed';
      course.undo = next === 'undo';
    }
    if (course.stopped !== null) return course;
  }
  return course;
}

/** What the runbook does about a failure, and then, where it says so, back to where it began: the last first. */
async function afterFailure(run: Run, input: RunbookInput, chosen: Chosen, course: Course, deps: Deps): Promise<void> {
  for (const step of chosen.failureSteps) note(course, step, await doStep(run, input, step, { ...course.ends }, deps));
  if (!course.undo) return;
  for (const back of undoOrder(chosen, course.order))
    note(course, back, await doStep(run, input, back, { ...course.ends }, deps));
}

const doStep = (run: Run, input: RunbookInput, step: Outline, before: StepEnds, deps: Deps): Promise<StepEnd> =>
  run.branch(`step-${step.id}`, (branch) => runStep(branch, input, step, before, deps));

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

export type RunbookOutcome = { outcome: string; text: string; acted: boolean; page: 'no' | 'if_nobody' | 'again' };

function endOf({ title, steps }: Chosen, { ends, stopped, undo }: Course): RunbookOutcome {
  const of = (status: StepEnd['status']) => Object.values(ends).filter((end) => end.status === status).length;
  // A rollback is verified by itself, and what was taken back has not helped.
  const acted =
    stopped !== 'failed' &&
    steps.some(({ id, mutating, uses }) => mutating && uses !== 'rollback' && ends[id]?.status === 'succeeded');
  const told = `${of('succeeded')} of ${steps.length} steps done${of('skipped') > 0 ? `, ${of('skipped')} skipped` : ''}`;
  if (stopped === null)
    return { outcome: 'finished', text: `The runbook "${title}" is finished: ${told}`, acted, page: 'no' };
  if (stopped === 'closed')
    return {
      outcome: 'stopped',
      text: `The runbook "${title}" ends with the incident: ${told}`,
      acted: false,
      page: 'no',
    };
  if (stopped === 'declined')
    return {
      outcome: 'stopped',
      text: `The runbook "${title}" stops, since a person was not for it: ${told}`,
      acted,
      page: 'no',
    };
  const failed = Object.entries(ends).find(([, end]) => end.status === 'failed');
  const why = failed === undefined ? '' : `: step ${failed[0]}: ${failed[1].detail}`;
  return {
    outcome: 'failed',
    text: `The runbook "${title}" has failed${why}${undo ? '; what could be taken back was taken back' : ''}`,
    acted: false,
    page: 'if_nobody',
  };
}

import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { pageExpired, pageForQuestion } from '../question-pages.ts';
import { contextOf } from './context.ts';
import type { Outline, RunbookInput } from './outline.ts';
import type { StepQuestion } from './preparation.ts';
import { noteStep } from './step-texts.ts';

/** First number of runbook questions, far above the numbers of judgements. */
const QUESTIONS_FROM = 1_000_000;

export const questionNumber = ({ number }: RunbookInput, { number: step, undoes }: Outline): number =>
  QUESTIONS_FROM + number * 1000 + step * 2 + (undoes === null ? 0 : 1);

/** Returns the number of the step that a question of a run is about. Undefined: the question is about something else. */
export function stepOfQuestion(run: number, decisionId: string): number | undefined {
  const rest = Number(decisionId.split('-').at(-1)) - QUESTIONS_FROM - run * 1000;
  return rest >= 0 && rest < 1000 && rest % 2 === 0 ? rest / 2 : undefined;
}

/** Asks the question, and pages for an answer. */
export async function requestApproval(
  deps: Deps,
  input: RunbookInput,
  step: Outline,
  approval: StepQuestion,
): Promise<null> {
  const { incidentId } = input;
  const question = questionNumber(input, step);
  const { serviceEnvironment } = await contextOf(deps, input, step, {});
  const { text, reasons, people, approvals, given, seconds, inputs } = approval;
  await deps.decisions.ask(incidentId, question, {
    serviceEnvironment,
    text,
    reasons,
    people,
    approvals,
    ...(given && { given }),
    seconds: seconds / deps.timeScale,
    inputs,
  });
  const note = 'a runbook is waiting for approval';
  const open = await pageForQuestion(deps, { incidentId, number: question }, note);
  // The incident may have closed, and withdrawn its questions, before this one was asked.
  if (!open)
    await deps.decisions.withdraw(incidentId, question, { by: 'firebreak', because: 'the incident was closed' });
  return null;
}

/** State of a question. An object: it was withdrawn. `closed`: the incident is closed, so no answer is needed. */
export type QuestionState = 'waiting' | 'approved' | 'rejected' | 'expired' | 'closed' | Withdrawn;
export type Withdrawn = NonNullable<DecisionView['withdrawn']>;

/** Registers the callback `callback` for the answer, or, without one, expires the question. Returns the state. */
export async function settleQuestion(
  deps: Deps,
  input: RunbookInput,
  step: Outline,
  callback: string | null,
): Promise<QuestionState> {
  const question = questionNumber(input, step);
  const state =
    callback === null
      ? await deps.decisions.expire(input.incidentId, question)
      : await deps.decisions.await(input.incidentId, question, callback);
  if (state === 'waiting' || state === 'approved' || state === 'rejected') return state;
  const context = await contextOf(deps, input, step, {});
  if (context.incident.status === 'resolved') return 'closed';
  const withdrawn = (await deps.decisions.get(input.incidentId, question))?.withdrawn;
  if (withdrawn !== undefined) return withdrawn;
  await pageExpired(deps, { incidentId: input.incidentId, number: question });
  await noteStep(deps, input, context, 'declined', 'not answered in time');
  return 'expired';
}

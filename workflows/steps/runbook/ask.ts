import type { Deps } from '../../../domain/ports.ts';
import type { RunbookInput } from '../../runbook.ts';
import { wake } from '../../wake.ts';
import type { Outline } from './choose.ts';
import { contextOf } from './context.ts';
import type { Ask } from './prepare.ts';
import { noteStep } from './tell.ts';

/** Questions of runbooks are numbered apart from judgements, which are few. */
const QUESTIONS_FROM = 1_000_000;

const questionOf = ({ number }: RunbookInput, { number: step, undoes }: Outline): number =>
  QUESTIONS_FROM + number * 1000 + step * 2 + (undoes === null ? 0 : 1);

/** The number of the step of a run that a question is about. Undefined: it is about something else. */
export function stepAsked(run: number, decisionId: string): number | undefined {
  const rest = Number(decisionId.split('-').at(-1)) - QUESTIONS_FROM - run * 1000;
  return rest >= 0 && rest < 1000 && rest % 2 === 0 ? rest / 2 : undefined;
}

/** Puts the question, and pages whoever has to answer. */
export async function askAbout(deps: Deps, input: RunbookInput, step: Outline, ask: Ask): Promise<null> {
  const { incidentId } = input;
  const question = questionOf(input, step);
  const { place } = await contextOf(deps, input, step, {});
  const { text, reasons, people, approvals, given, inputs } = ask;
  await deps.decisions.ask(incidentId, question, {
    place,
    text,
    reasons,
    people,
    approvals,
    ...(given && { given }),
    inputs,
  });
  const note = 'a runbook waits for approval';
  const open = await deps.incidents.post(
    incidentId,
    { kind: 'page', by: 'firebreak', note },
    {},
    `approval-${question}`,
  );
  // Questions were withdrawn when the incident was closed, and this one may have come after that.
  if (!open) await deps.decisions.expire(incidentId, question);
  await wake(deps, incidentId);
  return null;
}

/** `closed`: nobody has to answer any more. */
export type Standing = 'waiting' | 'approved' | 'rejected' | 'expired' | 'closed';

/** Hangs the bell on the question, or, without one, takes it as unanswered; tells where it stands. */
export async function settleQuestion(
  deps: Deps,
  input: RunbookInput,
  step: Outline,
  bell: string | null,
): Promise<Standing> {
  const question = questionOf(input, step);
  const state =
    bell === null
      ? await deps.decisions.expire(input.incidentId, question)
      : await deps.decisions.await(input.incidentId, question, bell);
  if (state === 'waiting' || state === 'approved' || state === 'rejected') return state;
  const context = await contextOf(deps, input, step, {});
  if (context.incident.status === 'resolved') return 'closed';
  await noteStep(deps, input, context, 'declined', 'nobody has answered in time');
  return 'expired';
}

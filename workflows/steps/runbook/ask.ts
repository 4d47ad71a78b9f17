import type { Deps } from '../../../domain/ports.ts';
import type { RunbookInput } from '../../runbook.ts';
import { wake } from '../../wake.ts';
import type { Outline } from './choose.ts';
import { contextOf, guardsOf } from './context.ts';
import type { Ask } from './prepare.ts';

/** Questions of runbooks are numbered apart from judgements, which are few. */
const QUESTIONS_FROM = 1_000_000;

const questionOf = ({ number }: RunbookInput, { number: step, undoes }: Outline): number =>
  QUESTIONS_FROM + number * 1000 + step * 2 + (undoes === null ? 0 : 1);

/** Puts the question, and pages whoever has to answer. */
export async function askAbout(deps: Deps, input: RunbookInput, step: Outline, ask: Ask): Promise<null> {
  const context = await contextOf(deps, input, step, {});
  const { runbook } = context.followed;
  const question = questionOf(input, step);
  await deps.decisions.ask(input.incidentId, question, {
    place: context.place,
    text: ask.text,
    reasons: ask.reasons,
    people: ask.people,
    inputs: { runbook: runbook.name, version: runbook.version, step: step.id, guards: await guardsOf(deps, context) },
  });
  const note = 'a runbook waits for approval';
  await deps.incidents.post(input.incidentId, { kind: 'page', by: 'firebreak', note }, {}, `approval-${question}`);
  await wake(deps, input.incidentId);
  return null;
}

/** Hangs the bell on the question, or, without one, takes it as unanswered; tells where it stands. */
export async function settleQuestion(
  deps: Deps,
  input: RunbookInput,
  step: Outline,
  bell: string | null,
): Promise<'waiting' | 'approved' | 'rejected' | 'expired'> {
  const question = questionOf(input, step);
  const state =
    bell === null
      ? await deps.decisions.expire(input.incidentId, question)
      : await deps.decisions.await(input.incidentId, question, bell);
  return state === 'final' ? 'expired' : state;
}

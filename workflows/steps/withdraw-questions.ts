import type { Deps } from '../../domain/ports/deps.ts';
import type { QuestionInputs } from '../../domain/runbooks/permission.ts';
import { putsVersionLive } from '../../domain/changes/versions.ts';
import type { ClearedSuspect, DecisionView, IncidentView } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import { completeAnsweredCallback } from '../wake.ts';

type WithdrawDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * Withdraws every question about a change that a person has cleared: whether to roll it back, and whether a runbook may
 * act against it. Counts as that person's rejection, even of questions for others, because clearing includes that
 * right. Safe to repeat.
 *
 * @returns the withdrawn decisions
 */
export async function withdrawQuestionsAbout(
  deps: WithdrawDeps,
  { id, decisions }: Pick<IncidentView, 'id' | 'decisions'>,
  cleared: ClearedSuspect,
): Promise<DecisionView[]> {
  const withdrawn: DecisionView[] = [];
  for (const decision of decisions) {
    if (decision.state !== 'waiting' || !(await isAbout(deps, id, decision, cleared))) continue;
    await withdrawQuestion(deps, id, decision, cleared.by, `Question withdrawn: ${cleared.version} was not the cause`);
    withdrawn.push(decision);
  }
  return withdrawn;
}

/** Returns whether a decision asks to roll back a version. */
export const isAboutRollbackOf = (
  { question, state, target, from_version }: DecisionView,
  { service, version }: { service: string; version: string },
): boolean => question === undefined && state === 'waiting' && target?.service === service && from_version === version;

async function isAbout(
  { decisions }: Pick<Deps, 'decisions'>,
  id: IncidentId,
  decision: DecisionView,
  cleared: ClearedSuspect,
): Promise<boolean> {
  if (decision.offers?.some(({ change_id }) => change_id === cleared.change_id)) return true;
  if (decision.question === undefined) return putsVersionLive(cleared) && isAboutRollbackOf(decision, cleared);
  const inputs: unknown = await decisions.inputs(id, Number(numberOf(decision.id)));
  return (inputs as QuestionInputs | undefined)?.guards.against?.change_id === cleared.change_id;
}

/** Rejects a question in a person's name, even if it is for others to answer. */
export async function withdrawQuestion(
  deps: WithdrawDeps,
  id: IncidentId,
  decision: DecisionView,
  by: string,
  note: string,
): Promise<void> {
  if ((await deps.decisions.answer(id, decision.digest, 'rejected', by, note)) !== 'not_requested') return;
  // The person is not among the approvers, so the question ends without an answer.
  await deps.decisions.expire(id, Number(numberOf(decision.id)));
  const incident = await deps.incidents.read(id);
  if (incident !== undefined) await completeAnsweredCallback(deps, incident);
}

/** Withdraws all open questions of a closed incident, and completes their callbacks. */
export async function withdrawQuestions(deps: WithdrawDeps, id: IncidentId): Promise<{ withdrawn: number }> {
  const [incident, shown] = await Promise.all([deps.incidents.read(id), deps.incidents.view(id)]);
  const waiting = (shown?.decisions ?? []).flatMap((decision) =>
    decision.state === 'waiting' ? [Number(numberOf(decision.id))] : [],
  );
  for (const number of waiting) {
    await deps.decisions.expire(id, number);
    const callback = incident?.callbacks[`decision-${number}`];
    if (callback !== undefined) await deps.engine.completeCallback(callback);
  }
  return { withdrawn: waiting.length };
}

import type { Deps } from '../../core/domain/ports/deps.ts';
import type { QuestionInputs } from '../../core/domain/runbooks/permission.ts';
import type { Withdrawal } from '../../core/domain/ports/decisions.ts';
import { isSameName, partsOf } from '../../core/domain/changes/version-identity.ts';
import { isOfVersion } from '../../core/domain/changes/cleared-suspects.ts';
import type { ClearedSuspect, DecisionView, IncidentView } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { numberOf } from '../../core/domain/rollback/question-names.ts';
import { completeAnsweredCallback } from '../wake.ts';

type WithdrawDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * Withdraws every question about a change that a person has cleared: whether to roll it back, and whether a runbook may
 * act against it, even if others are to answer it. Safe to repeat.
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
    await withdrawQuestion(deps, id, decision, { by: cleared.by, because: `${cleared.version} was not the cause` });
    withdrawn.push(decision);
  }
  return withdrawn;
}

/** A change that a decision can be about. */
type DecidedChange = Pick<ClearedSuspect, 'change_id' | 'service' | 'version'>;

/**
 * Returns whether a decision is about the rollback of a change. Its version can be written otherwise since: then the change has
 * the version of the decision among its inputs.
 */
export async function isAboutRollbackOf(
  { decisions }: Pick<Deps, 'decisions'>,
  incident: IncidentId,
  { id, question, target, from_version: from }: DecisionView,
  { change_id: changeId, service, version }: DecidedChange,
): Promise<boolean> {
  if (question !== undefined || target?.service !== service || from === null) return false;
  if (!isSameName(partsOf(from).name, partsOf(version).name)) return false;
  const inputs = await decisions.inputs(incident, Number(numberOf(id)));
  const changes = (inputs?.targets ?? []).flatMap((one) => one.changes);
  const weighed = changes.find((change) => change.id === changeId);
  return (weighed?.version ?? version) === from;
}

async function isAbout(
  deps: Pick<Deps, 'decisions'>,
  id: IncidentId,
  decision: DecisionView,
  cleared: ClearedSuspect,
): Promise<boolean> {
  if (decision.offers?.some(({ change_id }) => change_id === cleared.change_id)) return true;
  if (decision.question === undefined) return isOfVersion(cleared) && isAboutRollbackOf(deps, id, decision, cleared);
  const inputs: unknown = await deps.decisions.inputs(id, Number(numberOf(decision.id)));
  return (inputs as QuestionInputs | undefined)?.guards.against?.change_id === cleared.change_id;
}

/** Withdraws a question, even if it is for others to answer, and completes its callback. */
export async function withdrawQuestion(
  deps: WithdrawDeps,
  id: IncidentId,
  { id: decision }: Pick<DecisionView, 'id'>,
  withdrawal: Withdrawal,
): Promise<void> {
  await deps.decisions.withdraw(id, Number(numberOf(decision)), withdrawal);
  const incident = await deps.incidents.read(id);
  if (incident !== undefined) await completeAnsweredCallback(deps, incident);
}

/**
 * Withdraws all open questions of a closed incident, and completes their callbacks. If alerts have reopened it meanwhile,
 * its new questions stay open.
 */
export async function withdrawQuestions(deps: WithdrawDeps, id: IncidentId): Promise<{ withdrawn: number }> {
  const [incident, shown] = await Promise.all([deps.incidents.read(id), deps.incidents.view(id)]);
  const until = incident?.status === 'resolved' ? undefined : incident?.reopened_at;
  const waiting = (shown?.decisions ?? []).filter(
    ({ state, at }) => state === 'waiting' && (until === undefined || at < until),
  );
  for (const decision of waiting)
    await withdrawQuestion(deps, id, decision, { by: 'firebreak', because: 'the incident was closed' });
  return { withdrawn: waiting.length };
}

import {
  APPROVED,
  isSameRollback,
  lateWords,
  relatedTo,
  type JudgedIncident,
  wasMissed,
  whyNotAgain,
} from '../../domain/changes/late-changes.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { JudgementRequest } from '../../domain/incidents/response.ts';
import type { DecisionInputs } from '../../domain/rollback/judgement.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { ChangeId, IncidentId } from '../../schemas/config/names.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { judgeNow } from './judge.ts';
import { rollbackKey } from './roll-back.ts';
import { withdrawQuestion } from './withdraw-questions-about.ts';

export type LateChangesInput = {
  incidentId: IncidentId;
  changes: readonly ChangeId[];
  /** Number of the newest judgement that has begun, which may not be stored yet. */
  judged: number;
  /** Requester for whom the incident would be judged again. */
  request: JudgementRequest;
};

/** Pauses before each new attempt, while a judgement that has begun is not stored yet. */
const JUDGEMENT_PAUSES_SECONDS = [2, 3, 5, 10, 20, 40] as const;

/** Requests another judgement if changes that were recorded late require one. */
export async function judgeLateChanges(run: Run, input: LateChangesInput, deps: Deps): Promise<void> {
  for (const seconds of JUDGEMENT_PAUSES_SECONDS) {
    if ((await run.step('judge-late-changes', () => checkLateChanges(deps, input))) === 'done') return;
    await run.wait('await-judgement', { seconds });
  }
  await run.step('judge-late-changes', () => checkLateChanges(deps, input));
}

/**
 * Checks once whether the judgement missed the changes, and requests another one if necessary.
 *
 * @returns `unjudged` if the judgement is not stored yet, so that the check must be repeated; otherwise `done`
 */
async function checkLateChanges(deps: Deps, input: LateChangesInput): Promise<'done' | 'unjudged'> {
  const { incidentId: id, changes, request } = input;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return 'done';
  const number = Math.max(input.judged, incident.mitigations);
  const decision = await deps.decisions.get(id, number);
  const inputs = decision && (await deps.decisions.inputs(id, number));
  if (decision === undefined || inputs === undefined) return 'unjudged';
  const missed = await missedChanges(deps, incident, inputs, changes);
  if (missed.length === 0) return 'done';
  const judged = await judgedIncidentOf(deps, id, { status: incident.status, number, decision, inputs });
  const why = whyNotAgain(judged) ?? (await whyNotRepeated(deps, incident, { number, decision, request }));
  const consequence = why ?? 'judged again';
  for (const change of missed)
    await deps.incidents.note(id, `late-change-${change.id}`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'change.recorded_late',
      text: lateWords(incident, change, consequence),
      detail: { change: change.id, service: change.service, version: change.version },
    });
  // Last: the next judgement reads the changes, so a repeat of this step after it would find nothing to note.
  if (why === null)
    await deps.incidents.post(
      id,
      { kind: 'judge_again', changes: missed.map((change) => change.id) },
      {},
      `judge-again-${number}`,
    );
  await wake(deps, id);
  return 'done';
}

async function missedChanges(
  deps: Deps,
  incident: IncidentRecord,
  inputs: DecisionInputs,
  ids: readonly ChangeId[],
): Promise<Change[]> {
  const { services } = await deps.config.current();
  const changes = await Promise.all(ids.map((id) => deps.changes.get(id)));
  return changes.filter((change): change is Change => {
    const late = change && relatedTo(services, incident, change);
    return late !== undefined && late !== null && wasMissed(inputs, late);
  });
}

async function judgedIncidentOf(
  deps: Deps,
  id: IncidentId,
  {
    status,
    number,
    decision,
    inputs,
  }: Pick<JudgedIncident, 'status' | 'number'> & { decision: DecisionView; inputs: DecisionInputs },
): Promise<JudgedIncident> {
  const [effect, ended] = await Promise.all([
    deps.effects.get(id, rollbackKey(id, number)),
    deps.decisions.outcome(id, number),
  ]);
  const concluded = ended !== undefined && ended.outcome !== null;
  return { status, number, decision, effect, requestedBy: inputs.request.by, concluded };
}

/**
 * Judges again without storing the result. If it differs, withdraws an open question.
 *
 * @returns why the stored judgement stays valid; null: the incident must be judged again
 */
async function whyNotRepeated(
  deps: Deps,
  incident: IncidentRecord,
  { number, decision, request }: { number: number; decision: DecisionView; request: JudgementRequest },
): Promise<string | null> {
  const { id } = incident;
  if (isSameRollback(decision, await judgeNow(deps, incident, request))) return 'judged again with the same result';
  if (decision.state === 'waiting') await withdrawQuestion(deps, id, decision, 'firebreak', WITHDRAWN);
  // The rollback may have been approved meanwhile.
  return (await deps.decisions.state(id, number)) === 'approved' ? APPROVED : null;
}

const WITHDRAWN = 'Question withdrawn: a change was recorded late, so the incident is judged again';

import type { Deps } from '../../core/domain/ports/deps.ts';
import { type Act, actsOf, flagDoneText, isSameAct, ROLL_BACK } from '../../core/domain/rollback/same-act.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incidents/incident.ts';
import { wake } from '../wake.ts';
import { actsAsked, askedAround } from './runbook/act-gate.ts';
import { withdrawQuestion } from './withdraw-questions.ts';

/** What was done. `from`: the version that was rolled back. `because`: what was done, and by whom. */
export type DoneAct = { act: Act; from?: string; because: string };

type CloseDeps = Pick<Deps, 'incidents' | 'decisions' | 'engine'>;

/**
 * Closes the questions that ask for something that was done, in all open incidents of the environment. Safe to repeat.
 *
 * @param own incident in which it was done, if any, because the list of open ones can be a moment behind
 */
export async function closeQuestionsDone(deps: CloseDeps, done: DoneAct, own?: IncidentId): Promise<void> {
  const { environment } = done.act;
  const open = (await deps.incidents.open()).flatMap((one) => (one.environment === environment ? [one.id] : []));
  for (const id of new Set([...(own === undefined ? [] : [own]), ...open])) await closeIn(deps, id, done);
}

async function closeIn(deps: CloseDeps, id: IncidentId, done: DoneAct): Promise<void> {
  const view = await deps.incidents.view(id);
  for (const decision of view?.decisions ?? []) {
    if (decision.state !== 'waiting' || !(await asksFor(deps, id, decision, done))) continue;
    await withdrawQuestion(deps, id, decision, { by: 'firebreak', because: done.because, isDone: true });
    await wake(deps, id);
  }
}

async function asksFor(
  deps: CloseDeps,
  id: IncidentId,
  decision: DecisionView,
  { act, from }: DoneAct,
): Promise<boolean> {
  const acts = await actsAsked(deps, id, decision);
  if (!acts.some((one) => isSameAct(one, act))) return false;
  if (act.does !== ROLL_BACK) return true;
  const { from_version, offers } = decision;
  const versions = offers?.flatMap((offer) => (offer.act === 'roll_back' ? [offer.from_version] : [])) ?? [
    from_version,
  ];
  return versions.some((version) => version === from);
}

/**
 * Closes a question about a flag that was turned off before the question existed. Both sides write before they read, so at least
 * one of them sees the other.
 */
export async function closeIfDone(
  deps: CloseDeps & Pick<Deps, 'incidentGroups'>,
  incident: Pick<IncidentRecord, 'id' | 'parent_id'>,
  decision: DecisionView,
): Promise<void> {
  if (decision.state !== 'waiting' || decision.offers === undefined) return;
  const { effects } = await askedAround(deps, incident);
  const because = actsOf(decision)
    .map((act) => flagDoneText(act, effects))
    .find((text) => text !== null);
  if (because) await withdrawQuestion(deps, incident.id, decision, { by: 'firebreak', because, isDone: true });
}

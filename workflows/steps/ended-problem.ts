import { currentDecisions, isLaterProblem } from '../../core/domain/incidents/new-onset.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { wake } from '../wake.ts';
import { healthNow } from './health-now.ts';
import { withdrawQuestion } from './withdraw-questions.ts';

/** Why a question is withdrawn. */
export const ENDED = 'the problem that it was about is over';

/** Alerts that are read to find those of a later problem. */
const SIGNALS_READ = 200;

/**
 * Withdraws the questions about a later problem whose alerts have ended, while something else keeps the incident open, such as an alert
 * that is slow to end. If an alert of that problem fires again, it is judged again. What a person proposed stays. Safe to repeat.
 */
export async function followLaterProblem(deps: Deps, id: IncidentId): Promise<void> {
  const view = await deps.incidents.view(id);
  const incident = await deps.incidents.read(id);
  if (view === undefined || incident === undefined || !isLaterProblem(incident)) return;
  const decisions = currentDecisions({ incident, decisions: view.decisions }).filter(
    ({ question, reasons }) => question === undefined && !reasons.some(({ code }) => code === 'requested_by_person'),
  );
  const waiting = decisions.filter(({ state }) => state === 'waiting');
  const withdrawn = decisions.at(-1)?.withdrawn?.because === ENDED ? decisions.at(-1) : undefined;
  if (waiting.length === 0 && withdrawn === undefined) return;
  const problem = await stateOf(deps, incident);
  if (problem === 'ended')
    for (const decision of waiting) await withdrawQuestion(deps, id, decision, { by: 'firebreak', because: ENDED });
  if (problem === 'firing' && withdrawn !== undefined) {
    await deps.incidents.post(id, { kind: 'judge_again', changes: [] }, {}, `fires-again-${withdrawn.id}`);
    await wake(deps, id);
  }
}

/** Returns whether alerts of a later problem fire, or have ended and health is within its limit. Null: there are none, or it is not. */
async function stateOf(
  deps: Deps,
  { id, new_onset: onset, ...place }: IncidentRecord,
): Promise<'firing' | 'ended' | null> {
  const { items } = await deps.incidents.signals(id, { limit: SIGNALS_READ });
  const own = items.filter(({ startsAt }) => onset !== undefined && startsAt >= onset.recovered_at);
  if (own.some(({ status }) => status === 'firing')) return 'firing';
  return own.length === 0 || (await healthNow(deps, place))?.verdict.outcome === 'failed' ? null : 'ended';
}

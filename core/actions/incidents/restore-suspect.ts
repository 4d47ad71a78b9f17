import { clearingOf, withWithdrawn } from '../../domain/changes/cleared-suspects.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { withdrawQuestion } from '../../../workflows/steps/withdraw-questions.ts';
import { wake } from '../../../workflows/wake.ts';
import { Refusal } from '../../domain/refusal.ts';
import { incidentResolved, requireIncident } from './require-incident.ts';
import { changeOf, isOpenRollbackQuestion, needsJudgement, rollbacksOf } from './clear-suspect.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';

type RestoreDeps = Pick<Deps, 'incidents' | 'decisions' | 'changes' | 'clock' | 'engine'>;

/**
 * Suspects a cleared change again and evaluates it with the other suspects. Any action requires approval.
 *
 * @param text text for the timeline; empty: a default text
 * @returns the updated incident
 * @throws Refusal 403, 404; 409 `not-cleared`, `incident-resolved`
 */
export async function restoreSuspectChange(
  deps: RestoreDeps,
  caller: Caller,
  { id, change: changeId, text = '' }: { id: IncidentId; change: string; text?: string },
): Promise<IncidentView> {
  const before = await requireIncident(deps, id);
  caller.allow('incidents:act', before);
  const change = await changeOf(deps, before, changeId);
  const earlier = before.cleared.find(({ change_id }) => change_id === change.id);
  const cleared = clearingOf(before.cleared, change);
  if (cleared === undefined) {
    if (earlier?.restored?.by === caller.name) return before;
    throw new Refusal(409, 'not-cleared', `incident ${id} has no cleared suspect ${change.version}`);
  }
  const restored = { by: caller.name, at: deps.clock.now() };
  // A rollback that a person requested is not asked again.
  const questions = before.decisions.filter(isOpenRollbackQuestion);
  const waitsForSecondPerson = questions.some(({ because }) => because === 'second_person');
  const judge =
    (await rollbacksOf(deps, before, change)).length === 0 && needsJudgement(before) && !waitsForSecondPerson;
  const posted = await deps.incidents.post(
    id,
    { kind: 'cleared', by: caller.name, change: change.id, judge },
    (now) => ({
      cleared: withWithdrawn(now.cleared, [cleared], restored),
      timeline: {
        actor: caller.name,
        kind: 'suspect.restored',
        text: text || `Suspected ${change.version} again`,
        detail: { change: cleared.change_id, version: change.version },
      },
    }),
    `suspected-again-${cleared.change_id}-after-${cleared.at}`,
  );
  if (!posted) throw incidentResolved(before);
  const withdrawal = { by: caller.name, because: `${change.version} is suspected again` };
  if (judge) for (const decision of questions) await withdrawQuestion(deps, id, decision, withdrawal);
  await acknowledgeByActing(deps, caller, id);
  await wake(deps, id);
  return requireIncident(deps, id);
}

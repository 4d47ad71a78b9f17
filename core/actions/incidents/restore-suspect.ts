import { incidentName } from '../../domain/incidents/incident-number.ts';
import { clearingOf, withWithdrawn } from '../../domain/changes/cleared-suspects.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId, Version } from '../../../schemas/config/names.ts';
import { withdrawQuestion } from '../../../workflows/steps/withdraw-questions.ts';
import { wake } from '../../../workflows/wake.ts';
import { Refusal } from '../../domain/refusal.ts';
import { incidentResolved, requireIncident } from './require-incident.ts';
import {
  changeOf,
  isOpenRollbackQuestion,
  needsJudgement,
  pinWords,
  rollbackNow,
  type RollbackOfSuspect,
  rollbacksOf,
  toWords,
} from './clear-suspect.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';

type RestoreDeps = Pick<Deps, 'incidents' | 'decisions' | 'changes' | 'clock' | 'engine' | 'pins'>;

/** Result of suspecting a cleared change again. */
export type RestoringResult = {
  /** The updated incident. */
  incident: IncidentView;
  version: Version;
  /** Whether it is evaluated with the other suspects now. */
  judged: boolean;
  /** Null: the change was not rolled back. */
  rollback: RollbackOfSuspect | null;
};

/**
 * Suspects a cleared change again and evaluates it with the other suspects, unless it was rolled back or the incident is
 * mitigated. Any action requires approval. A pin that the clearing lifted stays lifted.
 *
 * @param text text for the timeline; empty: a default text
 * @throws Refusal 403, 404; 409 `not-cleared`, `incident-resolved`
 */
export async function restoreSuspectChange(
  deps: RestoreDeps,
  caller: Caller,
  { id, change: changeId, text = '' }: { id: IncidentId; change: string; text?: string },
): Promise<RestoringResult> {
  const before = await requireIncident(deps, id);
  caller.allow('incidents:act', before);
  const change = await changeOf(deps, before, changeId);
  const earlier = before.cleared.find(({ change_id }) => change_id === change.id);
  const cleared = clearingOf(before.cleared, change);
  // A rollback that a person requested is not asked again.
  const questions = before.decisions.filter(isOpenRollbackQuestion);
  const waitsForSecondPerson = questions.some(({ because }) => because === 'second_person');
  const rollbacks = await rollbacksOf(deps, before, change);
  const judge = rollbacks.length === 0 && needsJudgement(before) && !waitsForSecondPerson;
  const result = async (incident: IncidentView): Promise<RestoringResult> => ({
    incident,
    version: change.version,
    judged: judge,
    rollback: await rollbackNow(deps, rollbacks, change),
  });
  if (cleared === undefined) {
    if (earlier?.restored?.by === caller.name) return result(before);
    throw new Refusal(409, 'not-cleared', `${incidentName(before)} has no cleared suspect ${change.version}`);
  }
  const restored = { by: caller.name, at: deps.clock.now() };
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
  return result(await requireIncident(deps, id));
}

/** Says what suspecting a change again did. */
export function restoringWords({ incident, version, judged, rollback }: RestoringResult): string {
  if (judged)
    return `${version} is suspected again, and Firebreak now evaluates it with the other suspects. Any action requires approval.`;
  if (rollback?.state === 'under_way')
    return `${version} is suspected again. Its rollback${toWords(rollback)} is in progress and continues.`;
  if (rollback !== null)
    return `${version} is suspected again. It was already rolled back${toWords(rollback)}, so it is not evaluated again. ${pinWords(rollback)}`;
  const why =
    incident.status === 'mitigated'
      ? 'the incident is mitigated'
      : needsJudgement(incident)
        ? 'a rollback that a person requested waits for approval'
        : 'a rollback is in progress';
  return `${version} is suspected again. It is not evaluated now, because ${why}.`;
}

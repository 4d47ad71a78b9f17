import { actorOf, type Redeploy, redeployOf, redeployText, byWhom } from '../../core/domain/changes/redeploy.ts';
import { activeClearings, clearingOf, withWithdrawn } from '../../core/domain/changes/cleared-suspects.ts';
import { endOf } from '../../core/domain/changes/versions.ts';
import type { Evidence } from '../../core/domain/correlation/evidence.ts';
import { onsetOf } from '../../core/domain/correlation/onset.ts';
import { isLaterProblem, mitigated } from '../../core/domain/incidents/new-onset.ts';
import type { Redeploy as Followed } from '../../core/domain/incidents/response.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { ROLL_BACK } from '../../core/domain/rollback/same-act.ts';
import type { Change } from '../../schemas/changes/change.ts';
import type { ChangeId, IncidentId } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { closeQuestionsDone } from './close-questions.ts';
import { isOfDrill, isOwnInProgress, pinRemoved } from './pin-removed.ts';
import { passedOfWindow, verifyRedeploy } from './verify.ts';
import { awaitVerdict } from './watch-health.ts';

/** Number of changes read, to find the version that a change replaced. */
const CHANGES_READ = 50;

/** A change by which a person mitigated the incident. `isUnclear`: it can be Firebreak's own rollback in progress. */
type Found = Redeploy & { change: Change; isUnclear: boolean };

/**
 * Returns the first of these changes by which a person has replaced the probable cause by an earlier version. Null: none has.
 *
 * @param evidence of the newest judgement
 */
export async function findRedeploy(
  deps: Pick<Deps, 'changes' | 'drills' | 'effects'>,
  incident: IncidentRecord,
  evidence: Evidence,
  ids: readonly ChangeId[],
): Promise<Found | null> {
  if (incident.suspects.length === 0 && activeClearings(incident.cleared).length === 0) return null;
  const { earliest: onset } = onsetOf(evidence);
  for (const id of ids) {
    if (isRecoveredOtherwise(incident, id)) continue;
    const change = await deps.changes.get(id);
    if (change === undefined || change.environment !== incident.environment) continue;
    const changes = await deps.changes.recent(change, CHANGES_READ);
    // Only these have the versions as they are compared.
    const known = changes.find((one) => one.id === id);
    const found = known && redeployOf(incident, changes, known, onset);
    if (known === undefined || found == null || (await isOfDrill(deps, known))) continue;
    const isUnclear = incident.status === 'mitigating' || (await isOwnInProgress(deps, known));
    return { ...found, change: known, isUnclear };
  }
  return null;
}

/** Returns whether another mitigation than this change has verifiably ended the problem: then it is only a precaution. */
const isRecoveredOtherwise = (incident: IncidentRecord, change: ChangeId): boolean =>
  incident.verification === 'passed' && incident.verifying?.change !== change && !isLaterProblem(incident);

/**
 * Records that a person has mitigated the incident, pins the version that was replaced, marks it as rolled back, and closes the
 * questions that ask for that. Safe to repeat.
 *
 * @param number of the newest judgement, which suspects the version
 */
export async function noteRedeploy(
  deps: Pick<Deps, 'changes' | 'clock' | 'decisions' | 'engine' | 'incidents' | 'pins'>,
  id: IncidentId,
  number: number,
  found: Found,
): Promise<void> {
  const { change, replaced, suspect, undone } = found;
  const { service, environment, version } = change;
  await deps.incidents.post(
    id,
    { kind: 'redeployed', change: change.id, number },
    (now) => {
      if (now.status === 'mitigating') throw new Error('a mitigation has begun since; the step is retried');
      // Reports often lack the end of a deploy, so the window begins now.
      const rejected = clearingOf(now.cleared, suspect);
      return {
        ...mitigated(now, { number, change: change.id, at: deps.clock.now() }),
        ...(rejected !== undefined && {
          cleared: withWithdrawn(now.cleared, [rejected], { by: actorOf(change), at: deps.clock.now() }),
        }),
        timeline: {
          actor: actorOf(change),
          kind: 'mitigation.by_hand',
          text: redeployText(change, found),
          detail: { change: change.id, service, version, replaces: suspect.version, finished_at: endOf(change) },
        },
      };
    },
    `redeployed-${change.id}`,
  );
  await deps.changes.revise(suspect.id, (one) => ({ ...one, rolled_back_by: one.rolled_back_by ?? id }));
  for (const removed of undone) await pinRemoved(deps, change, removed, id);
  // A question can ask for either, if the suspect runs below another version.
  for (const from of new Set([suspect.version, replaced.version])) {
    const because = `${from} of ${service} was replaced by ${version}, which was deployed again${byWhom(change)}`;
    await closeQuestionsDone(deps, { act: { service, environment, does: ROLL_BACK }, from, because }, id);
  }
  await wake(deps, id);
}

/** Verifies at the end of the window whether the redeploy helped. Continues after an earlier run of the workflow. */
export async function followRedeploy(
  run: Run,
  { incidentId: id, ...redeploy }: Followed & { incidentId: IncidentId },
  deps: Deps,
): Promise<void> {
  const passedSeconds = (await run.step('begin-window', () => passedOfWindow(deps, id, redeploy))) ?? 0;
  await awaitVerdict(run, { incidentId: id, mitigation: redeploy, order: null, passedSeconds }, deps);
  await run.step('verify', () => verifyRedeploy(deps, id, redeploy));
}

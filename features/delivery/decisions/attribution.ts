import type { AttributionCorrection, DeployRecord } from '../deploy-record.ts';
import type { DoraIncident } from '../dora.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { activeClearings } from '../../../core/domain/changes/cleared-suspects.ts';
import { isProbable } from '../../../core/domain/correlation/words.ts';
import { causeOf } from '../../../core/domain/incidents/cause.ts';
import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import { restoreSeconds } from '../../../core/domain/incidents/figures.ts';
import { endedProblemsOf, type Problem, type WithProblems } from '../../../core/domain/incidents/problems.ts';
import { didNotHelp } from '../../../core/domain/rollback/verdict.ts';

/** An incident as far as delivery figures need it. Its suspects exclude what was suspected and excluded. */
export type ObservedIncident = Pick<
  IncidentRecord,
  | 'id'
  | 'number'
  | 'service'
  | 'environment'
  | 'title'
  | 'status'
  | 'opened_at'
  | 'resolved_at'
  | 'resolved_by'
  | 'closed_as'
  | 'firing'
  | 'cleared'
  | 'last_requests'
> &
  WithProblems;

/**
 * Attributes each problem of an incident to a deploy, in this order: to the one that a person named, which is about the whole incident; to
 * the one that was rolled back for it, unless the rollback did not help or the deploy was excluded; to the change that is its cause, if that
 * is certain enough. Nearness in time alone attributes nothing.
 *
 * @param rolledBack deploys that were rolled back in this incident
 */
export function attributedIncident(
  incident: ObservedIncident,
  rolledBack: readonly RolledBack[],
  correction: AttributionCorrection | undefined,
  confirmedConfidence: number,
): DoraIncident {
  const { id, number = null, service, environment, title, opened_at, resolved_at } = incident;
  const closedAs = closedAsOf(incident);
  const all = endedProblemsOf(incident);
  const problems = all.map((problem) => ({
    opened_at: problem.opened_at,
    ended_at: problem.ended_at,
    ...(correction === undefined
      ? attributionOf(problem, incident, rolledBackFor(problem, all, rolledBack), confirmedConfidence)
      : { deployment_id: correction.deployment_id, attributed_by: 'person' as const }),
  }));
  const first = problems.find(({ deployment_id: deploy }) => deploy !== null) ?? problems[0];
  return {
    id,
    number,
    service,
    environment,
    title,
    opened_at,
    resolved_at,
    closed_as: closedAs,
    restore_s: restoreSeconds(incident),
    deployment_id: first?.deployment_id ?? null,
    attributed_by: first?.attributed_by ?? 'none',
    problems,
    correction: correction === undefined ? null : { by: correction.by, at: correction.at, reason: correction.reason },
  };
}

type RolledBack = Pick<DeployRecord, 'id' | 'started_at'>;

/**
 * Returns the deploys that were rolled back for a problem: those that it suspects most, and of deploys that no problem suspects those that
 * started before it, and not before an earlier one.
 */
function rolledBackFor(problem: Problem, all: readonly Problem[], rolledBack: readonly RolledBack[]): RolledBack[] {
  const confidence = (one: Problem, deploy: RolledBack): number =>
    one.suspects.find(({ change_id: change }) => change === deploy.id)?.confidence ?? -1;
  return rolledBack
    .filter((deploy) => {
      // People also roll back what was deployed after the problem began.
      const possible = all.filter(
        (one) => deploy.started_at <= one.at || isProbable({ confidence: confidence(one, deploy) }),
      );
      const [suspecting] = possible.toSorted((a, b) => confidence(b, deploy) - confidence(a, deploy));
      const isSuspected = suspecting !== undefined && confidence(suspecting, deploy) >= 0;
      return (isSuspected ? suspecting : possible[0])?.number === problem.number;
    })
    .toSorted((a, b) => confidence(problem, b) - confidence(problem, a));
}

function attributionOf(
  problem: Problem,
  incident: ObservedIncident,
  rolledBack: readonly RolledBack[],
  confirmedConfidence: number,
): Pick<DoraIncident, 'deployment_id' | 'attributed_by'> {
  const inVain = didNotHelp(problem) ? rolledBack.map(({ id }) => id) : [];
  // Records of older versions do not name what was rolled back in vain.
  const excluded = new Set([...activeClearings(incident.cleared).map(({ change_id }) => change_id), ...inVain]);
  const undone = rolledBack.find((deploy) => !excluded.has(deploy.id));
  if (undone !== undefined) return { deployment_id: undone.id, attributed_by: 'rolled_back' };
  const cause = causeOf(incident, problem);
  const isConfirmed = cause.kind === 'change' && cause.suspect.confidence >= confirmedConfidence;
  return isConfirmed && !excluded.has(cause.suspect.change_id)
    ? { deployment_id: cause.suspect.change_id, attributed_by: 'confidence' }
    : { deployment_id: null, attributed_by: 'none' };
}

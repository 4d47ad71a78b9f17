import type { AttributionCorrection, DeployRecord } from '../deploy-record.ts';
import type { DoraIncident } from '../dora.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { closedAsOf } from '../../../core/domain/incidents/closing.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';

/** An incident as far as delivery figures need it. Its suspects exclude those that people ruled out. */
export type ObservedIncident = Pick<
  IncidentRecord,
  | 'id'
  | 'service'
  | 'environment'
  | 'title'
  | 'status'
  | 'opened_at'
  | 'resolved_at'
  | 'resolved_by'
  | 'closed_as'
  | 'suspects'
  | 'cleared'
  | 'verification'
>;

/**
 * Attributes an incident to a deploy, in this order: to the one that a person named; to the one that was rolled back in
 * the incident, unless the rollback did not help or a person ruled the deploy out; to the most probable suspect, if it
 * is certain enough. Nearness in time alone attributes nothing.
 *
 * @param rolledBack deploys that were rolled back in this incident
 */
export function attributedIncident(
  incident: ObservedIncident,
  rolledBack: readonly Pick<DeployRecord, 'id'>[],
  correction: AttributionCorrection | undefined,
  confirmedConfidence: number,
): DoraIncident {
  const { id, service, environment, title, opened_at, resolved_at } = incident;
  const closedAs = closedAsOf(incident);
  return {
    id,
    service,
    environment,
    title,
    opened_at,
    resolved_at,
    closed_as: closedAs,
    // Nothing shows when, or whether, an unverified incident ended.
    restore_s: resolved_at === null || closedAs === 'unverified' ? null : secondsBetween(opened_at, resolved_at),
    ...attributionOf(incident, rolledBack, correction, confirmedConfidence),
    correction: correction === undefined ? null : { by: correction.by, at: correction.at, reason: correction.reason },
  };
}

function attributionOf(
  { suspects, cleared = [], verification }: ObservedIncident,
  rolledBack: readonly Pick<DeployRecord, 'id'>[],
  correction: AttributionCorrection | undefined,
  confirmedConfidence: number,
): Pick<DoraIncident, 'deployment_id' | 'attributed_by'> {
  if (correction !== undefined) return { deployment_id: correction.deployment_id, attributed_by: 'person' };
  const ruledOut = new Set(cleared.filter(({ restored }) => !restored).map(({ change_id: change }) => change));
  const undoneDeploy = verification === 'failed' ? undefined : rolledBack.find((deploy) => !ruledOut.has(deploy.id));
  if (undoneDeploy !== undefined) return { deployment_id: undoneDeploy.id, attributed_by: 'rolled_back' };
  const [topSuspect] = suspects.filter(({ change_id: change }) => !ruledOut.has(change));
  const didNotHelp = verification === 'failed' && rolledBack.some((deploy) => deploy.id === topSuspect?.change_id);
  return topSuspect !== undefined && topSuspect.confidence >= confirmedConfidence && !didNotHelp
    ? { deployment_id: topSuspect.change_id, attributed_by: 'confidence' }
    : { deployment_id: null, attributed_by: 'none' };
}

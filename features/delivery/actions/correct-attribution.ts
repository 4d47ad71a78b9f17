import type { AttributionCorrection } from '../deploy-record.ts';
import type { Deps } from '../ports.ts';
import type { ChangeId, IncidentId } from '../../../schemas/config/names.ts';
import { requireIncident } from '../../../core/actions/incidents/require-incident.ts';
import type { Caller } from '../../../core/actions/people/caller.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

type AttributionDeps = Pick<Deps, 'attributions' | 'changes' | 'incidents' | 'clock' | 'reports'>;

/**
 * Records which deploy caused an incident, in place of the engine's suspect. Also possible after the incident is
 * resolved. Automation does not depend on it.
 *
 * @param input.deployment null: no deploy caused it
 * @throws Refusal 403, 404; 409 `not-a-deployment`
 */
export async function correctAttribution(
  deps: AttributionDeps,
  caller: Caller,
  { id, deployment, reason }: { id: IncidentId; deployment: ChangeId | null; reason: string },
): Promise<AttributionCorrection> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:act', incident);
  const name = deployment === null ? null : await deployName(deps, deployment);
  const { service, environment } = incident;
  const at = deps.clock.now();
  const correction = { incident_id: id, service, environment, deployment_id: deployment, reason, by: caller.name, at };
  await deps.attributions.correct(correction, `corrected-${at}`);
  deps.reports.forget();
  await deps.incidents.note(id, `attribution-corrected-${at}`, {
    at,
    actor: caller.name,
    kind: 'attribution.corrected',
    text:
      name === null
        ? `In the delivery figures, no deployment caused this incident: ${reason}`
        : `In the delivery figures, ${name} caused this incident: ${reason}`,
    detail: { deployment_id: deployment },
  });
  return correction;
}

async function deployName({ changes }: Pick<Deps, 'changes'>, id: ChangeId): Promise<string> {
  const change = await changes.get(id);
  if (change === undefined) throw new Refusal(404, 'unknown-deployment', `there is no deployment ${id}`);
  if (change.kind !== 'deploy' && change.kind !== 'hotfix')
    throw new Refusal(409, 'not-a-deployment', `${id} is a change of kind ${change.kind}; name a deploy or a hotfix`);
  return `${change.service} ${change.version}`;
}

/**
 * Withdraws the correction, so that the engine's suspect counts again.
 *
 * @throws Refusal 403, 404
 */
export async function withdrawAttribution(
  deps: AttributionDeps,
  caller: Caller,
  { id }: { id: IncidentId },
): Promise<void> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:act', incident);
  const correction = await deps.attributions.get(id);
  if (correction === undefined)
    throw new Refusal(404, 'no-attribution', `the attribution of ${incidentName(incident)} was not corrected`);
  const at = deps.clock.now();
  await deps.attributions.withdraw(correction, { name: caller.name, at }, `withdrawn-${at}`);
  deps.reports.forget();
  await deps.incidents.note(id, `attribution-withdrawn-${at}`, {
    at,
    actor: caller.name,
    kind: 'attribution.withdrawn',
    text: 'The correction of its cause in the delivery figures was withdrawn',
    detail: null,
  });
}

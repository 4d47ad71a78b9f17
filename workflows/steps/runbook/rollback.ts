import type { Deps } from '../../../domain/ports.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd } from '../../runbook-step.ts';
import { wake } from '../../wake.ts';

/** From which judgement on the runbook's rollback is looked for. */
export type AskedRollback = { from: number };

/** Leaves the wish in the inbox: the incident judges it as it judges an alert's. Where an alert asks, that is the one. */
export async function askForRollback(deps: Deps, { incidentId, number }: RunbookInput): Promise<AskedRollback> {
  const [incident, followed] = await Promise.all([
    deps.incidents.read(incidentId),
    deps.runbooks.get(incidentId, number),
  ]);
  if (incident === undefined || followed === undefined)
    throw new Error(`incident ${incidentId} or its runbook ${number} is not in the table`);
  const { name, mode = null } = followed.runbook;
  const message = { kind: 'runbook_rollback', runbook: name, mode } as const;
  await deps.incidents.post(incidentId, message, {}, `runbook-${number}-rollback`);
  await wake(deps, incidentId);
  return { from: incident.asks_rollback ? 1 : incident.mitigations + 1 };
}

/** Null: it is not over yet. */
export async function lookForRollback(
  deps: Deps,
  { incidentId }: RunbookInput,
  { from }: AskedRollback,
): Promise<StepEnd | null> {
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved')
    return { status: 'skipped', output: null, detail: 'the incident is over', closed: true };
  const newest = Math.max(from, incident.mitigations);
  const outcome = await deps.decisions.outcome(incidentId, newest);
  if (outcome === null || outcome === undefined) return null;
  const decision = await deps.decisions.get(incidentId, newest);
  const output = {
    outcome,
    because: decision?.because ?? null,
    from_version: decision?.from_version ?? null,
    to_version: decision?.to_version ?? null,
  };
  if (outcome === 'succeeded') return { status: 'succeeded', output, detail: `rolled back to ${output.to_version}` };
  if (outcome === 'not_taken') return { status: 'skipped', output, detail: `no rollback: ${output.because}` };
  if (outcome === 'rejected' || outcome === 'expired')
    return { status: 'declined', output, detail: outcome === 'rejected' ? 'a person said no' : 'nobody answered' };
  return { status: 'failed', output, detail: `the rollback ended as ${outcome}` };
}

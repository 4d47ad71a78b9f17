import type { Deps } from '../../../domain/ports.ts';
import type { AskedBy } from '../../../domain/rollback.ts';
import type { MitigationOutcome } from '../../../schemas/inbox.ts';
import type { IncidentRecord } from '../../../schemas/incident.ts';
import type { RunbookInput } from '../../runbook.ts';
import type { StepEnd } from '../../runbook-step.ts';
import { wake } from '../../wake.ts';

/** Judgements of what nobody has asked for are none of a runbook's. */
const ASKED: ReadonlySet<AskedBy> = new Set(['alert', 'person', 'runbook']);

/** Leaves the wish in the inbox: the incident judges it as it judges an alert's. Where an alert asks, that is the one. */
export async function askForRollback(deps: Deps, { incidentId, number }: RunbookInput): Promise<null> {
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
  return null;
}

/** Null: it is not over yet. */
export async function lookForRollback(deps: Deps, { incidentId }: RunbookInput): Promise<StepEnd | null> {
  const incident = await deps.incidents.read(incidentId);
  if (incident === undefined || incident.status === 'resolved')
    return { status: 'skipped', output: null, detail: 'the incident is over', closed: true };
  const judged = await newestAskedFor(deps, incident);
  if (judged === null || judged.outcome === null) return null;
  const { outcome } = judged;
  const decision = await deps.decisions.get(incidentId, judged.number);
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

/** Null: none was judged yet. */
async function newestAskedFor(
  deps: Deps,
  { id, mitigations }: IncidentRecord,
): Promise<{ number: number; outcome: MitigationOutcome | null } | null> {
  for (let number = mitigations; number >= 1; number -= 1) {
    const judged = await deps.decisions.outcome(id, number);
    if (judged !== undefined && ASKED.has(judged.asked)) return { number, outcome: judged.outcome };
  }
  return null;
}

import type { Deps } from '../../domain/ports/deps.ts';
import type { Caller } from '../people/caller.ts';
import { supersededText } from '../../domain/changes/superseded.ts';
import { requireIncident } from '../incidents/require-incident.ts';
import { numberOf } from '../../domain/rollback/question-names.ts';
import { Refusal } from '../../domain/refusal.ts';
import { whyNoLook } from '../../domain/look/may-look.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import { wake } from '../../../workflows/wake.ts';

/**
 * Requests a controlled look for a question: Firebreak tests the two versions before anybody approves. A repeat has no effect.
 *
 * @param input.digest of the decision. Absent: the newest question that waits
 * @returns the updated incident
 * @throws Refusal 403, 404; 409 `superseded` if the question waits no more, `look-refused` if it can't be tested
 */
export async function requestLook(
  deps: Pick<Deps, 'incidents' | 'decisions' | 'looks' | 'engine'>,
  caller: Caller,
  { id, digest }: { id: IncidentId; digest?: string | undefined },
): Promise<IncidentView> {
  const incident = await requireIncident(deps, id);
  caller.allow('incidents:act', incident);
  const waiting = incident.decisions.filter(({ state, question }) => state === 'waiting' && question === undefined);
  const decision = digest === undefined ? waiting.at(-1) : waiting.find((one) => one.digest === digest);
  if (decision === undefined) throw new Refusal(409, 'superseded', supersededText(incident, digest ?? ''));
  if (decision.target !== null) caller.allow('incidents:act', decision.target);
  const number = Number(numberOf(decision.id));
  const [inputs, known] = await Promise.all([deps.decisions.inputs(id, number), deps.looks.get(id, number)]);
  if (known !== undefined) return incident;
  const why = inputs === undefined ? 'what the decision is based on is not stored' : whyNoLook(decision, inputs);
  if (why !== null) throw new Refusal(409, 'look-refused', `the versions can't be tested: ${why}`);
  await deps.incidents.post(id, { kind: 'look', by: caller.name, number }, {}, `look-${number}`);
  await wake(deps, id);
  return requireIncident(deps, id);
}

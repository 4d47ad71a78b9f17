import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentView } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { supersededText } from '../../domain/changes/superseded.ts';
import { chosenOffer, hasDigest } from '../../domain/rollback/offers.ts';
import { wake } from '../../../workflows/wake.ts';
import { Refusal } from '../../domain/refusal.ts';
import { requireIncident } from './require-incident.ts';
import { acknowledgeByActing } from './acknowledge-by-acting.ts';
import type { Caller } from '../people/caller.ts';

export type Answer = { id: IncidentId; digest: string; answer: 'approved' | 'rejected'; note: string };

type AnswerDeps = Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'clock' | 'engine'>;

/**
 * Answers a waiting decision. Repeating the same answer succeeds. An approval requires permission for the service that
 * would be changed, which can be another than the incident's. For a rejection, permission for the incident is enough.
 *
 * @returns the updated incident. `isRepeated`: the question had this answer already, so nothing has changed
 * @throws Refusal 403, 404; 409 `superseded`, `choose`, `second-person-needed`, `paused`, `automation-paused`
 */
export async function answerDecision(
  deps: AnswerDeps,
  caller: Caller,
  { id, digest, answer, note }: Answer,
): Promise<{ incident: IncidentView; isRepeated: boolean }> {
  const before = await requireIncident(deps, id);
  allowAnswer(caller, before, { digest, answer });
  if (answer === 'approved') await refusePaused(deps, before, digest);
  const result = await deps.decisions.answer(id, digest, answer, caller.name, note);
  if (result === 'needs_another')
    throw new Refusal(
      409,
      'second-person-needed',
      'you have already approved this, in person or with a token; a second person must approve it',
    );
  if (result === 'not_requested')
    throw new Refusal(403, 'not-asked', 'the runbook asks other people; see its timeline entry');
  if (result === 'choose')
    throw new Refusal(
      409,
      'choose',
      'several changes could be the cause: approve one of the acts in `offers` by its digest (if two people must approve, the same one)',
    );
  if (result === 'superseded')
    throw new Refusal(409, 'superseded', supersededText(await requireIncident(deps, id), digest));
  // A page can have come since, which this answer is not about.
  if (result === 'taken') await acknowledgeByActing(deps, caller, id);
  await wake(deps, id);
  return { incident: await requireIncident(deps, id), isRepeated: result === 'repeated' };
}

function allowAnswer(
  caller: Caller,
  incident: IncidentView,
  { digest, answer }: Pick<Answer, 'digest' | 'answer'>,
): void {
  const decision = incident.decisions.find((one) => hasDigest(one, digest));
  const target = (decision && chosenOffer(decision, digest)) ?? decision?.target ?? incident;
  if (answer === 'rejected' && mayAct(caller, incident)) return;
  caller.allow('incidents:act', { service: target.service, environment: target.environment });
}

function mayAct(caller: Caller, { service, environment }: ServiceEnvironment): boolean {
  try {
    caller.allow('incidents:act', { service, environment });
    return true;
  } catch {
    return false;
  }
}

/**
 * Refuses an approval while automation is paused: it would have no effect, and the question would not be asked again.
 * So the question stays open.
 */
async function refusePaused(
  deps: Pick<Deps, 'automation' | 'incidents'>,
  { id, decisions }: IncidentView,
  digest: string,
): Promise<void> {
  if (!decisions.some((decision) => decision.state === 'waiting' && hasDigest(decision, digest))) return;
  if ((await deps.automation.read()).paused)
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so an approval would have no effect; the question stays open; resume automation first',
    );
  if ((await deps.incidents.read(id))?.automation_paused === true)
    throw new Refusal(
      409,
      'paused',
      `the automation of this incident is paused, so an approval would have no effect; the question stays open: first POST /v1/incidents/${id}/actions/resume`,
    );
}

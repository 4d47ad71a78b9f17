import type { Deps, Place } from '../../domain/ports.ts';
import type { IncidentView } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { wake } from '../../workflows/wake.ts';
import { Refusal } from '../api/problem.ts';
import { view } from './incident-view.ts';
import { seesToIt } from './sees-to-it.ts';
import type { Who } from './who.ts';

export type Answer = { id: IncidentId; digest: string; answer: 'approved' | 'rejected'; note: string };

type AnswerDeps = Pick<Deps, 'automation' | 'incidents' | 'decisions' | 'clock' | 'engine'>;

/**
 * Answers the decision that waits. The same answer again by the same person is success. A yes is for whoever may act on
 * what would be changed, which can be another service than the incident's; a no also for whoever may act on the incident.
 *
 * @returns the incident as it is now
 * @throws Refusal 403, 404; 409 `superseded`, `second-person-needed`, `paused`, `automation-paused`
 */
export async function answerDecision(
  deps: AnswerDeps,
  who: Who,
  { id, digest, answer, note }: Answer,
): Promise<IncidentView> {
  const before = await view(deps, id);
  allowAnswer(who, before, { digest, answer });
  if (answer === 'approved') await refusePaused(deps, before, digest);
  const taken = await deps.decisions.answer(id, digest, answer, who.name, note);
  if (taken === 'needs_another')
    throw new Refusal(
      409,
      'second-person-needed',
      'you are for it already, in person or by a token; a second person has to be, too',
    );
  if (taken === 'not_asked')
    throw new Refusal(403, 'not-asked', 'the runbook asks other people; its timeline entry says whom');
  if (taken === 'superseded')
    throw new Refusal(
      409,
      'superseded',
      'no decision with this digest waits for an answer any more; read the incident again',
    );
  await seesToIt(deps, who, id);
  await wake(deps, id);
  return view(deps, id);
}

function allowAnswer(who: Who, incident: IncidentView, { digest, answer }: Pick<Answer, 'digest' | 'answer'>): void {
  const target = incident.decisions.find((decision) => decision.digest === digest)?.target ?? incident;
  if (answer === 'rejected' && mayAct(who, incident)) return;
  who.allow('incidents:act', { service: target.service, environment: target.environment });
}

function mayAct(who: Who, { service, environment }: Place): boolean {
  try {
    who.allow('incidents:act', { service, environment });
    return true;
  } catch {
    return false;
  }
}

/** Nothing would come of a yes, and nobody would be asked again: the question waits until it can be carried out. */
async function refusePaused(
  deps: Pick<Deps, 'automation' | 'incidents'>,
  { id, decisions }: IncidentView,
  digest: string,
): Promise<void> {
  if (!decisions.some((decision) => decision.state === 'waiting' && decision.digest === digest)) return;
  if ((await deps.automation.read()).paused)
    throw new Refusal(
      409,
      'automation-paused',
      'the kill switch is on, so nothing would come of it; the question still waits: PUT /v1/automation {"paused": false} first',
    );
  if ((await deps.incidents.read(id))?.automation_paused === true)
    throw new Refusal(
      409,
      'paused',
      `the automation of this incident is paused, so nothing would come of it; the question still waits: POST /v1/incidents/${id}/actions/resume first`,
    );
}

import { repeatedText } from '../../../core/domain/changes/superseded.ts';
import { hasDigest } from '../../../core/domain/rollback/offers.ts';
import type { DecisionView } from '../../../schemas/incidents/incident.ts';
import { answerDecision } from '../../../core/actions/incidents/answer-decision.ts';
import { requestLook } from '../../../core/actions/look/request-look.ts';
import { answered } from '../outcome.ts';
import type { IncidentVerb, RunIncidentVerb } from './verb.ts';

type Answer = { digest: string; answer: 'approved' | 'rejected' };

/** The buttons of an approval request. */
export const answer: IncidentVerb<Answer> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: {
    approve: ({ digest }) => ({ digest, answer: 'approved' }),
    reject: ({ digest }) => ({ digest, answer: 'rejected' }),
  },
};

export const runAnswer: RunIncidentVerb<Answer> = async (deps, { caller }, id, { digest, answer: response }) => {
  const { incident, isRepeated } = await answerDecision(deps, caller, { id, digest, answer: response, note: '' });
  if (isRepeated) return answered(repeatedText(incident, digest));
  const decision = incident.decisions.find((candidate) => hasDigest(candidate, digest));
  if (response === 'approved' && decision?.state === 'waiting') return answered(missingApprovals(decision.approvals));
  return answered(response === 'approved' ? 'Approved.' : 'Rejected: the action is not executed.');
};

/** Says how many approvals are still missing. */
function missingApprovals({ needed, given }: DecisionView['approvals']): string {
  const more = needed - given.length;
  const approvers = more > 1 ? `${more} more people` : needed === 2 ? 'A second person' : 'One more person';
  return `Approval ${given.length} of ${needed} recorded. ${approvers} must approve this as well: nothing has been done yet.`;
}

/** The button that tests the versions of a question before anybody approves. */
export const test: IncidentVerb<{ digest: string }> = {
  permission: 'incidents:act',
  ofIncident: true,
  buttons: { test_versions: ({ digest }) => ({ digest }) },
};

export const runTest: RunIncidentVerb<{ digest: string }> = async (deps, { caller }, id, { digest }) => {
  await requestLook(deps, caller, { id, digest });
  return answered('Testing a fresh instance of each version. The timeline shows the result within 5 minutes.');
};

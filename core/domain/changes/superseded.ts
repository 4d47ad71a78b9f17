import type { DecisionView, IncidentView } from '../../../schemas/incidents/incident.ts';
import { hasDigest } from '../rollback/offers.ts';
import { subjectOf } from '../messages/decision-lines.ts';
import { clockText } from '../../../schemas/time/time.ts';

/** Says that an answer was given before, so that it has changed nothing. */
export const repeatedText = (incident: IncidentView, digest: string): string =>
  `Nothing has changed: ${supersededText(incident, digest)}.`;

/** Describes the current state of a decision that was answered too late or by an outdated button, in one sentence. */
export function supersededText({ status, resolved_at, decisions }: IncidentView, digest: string): string {
  const question = decisions.find((decision) => hasDigest(decision, digest));
  if (question?.state === 'approved' || question?.state === 'rejected')
    return `${question.answered_by ?? 'an unknown person'} has already ${question.state} it`;
  if (status === 'resolved' && resolved_at !== null) return `the incident was resolved at ${clockText(resolved_at)}`;
  const waiting = decisions.findLast(({ state }) => state === 'waiting');
  if (waiting !== undefined) return `another question is waiting now: ${subjectOf(waiting)}`;
  if (question?.state === 'expired') return 'the question expired without an answer';
  if (question?.withdrawn !== undefined) return `the question was withdrawn: ${question.withdrawn.because}`;
  return `no question is waiting any more${lastDecisionText(decisions)}`;
}

function lastDecisionText(decisions: readonly DecisionView[]): string {
  const last = decisions.at(-1);
  if (last === undefined) return '';
  const by = last.answered_by === null ? '' : ` by ${last.answered_by}`;
  return last.state === 'final' ? '' : `; the last one was ${last.state}${by}`;
}

import type { IncidentRecord, STATUS_FIELDS } from '../../../schemas/incidents/incident.ts';
import { closedWords } from './closing.ts';
import { isLaterProblem, laterProblemEnd, onsetWords, recoveredOtherwise } from './new-onset.ts';

const STATUS_WORDS: Record<IncidentRecord['status'], string> = {
  open: 'open',
  mitigating: 'mitigating',
  mitigated: 'mitigated, not verified yet',
  resolved: 'resolved',
};

/** The only state of an open incident that is good news. */
export const VERIFIED_WORDS = 'mitigated and verified';

/** Returns the state of an incident in words, the same in every channel. @example 'mitigated and verified' */
export function statusWords(
  incident: Pick<IncidentRecord, 'status'> &
    Partial<Pick<IncidentRecord, keyof typeof STATUS_FIELDS | 'resolved_by' | 'closed_as'>>,
): string {
  const { status, verification } = incident;
  const isOver = status === 'mitigated' && verification === 'passed';
  if ((status === 'open' && laterProblemEnd(incident) !== undefined) || (isOver && recoveredOtherwise(incident)))
    return 'open: the problem is over';
  // Nothing has shown that a problem began when a person reopened the incident.
  if (status === 'open' && incident.reopened_by !== undefined && incident.new_onset?.at === incident.reopened_at)
    return 'open: reopened by a person';
  if (status === 'open' && isLaterProblem(incident))
    return `open: another problem began ${onsetWords(incident.new_onset?.after_change?.name)}`;
  if (isOver) return VERIFIED_WORDS;
  if (status === 'open' && verification === 'failed') return 'open: the mitigation did not help';
  return closedWords({ resolved_by: null, ...incident })?.words ?? STATUS_WORDS[status];
}

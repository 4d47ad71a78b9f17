import type { EarlierProblem } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { MIN_CONFIDENCE_TO_ASK } from '../correlation/weights.ts';
import { likelihoodText } from '../correlation/words.ts';

/**
 * Tells a problem that was over, or went on, when the next one of its incident began. Times are UTC.
 *
 * @param index of the problem, from 0
 * @example 'Problem 1, from 03:02. Probable cause: v2 (98 %). Mitigated at 03:16, ended at 03:17'
 */
export function problemText(
  { at, after_change: change, suspects, mitigation, recovered_at: end }: EarlierProblem,
  index: number,
): string {
  const [suspect] = suspects;
  const cause =
    suspect !== undefined && suspect.confidence >= MIN_CONFIDENCE_TO_ASK
      ? likelihoodText(suspect.version, suspect.confidence)
      : 'No change is its probable cause';
  const mitigated =
    mitigation === undefined
      ? 'Not mitigated'
      : `Mitigated${mitigation.change === undefined ? '' : ' by hand'}${mitigation.at === undefined ? '' : ` at ${clock(mitigation.at)}`}`;
  const ended = end === undefined ? 'its end is not known' : `ended at ${clock(end)}`;
  return `Problem ${index + 1}, from ${clock(at)}${change === undefined ? '' : `, after ${change}`}. ${cause}. ${mitigated}, ${ended}`;
}

const clock = (at: Timestamp): string => at.slice(11, 16);

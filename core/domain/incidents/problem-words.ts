import { suspectName } from '../changes/change-words.ts';
import type { EarlierProblem } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { isProbable, likelihoodText } from '../correlation/words.ts';
import { didNotHelp } from '../rollback/verdict.ts';

/**
 * Tells the problems of an incident that were over, or had not ended, when the next one began. Times are UTC, with their day if there
 * are several.
 *
 * @example ['Problem 1, from 03:02. Probable cause: v2 (98 %). Mitigated at 03:16, ended at 03:17']
 */
export function problemTexts(problems: readonly EarlierProblem[]): string[] {
  const texts = problemClauses(problems);
  return texts.map((text, index) => `Problem ${index + 1}, ${text}`);
}

/**
 * Returns the same without numbers.
 *
 * @param others mitigations of other incidents, which can have ended a problem that has none itself
 * @example ['from 03:02. Probable cause: v2 (98 %). Mitigated at 03:16, ended at 03:17']
 */
export function problemClauses(problems: readonly EarlierProblem[], others: readonly Mitigated[] = []): string[] {
  const days = new Set(problems.flatMap(({ at, recovered_at: end = at }) => [dayOf(at), dayOf(end)]));
  const clock = (at: Timestamp): string => `${days.size > 1 ? `${dayOf(at)} ` : ''}${at.slice(11, 16)}`;
  return problems.map((problem, index) => {
    const { at, after_change: change, recovered_at: end } = problem;
    const began = `from ${clock(at)}${change === undefined ? '' : `, after ${change}`}`;
    const other = problem.mitigation === undefined ? others.find((one) => isWithin(problem, one)) : undefined;
    const after = other === undefined ? '' : `, after ${other.name} was mitigated at ${clock(other.at)}`;
    const ended = end === undefined ? 'nothing shows when it ended' : `ended at ${clock(end)}${after}`;
    const isJudged = problem.judged > (problems[index - 1]?.judged ?? 0);
    const judged = isJudged ? causeText(problem) : 'Not judged';
    return [began, judged, `${mitigationText(problem, clock)}, ${ended}`].join('. ');
  });
}

const dayOf = (at: Timestamp): string => at.slice(0, 10);

function causeText({ suspects: [suspect] }: EarlierProblem): string {
  return suspect !== undefined && isProbable(suspect)
    ? likelihoodText(suspectName(suspect), suspect.confidence)
    : 'No change is its probable cause';
}

function mitigationText(problem: EarlierProblem, clock: (at: Timestamp) => string): string {
  const { mitigation } = problem;
  if (mitigation === undefined) return 'Not mitigated';
  const { change, at } = mitigation;
  const where = change === undefined ? '' : ' outside Firebreak';
  const when = at === undefined ? '' : ` at ${clock(at)}`;
  return didNotHelp(problem) ? `A mitigation${where}${when} did not help` : `Mitigated${where}${when}`;
}

/** A mitigation of an incident. @example { name: 'INC-7 payments', at: '2026-11-20T03:16:00.000Z' } */
type Mitigated = { name: string; at: Timestamp };

const isWithin = ({ at, recovered_at: end }: EarlierProblem, other: Mitigated): boolean =>
  end !== undefined && other.at >= at && other.at <= end;

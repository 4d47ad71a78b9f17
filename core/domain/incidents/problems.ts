import type { DecisionView, EarlierProblem, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { numberOf } from '../rollback/question-names.ts';
import { openProblem } from './new-onset.ts';

/** Problems that an incident keeps. An incident of more than that keeps the first, and the newest ones. */
const KEPT_MAX = 30;

/** Suspects that are kept of a problem, the most probable ones. */
const SUSPECTS_KEPT = 5;

/** A problem of an incident, from its onset until the next one began. */
export type Problem = EarlierProblem & {
  /** 1, 2, 3 …, in their order. */
  number: number;
  /** When the next problem began. Null: it is the newest. */
  until: Timestamp | null;
  /** Number of the newest judgement of the problems before it. */
  judgedBefore: number;
};

/** The fields of an incident that tell of its problems. */
export type WithProblems = Parameters<typeof openProblem>[0] & Pick<IncidentRecord, 'earlier_problems'>;

/**
 * Returns the problems of an incident, oldest first. An incident of an older version has one, whatever happened.
 */
export function problemsOf(incident: WithProblems): readonly Problem[] {
  const all = [...(incident.earlier_problems ?? []), openProblem(incident)];
  return all.map((problem, index) => ({
    ...problem,
    number: index + 1,
    until: all[index + 1]?.at ?? null,
    judgedBefore: all[index - 1]?.judged ?? 0,
  }));
}

/** Returns the decisions about a problem. Those of runbooks, which have questions of their own, are about the problem of their time. */
export const decisionsOf = <D extends Pick<DecisionView, 'id' | 'at' | 'question'>>(
  problem: Problem,
  decisions: readonly D[],
): D[] =>
  decisions.filter(({ id, at, question }) => {
    if (question !== undefined) return isDuring(problem, at);
    const number = Number(numberOf(id));
    // The newest problem can have been judged since the incident was read.
    return number > problem.judgedBefore && (problem.until === null || number <= problem.judged);
  });

/** Returns whether something happened while a problem was the newest one. */
export const isDuring = ({ number, at, until }: Pick<Problem, 'number' | 'at' | 'until'>, when: Timestamp): boolean =>
  (number === 1 || when >= at) && (until === null || when < until);

/** Adds a problem to those that were before it. */
export function withProblem(earlier: readonly EarlierProblem[] = [], ended: EarlierProblem): EarlierProblem[] {
  const all = [...earlier, { ...ended, suspects: ended.suspects.slice(0, SUSPECTS_KEPT) }];
  return all.length <= KEPT_MAX ? all : [...all.slice(0, 1), ...all.slice(2)];
}

import type { DecisionView, EarlierProblem, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { numberOf } from '../rollback/question-names.ts';
import type { Evidence } from '../correlation/evidence.ts';
import { type Onset, onsetOf } from '../correlation/onset.ts';
import { isProbable } from '../correlation/words.ts';
import { shownEndOf } from './closing.ts';
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
  /** It began later: what is known of the problem before it was over by then, and the change after which it began could be the cause. Null: it is the first. */
  notBefore: Timestamp | null;
};

/** The fields of an incident that tell of its problems. */
export type WithProblems = Parameters<typeof openProblem>[0] & Pick<IncidentRecord, 'earlier_problems'>;

/**
 * Returns the problems of an incident, oldest first, so that each begins after the mitigation and the end of the one before: an alert
 * can claim an earlier start. An incident of an older version has one, whatever happened.
 */
export function problemsOf(incident: WithProblems): readonly Problem[] {
  const all: Omit<Problem, 'until'>[] = [];
  for (const problem of [...(incident.earlier_problems ?? []), openProblem(incident)]) {
    const before = all.at(-1);
    const over = before === undefined ? null : plusSeconds(lastOf(before), 0.001);
    const changed = problem.after_change_at;
    const notBefore = over !== null && changed !== undefined && changed > over ? changed : over;
    const at = notBefore !== null && problem.at < notBefore ? notBefore : problem.at;
    all.push({ ...problem, at, number: all.length + 1, judgedBefore: before?.judged ?? 0, notBefore });
  }
  return all.map((problem, index) => ({ ...problem, until: all[index + 1]?.at ?? null }));
}

/**
 * Returns the measured onset of a problem, within what is known of it: it began neither before the end of the one before it, nor
 * before the change that is its probable cause.
 */
export function measuredOnset(
  { notBefore, suspects }: Pick<Problem, 'notBefore' | 'suspects'>,
  evidence: Evidence,
): Onset {
  const onset = onsetOf(evidence);
  const probable = suspects.filter(isProbable).toSorted((a, b) => b.confidence - a.confidence)[0];
  const cause = evidence.changes.find(({ change }) => change.id === probable?.change_id)?.change.started_at;
  const limits = [notBefore, cause].flatMap((at) => (at != null && at <= evidence.onset.alertStartedAt ? [at] : []));
  const bounded = (at: Timestamp): Timestamp => limits.reduce((latest, limit) => (limit > latest ? limit : latest), at);
  return { ...onset, at: bounded(onset.at), earliest: bounded(onset.earliest), latest: bounded(onset.latest) };
}

/** Returns the last time that is known of a problem. */
const lastOf = ({ at, mitigation, recovered_at: end }: EarlierProblem): Timestamp =>
  [at, mitigation?.at, end]
    .filter((time) => time !== undefined)
    .toSorted()
    .at(-1) ?? at;

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

/** When a problem began and ended. `ended_at`: null: it is open, or nothing has shown its end. */
export type ProblemSpan = { opened_at: Timestamp; ended_at: Timestamp | null };

/**
 * Returns when the last problem of an incident had ended. Null: nothing has shown it. A verified recovery shows it also while an alert that is
 * slow to end keeps the incident open.
 */
export function lastEndOf(incident: WithProblems & Parameters<typeof shownEndOf>[0]): Timestamp | null {
  const { status, verification, recovered_at: end } = incident;
  const isVerified = status === 'mitigated' && verification === 'passed';
  return shownEndOf(incident) ?? (isVerified ? (end ?? null) : null);
}

/** Returns the problems of an incident with their ends. */
export const endedProblemsOf = (incident: WithProblems & Parameters<typeof shownEndOf>[0]): (Problem & ProblemSpan)[] =>
  withEnds(problemsOf(incident), lastEndOf(incident));

/**
 * Adds the end of each problem. One that had not ended when the next one began ended with that.
 *
 * @param lastEnd end of the incident. Null: nothing has shown one
 */
export function withEnds<P extends Pick<Problem, 'at' | 'until' | 'recovered_at'>>(
  problems: readonly P[],
  lastEnd: Timestamp | null,
): (P & ProblemSpan)[] {
  let end = lastEnd;
  return problems
    .toReversed()
    .map((problem) => {
      end = problem.until === null && lastEnd === null ? null : (problem.recovered_at ?? end);
      return { ...problem, opened_at: problem.at, ended_at: end };
    })
    .toReversed();
}

/**
 * Returns the seconds in which at least one problem was open: the service was well between two problems. Null: the last one is open, or
 * nothing has shown its end.
 */
export function openSeconds(problems: readonly ProblemSpan[]): number | null {
  if (problems.at(-1)?.ended_at == null) return null;
  let [sum, until] = [0, problems[0]?.opened_at];
  for (const { opened_at, ended_at } of problems) {
    const from = until !== undefined && opened_at < until ? until : opened_at;
    if (ended_at === null || ended_at <= from) continue;
    sum += secondsBetween(from, ended_at);
    until = ended_at;
  }
  return sum;
}

/** Adds a problem to those that were before it. */
export function withProblem(earlier: readonly EarlierProblem[] = [], ended: EarlierProblem): EarlierProblem[] {
  const all = [...earlier, { ...ended, suspects: ended.suspects.slice(0, SUSPECTS_KEPT) }];
  return all.length <= KEPT_MAX ? all : [...all.slice(0, 1), ...all.slice(2)];
}

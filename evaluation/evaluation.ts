import { cases } from './generate.ts';
import type { Judge, Judgement } from './judge.ts';
import { nearestEarlierDeploy } from './nearest.ts';
import { newTally, type Outcome, outcomeOf, questionOf, type Report } from './report.ts';
import { replays } from './replays/index.ts';
import type { Replay } from './replays/replay.ts';

export type ReplayResult = {
  id: string;
  title: string;
  right: Replay['label']['right'];
  why: string;
  outcome: Outcome;
  action: Judgement['action'];
  nearest: Outcome;
};

export type Evaluation = {
  /** The first is the set that results are quoted of; the others show that nothing was fitted to it. */
  sets: { seed: number; report: Report; nearest: Report }[];
  replays: ReplayResult[];
};

type Judges<Name extends string> = Readonly<Record<Name, Judge>>;

/**
 * Has every set judged by each judge, and by the rule that everybody has in mind, and every replay. All of them judge the
 * same case before the next is made: making takes longer than judging, and a set is too large to keep.
 */
export function evaluateAll<Name extends string>(
  judges: Judges<Name>,
  seeds: readonly number[],
): Record<Name, Evaluation> {
  const sets = seeds.map((seed) => oneSet(judges, seed));
  return mapped(judges, (judge, name) => ({
    sets: sets.map(({ seed, reports, nearest }) => ({ seed, report: reports[name], nearest })),
    replays: replays.map((replay) => oneReplay(judge, replay)),
  }));
}

function oneSet<Name extends string>(judges: Judges<Name>, seed: number) {
  const nearest = newTally();
  const tallies = mapped(judges, (judge) => ({ judge, tally: newTally() }));
  const all = Object.values<(typeof tallies)[Name]>(tallies);
  for (const one of cases(seed)) {
    const question = questionOf(one);
    nearest.add(one, nearestEarlierDeploy(question));
    for (const { judge, tally } of all) tally.add(one, judge(question));
  }
  return { seed, reports: mapped(tallies, ({ tally }) => tally.report()), nearest: nearest.report() };
}

/** The same names with other values. */
const mapped = <Name extends string, From, To>(
  from: Readonly<Record<Name, From>>,
  make: (one: From, name: Name) => To,
): Record<Name, To> =>
  Object.fromEntries(Object.entries<From>(from).map(([name, one]) => [name, make(one, name as Name)])) as Record<
    Name,
    To
  >;

function oneReplay(judge: Judge, { id, title, label, why, ...rest }: Replay): ReplayResult {
  const question = { id, evidence: rest.evidence, history: rest.history, policy: rest.policy };
  const judgement = judge(question);
  return {
    id,
    title,
    right: label.right,
    why,
    outcome: outcomeOf(label, judgement),
    action: judgement.action,
    nearest: outcomeOf(label, nearestEarlierDeploy(question)),
  };
}

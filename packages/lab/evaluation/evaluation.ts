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
  /** The committed results are those of the first set; the others guard against fitting the engine to it. */
  sets: { seed: number; report: Report; nearest: Report }[];
  replays: ReplayResult[];
};

type Judges<Name extends string> = Readonly<Record<Name, Judge>>;

/**
 * Evaluates every set and every replay with each judge and with the rule "nearest earlier deploy". All judge a case before the
 * next one is generated, because generating is slower than judging, and a set is too large for memory.
 */
export async function evaluateAll<Name extends string>(
  judges: Judges<Name>,
  seeds: readonly number[],
): Promise<Record<Name, Evaluation>> {
  const sets = [];
  for (const seed of seeds) sets.push(await oneSet(judges, seed));
  const replayed = mapped(judges, (judge) => replays.map((replay) => oneReplay(judge, replay)));
  const results: Partial<Record<Name, Evaluation>> = {};
  for (const name of Object.keys(judges) as Name[])
    results[name] = {
      sets: sets.map(({ seed, reports, nearest }) => ({ seed, report: reports[name], nearest })),
      replays: await Promise.all(replayed[name]),
    };
  return results as Record<Name, Evaluation>;
}

async function oneSet<Name extends string>(judges: Judges<Name>, seed: number) {
  const nearest = newTally();
  const tallies = mapped(judges, (judge) => ({ judge, tally: newTally() }));
  const all = Object.values<(typeof tallies)[Name]>(tallies);
  for (const one of cases(seed)) {
    const question = questionOf(one);
    nearest.add(one, nearestEarlierDeploy(question));
    for (const { judge, tally } of all) tally.add(one, await judge(question));
  }
  return { seed, reports: mapped(tallies, ({ tally }) => tally.report()), nearest: nearest.report() };
}

/** Maps the values of an object. */
const mapped = <Name extends string, From, To>(
  from: Readonly<Record<Name, From>>,
  make: (one: From, name: Name) => To,
): Record<Name, To> =>
  Object.fromEntries(Object.entries<From>(from).map(([name, one]) => [name, make(one, name as Name)])) as Record<
    Name,
    To
  >;

async function oneReplay(judge: Judge, { id, title, label, why, ...rest }: Replay): Promise<ReplayResult> {
  const question = { id, evidence: rest.evidence, history: rest.history, policy: rest.policy };
  const judgement = await judge(question);
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

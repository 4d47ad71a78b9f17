import { cases, DEFAULT_SEED, FURTHER_SEEDS } from './generate.ts';
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

/** Has every set judged, and by the rule that everybody has in mind, and every replay. */
export function evaluateAll(judge: Judge, seeds: readonly number[] = [DEFAULT_SEED, ...FURTHER_SEEDS]): Evaluation {
  return { sets: seeds.map((seed) => oneSet(judge, seed)), replays: replays.map((replay) => oneReplay(judge, replay)) };
}

function oneSet(judge: Judge, seed: number): Evaluation['sets'][number] {
  const [own, nearest] = [newTally(), newTally()];
  for (const one of cases(seed)) {
    own.add(one, judge(questionOf(one)));
    nearest.add(one, nearestEarlierDeploy(questionOf(one)));
  }
  return { seed, report: own.report(), nearest: nearest.report() };
}

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

import { describe, expect, test } from 'vitest';
import { correlationResults } from '../../bench/measurements/correlation.ts';
import { missed } from '../../bench/results.ts';
import type { Kind } from '../../evaluation/case.ts';
import { type Evaluation, evaluateAll } from '../../evaluation/evaluation.ts';
import { casesOfKind, DEFAULT_SEED } from '../../evaluation/generate.ts';
import type { Judge } from '../../evaluation/judge.ts';
import { nearestEarlierDeploy } from '../../evaluation/nearest.ts';
import { evaluate } from '../../evaluation/report.ts';

const nobody: Judge = () => ({ action: 'none', change_id: null, confidence: 0, ranked: [] });

const some = (kind: Kind) => [...casesOfKind(DEFAULT_SEED, kind, 12)];
const [negatives, clear, forPerson] = [some('coincidence'), some('bad_deploy'), some('with_migration')];
const cases = [...negatives, ...clear, ...forPerson];

const set = async (judge: Judge): Promise<Evaluation['sets'][number]> => ({
  seed: 1,
  report: await evaluate(cases, judge),
  nearest: await evaluate(cases, nearestEarlierDeploy),
});
const evaluation = async (...judges: Judge[]): Promise<Evaluation> => ({
  sets: await Promise.all(judges.map(set)),
  replays: [],
});

const lines = (strict: Evaluation, lax: Evaluation) => {
  const all = correlationResults({ version: strict, proved: lax, time: lax });
  const [wrong, bound, left, laxWrong, ...more] = all.map((one) => ({
    ...one,
    isMet: missed([{ part: 'correlation', ...one }]).length === 0,
  }));
  expect(more).toEqual([]);
  return { wrong, bound, left, laxWrong };
};

describe('the lines of the evaluation', () => {
  test('a judge that never acts is never wrong, and misses all clear cases', async () => {
    const { wrong, left, laxWrong } = lines(await evaluation(nobody), await evaluation(nobody));
    expect(wrong).toMatchObject({ value: 0, ratio: 0, isMet: true });
    expect(laxWrong).toMatchObject({ value: 0, isMet: true });
    expect(left).toMatchObject({ value: 100, reference: 10, ratio: 10, isMet: false });
  });

  test('show the worst set', async () => {
    const both = await evaluation(nobody, nearestEarlierDeploy);
    const { wrong, laxWrong } = lines(both, both);
    expect(wrong?.value).toBeGreaterThan(0);
    expect(wrong).toMatchObject({ ratio: 1, isMet: false });
    expect(laxWrong).toMatchObject({ ratio: 1, isMet: false });
  });

  test('count automatic rollbacks that a person had to decide as wrong', async () => {
    const positive = new Set(forPerson.map(({ id }) => id));
    const rash: Judge = (question) => (positive.has(question.id) ? nearestEarlierDeploy(question) : nobody(question));
    const acted = forPerson.filter((one) => nearestEarlierDeploy(one).action === 'roll_back').length;
    const { wrong, bound } = lines(await evaluation(rash), await evaluation(nobody));
    expect(acted).toBeGreaterThan(0);
    expect(wrong?.value).toBeCloseTo((100 * acted) / cases.length, 2);
    // The bound is of negatives only: none of twelve.
    expect(bound).toMatchObject({ reference: 0.1, isMet: false });
    expect(bound?.value).toBeCloseTo(100 * (1 - 0.05 ** (1 / negatives.length)), 2);
  });
});

test('results of several judges of the same cases are separate', async () => {
  const { idle, nearest } = await evaluateAll({ idle: nobody, nearest: nearestEarlierDeploy }, []);
  expect(new Set(idle.replays.map(({ action }) => action))).toEqual(new Set(['none']));
  expect(nearest.replays.map(({ outcome }) => outcome)).toEqual(idle.replays.map((replay) => replay.nearest));
});

import { expect, test } from 'vitest';
import { comparedRules } from '../../bench/measurements/canary.ts';
import { CANARY_SEED, evaluateCanaries } from '../../evaluation/canary/evaluate.ts';
import { readTrace, replayed, TRACES } from '../../evaluation/canary/replay.ts';

test('the judge keeps its error rates on a sample', () => {
  const { judge } = comparedRules;
  const rows = evaluateCanaries({ judge }, { cases: 100, seed: CANARY_SEED }).judge;
  const of = (wanted: (regression: string) => boolean) => rows.filter(({ regression }) => wanted(regression));
  const sum = (list: typeof rows, key: 'cases' | 'degraded') => list.reduce((total, row) => total + row[key], 0);
  const good = of((regression) => regression === 'none');
  const bad = of((regression) => regression !== 'none');
  // At most 1 % of false alarms, and 10 % of misses. The sample is fixed by its seed.
  expect(sum(good, 'degraded') / sum(good, 'cases')).toBeLessThanOrEqual(0.01);
  expect(1 - sum(bad, 'degraded') / sum(bad, 'cases')).toBeLessThanOrEqual(0.1);
});

test('the judge keeps its error rates on recorded traffic, side by side', () => {
  const { judge } = comparedRules;
  const rows = TRACES.flatMap((name) => {
    const trace = readTrace(name);
    return evaluateCanaries(
      { judge },
      { cases: 20, seed: CANARY_SEED, create: (draw, shape, regression) => replayed(trace, draw, shape, regression) },
    ).judge;
  });
  const sum = (list: typeof rows, key: 'cases' | 'degraded') => list.reduce((total, row) => total + row[key], 0);
  const good = rows.filter(({ regression }) => regression === 'none');
  const bad = rows.filter(({ regression, shape }) => regression !== 'none' && shape !== 'switch');
  expect(sum(good, 'degraded') / sum(good, 'cases')).toBeLessThanOrEqual(0.01);
  expect(1 - sum(bad, 'degraded') / sum(bad, 'cases')).toBeLessThanOrEqual(0.1);
});

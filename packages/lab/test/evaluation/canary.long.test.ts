import { expect, test } from 'vitest';
import { comparedRules } from '../../bench/measurements/canary.ts';
import { CANARY_SEED, evaluateCanaries } from '../../evaluation/canary/evaluate.ts';
import { HELD_OUT_TRACES, NEIGHBORS, readTrace, replayed, TRACES } from '../../evaluation/canary/replay.ts';

/** Only arithmetic, of about a minute of a processor that is not shared. */
const TIMEOUT_MS = 900_000;

test('the judge keeps its error rates on a sample', { timeout: TIMEOUT_MS }, () => {
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

test('the judge keeps its error rates on recorded traffic, side by side', { timeout: TIMEOUT_MS }, () => {
  const { judge } = comparedRules;
  const rows = TRACES.flatMap((name) => {
    const trace = readTrace(name);
    return evaluateCanaries(
      { judge },
      { cases: 8, seed: CANARY_SEED, create: (draw, shape, regression) => replayed(trace, draw, shape, regression) },
    ).judge;
  });
  const sum = (list: typeof rows, key: 'cases' | 'degraded') => list.reduce((total, row) => total + row[key], 0);
  const good = rows.filter(({ regression }) => regression === 'none');
  const bad = rows.filter(({ regression, shape }) => regression !== 'none' && shape !== 'switch');
  expect(sum(good, 'degraded') / sum(good, 'cases')).toBeLessThanOrEqual(0.01);
  expect(1 - sum(bad, 'degraded') / sum(bad, 'cases')).toBeLessThanOrEqual(0.1);
});

test(
  'the judge finds errors after a full switch on held-out recordings, and raises few false alarms',
  { timeout: TIMEOUT_MS },
  () => {
    const { judge } = comparedRules;
    const rows = HELD_OUT_TRACES.flatMap((name) => {
      const [trace, neighbors] = [readTrace(name), NEIGHBORS[name].map(readTrace)];
      return evaluateCanaries(
        { judge },
        {
          cases: 10,
          seed: CANARY_SEED,
          create: (draw, shape, regression) => replayed(trace, draw, shape, regression, neighbors),
        },
      ).judge.filter(({ shape }) => shape === 'switch');
    });
    const share = (regression: string) => {
      const own = rows.filter((row) => row.regression === regression);
      return own.reduce((sum, row) => sum + row.degraded, 0) / own.reduce((sum, row) => sum + row.cases, 0);
    };
    expect(share('none')).toBeLessThanOrEqual(0.02);
    expect(share('errors')).toBeGreaterThanOrEqual(0.5);
  },
);

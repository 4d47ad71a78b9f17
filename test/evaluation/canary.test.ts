import { describe, expect, test } from 'vitest';
import { contestants } from '../../bench/measurements/canary.ts';
import { CANARY_SEED, canaryTable, evaluateCanaries } from '../../evaluation/canary/evaluate.ts';
import { increase } from '../../evaluation/canary/scrape.ts';

describe('the increase of a counter', () => {
  const steady = Float64Array.from({ length: 600 }, (_, second) => 2 * second);

  test('is extrapolated to the whole range', () => {
    expect(increase(steady, { from: 0, until: 600, phase: 7 }, 300, 60)).toBeCloseTo(120, 9);
  });

  test('ends with the series, and is unknown with fewer than two samples', () => {
    expect(increase(steady, { from: 0, until: 280, phase: 7 }, 300, 60)).toBeCloseTo(89, 9);
    expect(increase(steady, { from: 0, until: 250, phase: 7 }, 300, 60)).toBeNull();
    expect(increase(steady, { from: 290, until: 600, phase: 7 }, 300, 60)).toBeNull();
  });
});

test('the judge finds regressions, and raises no false alarm, in a few scenes', () => {
  const { judge } = contestants;
  const rows = evaluateCanaries({ judge }, { cases: 2, seed: CANARY_SEED }).judge;
  const degraded = (regression: string) =>
    rows.filter((row) => row.regression === regression).reduce((sum, row) => sum + row.degraded, 0);
  expect(degraded('none')).toBe(0);
  expect(degraded('latency')).toBeGreaterThanOrEqual(5);
  expect(degraded('errors')).toBeGreaterThanOrEqual(4);
  expect(canaryTable({ judge: rows }).split('\n')).toHaveLength(11);
});

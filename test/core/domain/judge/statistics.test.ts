import { describe, expect, test } from 'vitest';
import {
  boundsOf,
  changeAtMost,
  compareCounts,
  designEffectBeside,
  designEffectOf,
  type Pair,
} from '../../../../core/domain/judge/counts.ts';
import { incompleteBeta } from '../../../../core/domain/judge/incomplete-beta.ts';
import { rankTest } from '../../../../core/domain/judge/rank-test.ts';
import { shareOfLook } from '../../../../core/domain/judge/comparison.ts';

// The values are those of SciPy 1.17: scipy.special.betainc, stats.binomtest, stats.mannwhitneyu.

describe('the incomplete beta function', () => {
  test.each([
    [0.5, 2, 3, 0.6875],
    [0.01, 5, 995, 0.9711263344429543],
    [0.5, 150, 301, 0.9999999999996676],
    [0.3, 0.5, 0.5, 0.36901011956554536],
    [0.02, 31, 970, 0.012647748346112582],
    [0.5, 5000, 5200, 0.9761729147301896],
    [0.999, 100, 0.2, 0.3243924056484723],
    [0, 2, 3, 0],
    [1, 2, 3, 1],
  ])('I_%d(%d, %d)', (x, a, b, value) => {
    expect(incompleteBeta(x, a, b)).toBeCloseTo(value, 11);
  });

  test('refuses parameters that are not above 0', () => {
    expect(() => incompleteBeta(0.5, 0, 1)).toThrow(RangeError);
  });
});

const pair = (bad: number, total: number, baselineBad: number, baselineTotal: number): Pair => ({
  version: { bad, total },
  baseline: { bad: baselineBad, total: baselineTotal },
});

describe('the comparison of counts', () => {
  test('is the conditional binomial test', () => {
    expect(compareCounts([pair(12, 1000, 3, 1000)], 1)).toEqual({ change: 4, p: expect.closeTo(0.017578125, 10) });
    expect(compareCounts([pair(22, 750, 128, 14_250)], 1).p).toBeCloseTo(6.209876234660364e-6, 15);
  });

  test('takes the windows one by one: a growing share of the traffic is no growing share of the errors', () => {
    // Both have 10 % errors in the first window, and 1 % in the second, which the version gets more of.
    const windows = [pair(10, 100, 90, 900), pair(5, 500, 5, 500)];
    expect(compareCounts(windows, 1).p).toBeGreaterThan(0.3);
    const pooled = [pair(15, 600, 95, 1400)];
    expect(compareCounts(pooled, 1).p).toBeGreaterThan(0.99);
  });

  test('a design effect of 2 weakens the proof', () => {
    expect(compareCounts([pair(40, 1000, 20, 1000)], 2).p).toBeCloseTo(
      compareCounts([pair(20, 1000, 10, 1000)], 1).p,
      12,
    );
  });

  test('without bad events, nothing differs and nothing is excluded', () => {
    expect(compareCounts([pair(0, 1000, 0, 1000)], 1)).toEqual({ change: null, p: 1 });
    expect(changeAtMost([pair(0, 1000, 0, 1000)], 1, 0.95)).toBe(Infinity);
  });

  test('the upper bound of the change has its tail probability', () => {
    const bound = changeAtMost([pair(12, 1000, 30, 1000)], 1, 0.95);
    const share = bound / (1 + bound);
    expect(1 - incompleteBeta(share, 13, 30)).toBeCloseTo(0.05, 6);
  });

  test('bounds of a ratio are those of Clopper and Pearson', () => {
    const { lower, upper } = boundsOf({ bad: 3, total: 1000 }, 1, 0.95);
    expect(lower).toBeCloseTo(0.0008181753982217664, 9);
    expect(upper).toBeCloseTo(0.00773524471848195, 9);
    expect(boundsOf({ bad: 0, total: 300 }, 1, 0.95)).toEqual({
      lower: 0,
      upper: expect.closeTo(0.009936081944523173, 9),
    });
  });
});

describe('the design effect', () => {
  const steady = Array.from({ length: 30 }, (_, index) => ({ total: 1000, bad: index % 2 === 0 ? 8 : 12 }));

  test('is at least 1', () => {
    expect(designEffectOf(steady)).toBe(1);
    expect(designEffectOf([])).toBe(1);
  });

  test('is larger where bad events cluster', () => {
    const clustered = Array.from({ length: 30 }, (_, index) => ({ total: 1000, bad: index % 3 === 0 ? 30 : 0 }));
    expect(designEffectOf(clustered)).toBeGreaterThan(15);
  });

  test('what both versions share does not count side by side', () => {
    const shared = [10, 60, 10, 70, 10, 80].map((bad) => pair(bad, 1000, bad, 1000));
    expect(designEffectBeside(shared, steady)).toBeLessThan(1.2);
    const apart = [10, 60, 10, 70, 10, 80].map((bad, index) => pair(bad, 1000, index % 2 === 0 ? 80 : 10, 1000));
    expect(designEffectBeside(apart, steady)).toBeGreaterThan(10);
  });
});

describe('the rank test', () => {
  test.each([
    [[10, 11, 12], [1, 2, 3], 0.05],
    [[1.1, 2.2, 3.3, 9], [0.5, 2.1, 2.3, 3.1, 0.2], 0.14285714285714285],
    // With equal values: counted over all 6,435 selections.
    [[1, 2, 2, 3, 5, 5, 6, 9], [1, 1, 2, 2, 3, 3, 4], 578 / 6435],
    [[5], [5], 1],
    [[], [1, 2], 1],
  ])('%j against %j', (higher, lower, p) => {
    expect(rankTest(higher, lower)).toBeCloseTo(p, 12);
  });

  test('is approximated for many values', () => {
    const higher = Array.from({ length: 40 }, (_, index) => ((index * 1.37) % 17) + 2);
    const lower = Array.from({ length: 45 }, (_, index) => (index * 2.11) % 17);
    expect(rankTest(higher, lower)).toBeCloseTo(0.10968050491268411, 6);
  });
});

describe('the looks', () => {
  test('together cause no more false alarms than permitted', () => {
    const shares = Array.from({ length: 100_000 }, (_, index) => shareOfLook(index + 1));
    const sum = shares.reduce((total, share) => total + share, 0);
    expect(sum).toBeLessThanOrEqual(1 + 1e-9);
    expect(sum).toBeGreaterThan(0.999);
    expect(shares.slice(0, 10).reduce((total, share) => total + share, 0)).toBeCloseTo(0.8, 12);
  });
});

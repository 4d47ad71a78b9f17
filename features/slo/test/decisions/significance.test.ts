import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chanceOf, significant } from '../../decisions/budget/significance.ts';

test.each([
  // By hand: 1 - 0.999^30; 1 - (1 + 4) / 16.
  [1, 30, 0.001, 0.0295690327],
  [2, 4, 0.5, 0.6875],
  [0, 30, 0.001, 1],
  [5, 4, 0.5, 0],
  // By scipy.stats.binom.sf(k - 1, n, p).
  [3, 30, 0.001, 0.00000397863],
  [3, 818, 0.001, 0.0499582186],
  [3, 819, 0.001, 0.0501059197],
  [4, 1000, 0.001, 0.0189268335],
  [10, 4999, 0.001, 0.0317193084],
  [10, 49_990, 0.0001, 0.031784557],
])('the probability of at least %i of %i at %d', (failed, events, chance, expected) => {
  expect(chanceOf(failed, events, chance)).toBeCloseTo(expected, 9);
});

test('the probability of at least k is the sum of the exact probabilities', () => {
  const over = (n: number, k: number): number => (k === 0 ? 1 : (over(n - 1, k - 1) * n) / k);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.nat(40),
      fc.double({ min: 0.01, max: 0.6, noNaN: true }),
      (n, k, p) => {
        let expected = 0;
        for (let i = k; i <= n; i++) expected += over(n, i) * p ** i * (1 - p) ** (n - i);
        expect(chanceOf(k, n, p)).toBeCloseTo(expected, 9);
      },
    ),
  );
});

describe('counted events', () => {
  test.each([
    ['one failed request of a night', 30, 1, 0.001, false],
    ['it and its repeat', 30, 2, 0.001, false],
    ['three of thirty', 30, 3, 0.001, true],
    ['three of thirty that Prometheus extrapolated', 31.6, 3.16, 0.001, true],
    ['two that became 2.4', 36, 2.4, 0.001, false],
    ['all of very few', 19, 19, 0.001, false],
    ['all of a few', 20, 20, 0.001, true],
    ['three of 818, chance 4.996 %', 818, 3, 0.001, true],
    ['three of 819, chance 5.01 %', 819, 3, 0.001, false],
    ['four allowed, four failed', 4000, 4, 0.001, false],
    ['nine where five less one thousandth are allowed, chance 6.8 %', 4999, 9, 0.001, false],
    ['ten of them, chance 3.2 %', 4999, 10, 0.001, true],
    ['five allowed: as it is counted', 5000, 5, 0.001, true],
    ['many allowed', 1e9, 1e6, 0.001, true],
    ['no errors of few', 100, 0, 0.001, false],
    ['nothing at all', 0, 0, 0.001, false],
    ['a low objective, chance 8.7 %', 20, 7, 0.2, false],
    ['a low objective, chance 3.2 %', 20, 8, 0.2, true],
  ])('%s', (_, events, errors, allowed, expected) => {
    expect(significant({ events, errors }, allowed, null)).toBe(expected);
  });

  test('more errors are never less significant', () => {
    const some = fc.tuple(fc.nat(6000), fc.nat(6000), fc.constantFrom(0.5, 0.1, 0.01, 0.001, 0.0001));
    fc.assert(
      fc.property(some, ([a, b, allowed]) => {
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)];
        if (!significant({ events: 6000, errors: fewer }, allowed, null)) return;
        expect(significant({ events: 6000, errors: more }, allowed, null)).toBe(true);
      }),
    );
  });
});

test('for time, three bad moments are significant, and two are not', () => {
  const ofMinutes = (errors: number): boolean => significant({ events: 86_400, errors }, 0.001, 60);
  expect([ofMinutes(60), ofMinutes(120), ofMinutes(179), ofMinutes(180)]).toEqual([false, false, false, true]);
  expect(significant({ events: 300, errors: 300 }, 0.001, 300)).toBe(false);
});

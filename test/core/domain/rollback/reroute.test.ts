import { describe, expect, test } from 'vitest';
import { sameWeights, shiftWeights, weightsInWords } from '../../../../core/domain/rollback/reroute.ts';

const shift = (weights: Record<string, number>, percent: number, ceiling = 100, from = 'eu', to = 'us') =>
  shiftWeights(weights, { from, to, percent, ceiling });

describe('a shift of traffic', () => {
  test.each([
    ['half of it', { eu: 100, us: 0 }, 50, 100, { eu: 50, us: 50 }, 50],
    ['no more than the source has', { eu: 30, us: 70 }, 50, 100, { eu: 0, us: 100 }, 30],
    ['no more than the ceiling', { eu: 70, us: 30 }, 50, 60, { eu: 40, us: 60 }, 30],
    ['in weights of another sum', { eu: 4, us: 4 }, 25, 100, { eu: 2, us: 6 }, 25],
    [
      'with a third target, which keeps its weight',
      { eu: 60, us: 20, ap: 20 },
      20,
      100,
      { eu: 40, us: 40, ap: 20 },
      20,
    ],
    ['in new weights if those found cannot express it', { eu: 1, us: 0 }, 30, 100, { eu: 70, us: 30 }, 30],
    ['in the same weights, all of it', { eu: 1, us: 1, ap: 1 }, 40, 100, { eu: 0, us: 2, ap: 1 }, 33.3],
    ['in new weights, below the ceiling', { eu: 2, us: 1 }, 60, 50, { eu: 51, us: 49 }, 16],
    ['of a very small source', { eu: 1, us: 254 }, 100, 100, { eu: 0, us: 255 }, 0.4],
  ])('%s', (_, weights, percent, ceiling, after, moved) => {
    expect(shift(weights, percent, ceiling)).toEqual({ kind: 'shift', weights: after, percent: moved });
  });

  test.each([
    ['a source without traffic', { eu: 0, us: 5 }, 'eu has no traffic: eu 0, us 5', false],
    [
      'a destination at its ceiling',
      { eu: 50, us: 50 },
      'us cannot take more, at most 50 % of the traffic: eu 50, us 50',
      false,
    ],
    ['weights of 0', { eu: 0, us: 0 }, 'all weights are 0, so the share of each target is not known', true],
    ['an unknown target', { eu: 1, ap: 1 }, 'the route has no target us, only eu, ap', true],
  ])('is not computed for %s', (_, weights, detail, isWrong) => {
    expect(shift(weights as Record<string, number>, 30, 50)).toEqual({ kind: 'none', detail, isWrong });
  });

  test('is not computed from a target to itself', () => {
    expect(shift({ eu: 1, us: 1 }, 30, 50, 'us')).toMatchObject({ isWrong: true });
  });

  test('never exceeds its limits, whatever the weights', () => {
    for (let eu = 0; eu <= 255; eu += 17)
      for (let us = 0; us <= 255; us += 13)
        for (const [percent, ceiling] of [
          [7, 33],
          [50, 80],
          [100, 100],
          [0.5, 100],
        ] as const) {
          const weights = { eu, us, ap: 3 };
          const found = shift(weights, percent, ceiling);
          if (found.kind === 'none') continue;
          const sum = Object.values(found.weights).reduce((total, one) => total + one, 0);
          const before = (us / (eu + us + 3)) * 100;
          const after = ((found.weights['us'] ?? 0) / sum) * 100;
          // Rounding may move a share by one of about a hundred parts.
          expect(after).toBeLessThanOrEqual(Math.max(ceiling, before) + 1);
          expect(after - before).toBeLessThanOrEqual(percent + 1.5);
          expect(Object.values(found.weights).every((one) => Number.isInteger(one) && one >= 0 && one <= 511)).toBe(
            true,
          );
        }
  });
});

test('weights are compared by target, not by order', () => {
  expect(sameWeights({ eu: 1, us: 2 }, { us: 2, eu: 1 })).toBe(true);
  expect(sameWeights({ eu: 1 }, { eu: 1, us: 0 })).toBe(false);
  expect(weightsInWords({ us: 2, eu: 1 })).toBe('eu 1, us 2');
});

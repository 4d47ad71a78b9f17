import { describe, expect, test } from 'vitest';
import { fit, type Observation, type Prior, probabilities, scoreOf } from '../../evaluation/fit/conditional-logit.ts';
import { random } from '../../evaluation/random.ts';

const TRUE = { near: 2, fails: -1.5, kind: 0.4 };
const FREE: Prior = { mean: 0, min: -10, max: 10 };
const priors = { near: FREE, fails: FREE, kind: FREE };

/** Draws causes with the probabilities of the true weights. */
function drawn(seed: number, count: number): Observation[] {
  const r = random(seed);
  return Array.from({ length: count }, () => {
    const rivals = Array.from({ length: r.whole(0, 3) }, () => ({
      near: r.next(),
      fails: r.chance(0.3) ? 1 : 0,
      ...(r.chance(0.5) && { kind: 1 }),
    }));
    let left = r.next();
    const cause = probabilities(rivals.map((rival) => scoreOf(rival, TRUE))).findIndex((share) => (left -= share) < 0);
    return { rivals, cause: cause < 0 ? null : cause, weight: 1 };
  });
}

describe('conditional logit', () => {
  test('finds the weights with which the causes were drawn', () => {
    const { weights, passes } = fit(drawn(1, 8000), priors);
    for (const [name, weight] of Object.entries(TRUE)) expect(weights[name]).toBeCloseTo(weight, 0);
    expect(Math.abs((weights['near'] ?? 0) - TRUE.near)).toBeLessThan(0.2);
    expect(passes).toBeLessThan(100);
  });

  test('has a slope of 0 at the result: other weights are less likely', () => {
    const observations = drawn(2, 500);
    const { weights, loss } = fit(observations, priors);
    const penalty = (all: Record<string, number>): number =>
      (4 / 2 / 500) * Object.values(all).reduce((sum, one) => sum + one * one, 0);
    for (const name of Object.keys(weights))
      for (const by of [-0.05, 0.05]) {
        const moved = { ...weights, [name]: (weights[name] ?? 0) + by };
        const other = fit(
          observations,
          Object.fromEntries(Object.entries(moved).map(([key, at]) => [key, { mean: at, min: at, max: at }])),
        );
        expect(other.loss + penalty(moved)).toBeGreaterThan(loss + penalty(weights));
      }
  });

  test('keeps a weight within its bounds and at its prior without data', () => {
    const bounded = {
      near: FREE,
      fails: { mean: 0, min: -1, max: 0 },
      kind: FREE,
      unseen: { mean: 0.7, min: 0, max: 2 },
    };
    const { weights } = fit(drawn(3, 4000), bounded);
    expect(weights['fails']).toBe(-1);
    expect(weights['unseen']).toBe(0.7);
  });

  test('counts an observation by its weight', () => {
    const own = { rivals: [{ near: 1 }], cause: 0, weight: 1 };
    const none = { rivals: [{ near: 1 }], cause: null, weight: 1 };
    const even = fit([own, none], { near: FREE }).weights['near'] ?? NaN;
    const heavy =
      fit(
        [
          { ...own, weight: 100 },
          { ...none, weight: 50 },
        ],
        { near: FREE },
      ).weights['near'] ?? NaN;
    expect(even).toBeCloseTo(0);
    expect(heavy).toBeGreaterThan(0.5);
    expect(heavy).toBeLessThan(Math.log(2));
  });

  test('names a feature without a prior and a cause that is no rival', () => {
    expect(() => fit([{ rivals: [{ far: 1 }], cause: 0, weight: 1 }], priors)).toThrow('no prior for the feature far');
    expect(() => fit([{ rivals: [], cause: 0, weight: 1 }], priors)).toThrow('is not among its 0 rivals');
  });
});

test('the probabilities of very different scores stay finite and sum to at most 1', () => {
  expect(probabilities([1000, -1000])).toEqual([1, 0]);
  expect(probabilities([-1000])).toEqual([0]);
  expect(probabilities([])).toEqual([]);
});

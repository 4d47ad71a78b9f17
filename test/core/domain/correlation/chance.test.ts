import { describe, expect, test } from 'vitest';
import { greatestByChance, hasFallen, singleFailure } from '../../../../core/domain/correlation/chance.ts';
import { onsetOf } from '../../../../core/domain/correlation/onset.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { before } from '../../arbitraries.ts';
import { curve, scene, weights, own, timed } from './scenes.ts';

/** One request each five seconds, so that one failure of the 60 in a window is 0.017. */
const few = (errors: (minutesBefore: number) => number, requests = 0.2): Evidence =>
  scene({
    health: { max: 0.03, window: 300, curve: curve(errors) },
    traffic: curve(() => requests),
    changes: [own(timed('v42', 240, 200))],
  });
/** A single failure twenty minutes before noon, and many from three minutes before on. */
const errors = (m: number): number => (m <= 20 && m > 15 ? 0.017 : m <= 3 ? 0.2 : 0);

describe('a single failed request', () => {
  test('is a share of the requests in a window', () => {
    expect(singleFailure(few(() => 0))).toBeCloseTo(1 / 60);
    expect(singleFailure({ ...few(() => 0), traffic: null })).toBeNull();
    expect(singleFailure(scene({ health: { ...health(), quantile: true } }))).toBeNull();
  });

  test('is 100 times as large in a percentage', () => {
    expect(singleFailure({ ...few(() => 0), health: { ...health(), max: 3 } })).toBeCloseTo(100 / 60);
  });

  test('is no onset', () => {
    const late = few((m) => (m <= 5.5 && m > 3 ? 0.017 : errors(m)));
    expect(onsetOf(late).at > before(4)).toBe(true);
    expect(onsetOf(few((m) => (m <= 5.5 && m > 3 ? 0.017 : errors(m)), 200)).at < before(5)).toBe(true);
  });

  test('is no onset where it alone exceeds the limit, nor if nothing follows', () => {
    const strict = (curveOf: (minutesBefore: number) => number): Evidence => {
      const evidence = few(curveOf);
      return { ...evidence, health: { ...health(), max: 0.01, curve: evidence.health?.curve ?? [] } };
    };
    expect(onsetOf(strict((m) => (m <= 5.5 && m > 3 ? 0.017 : m <= 3 ? 0.2 : 0))).at > before(4)).toBe(true);
    expect(onsetOf(strict((m) => (m <= 2 ? 0.017 : 0))).from).toBe('alert');
    expect(onsetOf(strict((m) => (m <= 2 ? 0.017 : m > 60 ? 0.002 : 0))).from).toBe('health');
  });

  test('above the limit is no earlier problem', () => {
    const strict = (requests: number): Evidence => {
      const evidence = few(errors, requests);
      return { ...evidence, health: { ...health(), max: 0.01, curve: evidence.health?.curve ?? [] } };
    };
    expect(weights(strict(0.2))).not.toHaveProperty('bad_earlier');
    expect(weights(strict(200))).toHaveProperty('bad_earlier');
  });
});

const health = (): NonNullable<Evidence['health']> => few(() => 0).health ?? { max: 0, curve: [] };

test('more than chance grows with the square root of the usual number', () => {
  expect(greatestByChance(0, 1)).toBe(1.5);
  expect(greatestByChance(100, 1)).toBe(131.5);
});

test('errors have fallen if they are fewer by more than chance', () => {
  expect(hasFallen(4, 1, 1)).toBe(false);
  expect(hasFallen(40, 10, 1)).toBe(true);
  expect(hasFallen(4, 1, null)).toBe(true);
});

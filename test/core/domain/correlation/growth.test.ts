import { describe, expect, test } from 'vitest';
import { growthOf } from '../../../../core/domain/correlation/growth.ts';
import { onsetOf } from '../../../../core/domain/correlation/onset.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { confidence, curve, own, scene, timed } from './scenes.ts';

/** The alert is at noon; minutes before noon are positive. Errors begin 12 minutes before. */
const BEGAN = 12;

const withErrors = (ratio: (minutesSince: number) => number, more: Partial<Evidence> = {}): Evidence =>
  scene({
    health: { max: 0.01, window: 60, curve: curve((m) => (m > BEGAN ? 0.0005 : ratio(BEGAN - m))) },
    ...more,
  });
const growth = (evidence: Evidence): number => growthOf(evidence, onsetOf(evidence));

describe('errors that', () => {
  test('begin suddenly and stay do not grow', () => {
    expect(growth(withErrors(() => 0.2))).toBe(0);
  });

  test('rise with the window of the query do not grow', () => {
    const rate = (m: number): number => Math.min(1, m / 5) * 0.2;
    const evidence = withErrors(rate);
    expect(
      growth({ ...evidence, health: { max: 0.01, window: 300, curve: evidence.health?.curve ?? [] } }),
    ).toBeLessThan(0.5);
  });

  test('grow all the time, as of a leak, do', () => {
    expect(growth(withErrors((m) => 0.004 * m))).toBeGreaterThan(0.5);
  });

  test('are not measured are not known to grow', () => {
    expect(growth(scene({ health: null }))).toBe(0);
  });
});

test('growing errors count for a deploy that was long before them', () => {
  const changes = [own(timed('v42', 2200, 2000))];
  expect(confidence(withErrors((m) => 0.004 * m, { changes }))).toBeGreaterThan(
    confidence(withErrors(() => 0.2, { changes })),
  );
});

import { describe, expect, test } from 'vitest';
import { MIN_CONFIDENCE_TO_ACT, correlate } from '../../../../core/domain/correlation/correlate.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import { afterDeploy, alone, confidence, curve, own, scene, step, timed, versionAt, weights } from './scenes.ts';

const withTraffic = (value: (minutesBeforeNoon: number) => number | null) => afterDeploy({ traffic: curve(value) });

test('a traffic rise at the start of the problem is evidence against every change and has a reason', () => {
  const evidence = withTraffic((m) => (m > 1 ? 120 : 260));
  expect(confidence(evidence)).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  expect(correlate(evidence).doubts).toEqual([
    { code: 'traffic_rise', text: 'traffic went from 120 to 260 requests per second (2.2 times) as the problem began' },
  ]);
});

test.each([
  ['a rise over some minutes before it', (m: number) => (m > 8 ? 100 : 100 + 20 * (8 - m))],
  ['a rise that had reached its top before', (m: number) => (m > 20 ? 100 : 300)],
])('so is %s', (_, value) => {
  expect(weights(withTraffic(value))).toMatchObject({ traffic_rise: WEIGHTS.traffic_rise });
});

test('a rise after the start of errors is explained by retries', () => {
  const evidence = withTraffic((m) => (m > -1.1 ? 100 : 300));
  expect(weights(evidence)).toMatchObject({ traffic_rise: 0 });
  expect(correlate(evidence).doubts).toEqual([]);
});

describe('beside a version that is proved', () => {
  const proved = (value: (minutesBeforeNoon: number) => number) =>
    scene({
      changes: [own(timed('v42', 240, null, { status: 'started' }))],
      health: step(0.002, 0.04),
      by_version: [versionAt('v42', 0.08, 0.5), versionAt('v41', 0.001, 0.5)],
      traffic: curve(value),
    });

  test('a rise that begins with its errors is its retries, and no evidence against it', () => {
    expect(weights(proved((m) => (m > 0 ? 100 : 200)))).toMatchObject({ traffic_rise: 0 });
    expect(alone(proved((m) => (m > 0 ? 100 : 200)))).toBe(true);
  });

  test('a rise before its errors still is evidence against it', () => {
    expect(alone(proved((m) => (m > 3 ? 100 : 200)))).toBe(false);
  });
});

test.each([
  ['the same as ever', () => 100],
  ['a little more', (m: number) => (m > 0 ? 100 : 140)],
  ['less', (m: number) => (m > 0 ? 100 : 10)],
  ['one outlier', (m: number) => (m === 0 ? 900 : 100)],
  ['none before', (m: number) => (m > 0 ? 0 : 100)],
  ['none known before', (m: number) => (m > 5 ? null : 300)],
  ['next to none known before', (m: number) => (m > 11 ? null : m > 9 ? 100 : 300)],
  ['none known', () => null],
  ['no numbers', () => NaN],
])('%s is no evidence', (_, value) => {
  expect(weights(withTraffic(value))).toEqual(weights(afterDeploy()));
});

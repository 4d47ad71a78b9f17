import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Curve, Evidence } from '../../../../core/domain/correlation/evidence.ts';
import {
  LEAK_LOOK_BACK_SECONDS,
  LEAK_STEP_SECONDS,
  risesThroughout,
} from '../../../../core/domain/correlation/leak.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { own, scene, timed } from './scenes.ts';

/** Usage by hours before noon. */
type Usage = (hours: number) => number;

/** Noise of one percent of the limit, the same at each run. */
const noise = (seconds: number): number => 0.009 * Math.sin(seconds * 12.9898);

const sampled = (usage: Usage, from: number, step: number): Curve =>
  Array.from({ length: Math.floor(from / step) + 1 }, (_, index) => from - index * step).map(
    (seconds) => [plusSeconds(NOON, -seconds), usage(seconds / 3600) + noise(seconds)] as const,
  );

const HOUR = 3600;
const healthOf = (usage: Usage): NonNullable<Evidence['health']> => {
  const health = { max: 0.9, curve: sampled(usage, 2.5 * HOUR, 30) };
  const long = sampled(usage, LEAK_LOOK_BACK_SECONDS, LEAK_STEP_SECONDS);
  return risesThroughout(health, NOON) ? { ...health, long } : health;
};

/** A leak that began with v42, nine hours before the alert at noon, after ten hours of v41 at 40 %. */
const leak: Usage = (hours) => (hours > 9 ? 0.4 : 0.2 + ((9 - hours) / 9) * 0.72);

const changes = [
  own(timed('v41', 19 * HOUR, 19 * HOUR - 120)),
  own(timed('v42', 9 * HOUR + 60, 9 * HOUR - 60)),
  own(timed('v43', 1500, 1380)),
];
const judged = (usage: Usage, more: Partial<Evidence> = {}) =>
  correlate(scene({ at: NOON, changes, health: healthOf(usage), ...more }));

describe('a slow leak', () => {
  test('is explained by the deploy with which it began, hours before the alert, and only asked about', () => {
    const { onset, suspects, verdict } = judged(leak);
    expect({ slope: onset.slope, verdict, all: suspects.map(({ version }) => version) }).toEqual({
      slope: true,
      verdict: 'change',
      all: ['v42'],
    });
    expect(Math.abs(millisOf(onset.at) - millisOf(NOON) + 9 * HOUR * 1000)).toBeLessThanOrEqual(
      LEAK_STEP_SECONDS * 1000,
    );
    expect(suspects[0]?.approvalReasons.map(({ code }) => code)).toContain('weak_evidence');
    expect(suspects[0]?.reasons.join()).toContain('has risen in a straight line since 03:');
  });

  test('that began from a level that did not fall is found as well', () => {
    const { suspects } = judged((hours) => (hours > 9 ? 0.4 : 0.4 + ((9 - hours) / 9) * 0.52));
    expect(suspects.map(({ version }) => version)).toEqual(['v42']);
  });

  test('is proved by version as anything else is', () => {
    const by_version = [
      { version: 'v41', curve: sampled(() => 0.25, 2.5 * HOUR, 30), traffic: sampled(() => 50, 2.5 * HOUR, 30) },
      {
        version: 'v42',
        curve: sampled((hours) => 2 * leak(hours) - 0.25, 2.5 * HOUR, 30),
        traffic: sampled(() => 50, 2.5 * HOUR, 30),
      },
    ];
    const { suspects } = judged(leak, { by_version });
    expect(suspects.find(({ version }) => version === 'v42')?.proof).not.toBeNull();
  });

  test.each<[string, Usage]>([
    [
      'that was there before the deploy, and began again with each restart',
      (hours) => 0.2 + (((47 - hours) % 9.5) / 9.5) * 0.72,
    ],
    ['of two days, so that its start is not known', (hours) => 0.92 - hours / 100],
    ['of the day, as of load', (hours) => 0.6 + 0.33 * Math.cos((hours / 24) * 2 * Math.PI)],
    ['that a sudden failure overtakes', (hours) => (hours > 0.2 ? leak(hours) * 0.6 : 1)],
  ])('is none if it is a rise %s', (_, usage) => {
    expect(judged(usage).onset.slope).toBeUndefined();
  });

  test('is not searched where the usual samples do not rise throughout', () => {
    const rises = (usage: Usage) => risesThroughout({ max: 0.9, curve: sampled(usage, 2.5 * HOUR, 30) }, NOON);
    expect([leak, () => 0.5, (hours: number) => (hours > 0.5 ? 0.1 : 1)].map(rises)).toEqual([true, false, false]);
  });
});

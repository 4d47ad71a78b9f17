import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { onsetOf } from '../../../../core/domain/correlation/onset.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../../schemas/time/time.ts';
import { before, NOON } from '../../arbitraries.ts';
import { curve, own, scene, timed } from './scenes.ts';

const rule = { forSeconds: 300, intervalSeconds: 30 };
const onset = { alertStartedAt: NOON, rule };
const max = 0.01;

/** Noise that is the same in each run, between -1 and 1. */
const noise = (minutes: number): number => Math.sin(minutes * 12.9898) * Math.cos(minutes * 78.233);

/** Returns the onset of a curve whose problem began at `minutes` before the alert. */
const of = (value: (minutesBeforeNoon: number) => number | null, window: number | null = null) =>
  onsetOf({ onset, health: { max, curve: curve(value), window }, at: before(-2) });

/** Builds what a rate over this many minutes shows of a jump. */
const smeared =
  (from: number, minutes: number, by = 0.1) =>
  (at: number) =>
    0.001 + by * Math.min(1, Math.max(0, (from - at) / minutes));

const secondsFrom = (at: Timestamp, minutes: number): number => secondsBetween(before(minutes), at);

describe('the onset is the departure from the baseline', () => {
  test('of a jump: between the last usual sample and the first bad one', () => {
    const { at, earliest, latest, from, rise } = of((m) => (m > 7 ? 0.001 : 0.04));
    expect({ from, at, latest, rise }).toEqual({ from: 'health', at: before(7), latest: before(7), rise: 0 });
    expect(secondsFrom(earliest, 7.5)).toBeGreaterThanOrEqual(-60);
    expect(earliest < before(7.5)).toBe(true);
  });

  test.each([1, 2, 5, 10])('of a jump that a window of %i minutes smears: where the rise began', (minutes) => {
    const found = of(smeared(15, minutes), 60 * minutes);
    expect(Math.abs(secondsFrom(found.at, 15))).toBeLessThanOrEqual(30);
    expect(found.earliest <= before(15) && before(15) <= found.latest).toBe(true);
  });

  test('with noise and gaps', () => {
    const found = of((m) => (m > 30 && m < 34 ? null : smeared(10, 5)(m) + 0.0008 * noise(m)), 300);
    expect(Math.abs(secondsFrom(found.at, 10))).toBeLessThanOrEqual(60);
    expect(found.earliest <= before(10) && before(10) <= found.latest).toBe(true);
  });

  test('of a slow leak: long before the limit is passed', () => {
    const leak = (m: number) => 0.001 + 0.0004 * Math.max(0, 50 - m) + 0.0004 * noise(m);
    const found = of(leak, 300);
    expect(found.rise).toBeGreaterThan(600);
    expect(secondsFrom(found.at, 50)).toBeGreaterThan(-600);
    expect(secondsFrom(found.at, 50)).toBeLessThan(600);
  });

  /** A slight rise some minutes before noon, and the problem five minutes before it. */
  test.each<[string, number | null, (minutes: number) => number]>([
    ['goes back to the baseline', null, (m) => (m > 7 || (m <= 6 && m > 5) ? 0.001 : m > 6 ? 0.003 : 0.04)],
    ['stays for longer than the window', 240, (m) => (m > 10 ? 0.001 : m > 5 ? 0.003 : 0.04)],
  ])('is not certain if a slight rise before %s', (_, window, value) => {
    const { earliest, latest } = of(value, window);
    expect(earliest < before(6.5)).toBe(true);
    expect(Math.abs(secondsFrom(latest, 5))).toBeLessThanOrEqual(30);
  });

  test('ignores earlier trouble that was over', () => {
    expect(of((m) => (m > 40 && m < 50 ? 0.5 : m > 3 ? 0.001 : 0.04)).at).toBe(before(3));
  });

  test('continues through one good sample', () => {
    expect(of((m) => (m > 7 || m === 5 ? 0.001 : 0.04)).at).toBe(before(7));
  });

  test('is wide where the samples have a gap', () => {
    const { earliest, latest } = of((m) => (m > 9 ? 0.001 : m > 6 ? null : 0.04));
    expect(secondsBetween(earliest, latest)).toBeGreaterThanOrEqual(180);
  });

  test('is the first known sample above the limit without a baseline', () => {
    expect(of((m) => (m > 20 ? null : 0.04)).at).toBe(before(20));
  });
});

test('an alert without `for` between two samples: the curve is read to the next sample, and is no later than the alert', () => {
  const leak = { max, curve: curve((m) => (m > 10 ? 0.001 : 0.001 + (0.011 * (10 - m)) / 10.2)) };
  const alert = { alertStartedAt: before(0.4), rule: { forSeconds: 0, intervalSeconds: 30 } };
  const found = onsetOf({ onset: alert, health: leak, at: before(-2) });
  expect(found.from).toBe('health');
  expect(secondsBetween(found.at, before(0.4))).toBeGreaterThan(300);
  const sudden = { max, curve: curve((m) => (m > 0 ? 0.001 : 0.04)) };
  const { at, latest } = onsetOf({ onset: alert, health: sudden, at: before(-2) });
  expect([at, latest].every((time) => time <= before(0.4))).toBe(true);
});

describe('without a curve that was bad before the alert', () => {
  test.each<[string, Evidence['health']]>([
    ['no health query', null],
    ['no samples', { max, curve: [] }],
    ['bad only after the alert', { max, curve: curve((m) => (m >= 0 ? 0.001 : 0.04)) }],
  ])('%s: the start of the alert minus the `for` and one evaluation of its rule', (_, health) => {
    expect(onsetOf({ onset, health, at: before(-2) })).toEqual({
      at: before(5.5),
      from: 'rule',
      earliest: before(5.5),
      latest: before(5),
      rise: null,
    });
  });

  test('without the rule: the start of the alert', () => {
    const found = onsetOf({ onset: { ...onset, rule: null }, health: null, at: before(-2) });
    expect(found).toMatchObject({ at: NOON, from: 'alert' });
  });
});

test('a deploy between the departure and the first bad sample is no candidate', () => {
  const health = { max, curve: curve(smeared(10, 5, 0.02)), window: 300 };
  const changes = [own(timed('v41', 1200, 900)), own(timed('v42', 420, 400))];
  const { suspects } = correlate(scene({ changes, health, onset, at: plusSeconds(NOON, 60) }));
  expect(suspects.map(({ version }) => version)).toEqual(['v41']);
});

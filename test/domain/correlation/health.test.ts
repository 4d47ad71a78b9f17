import { describe, expect, test } from 'vitest';
import { CONFIDENT, correlate, MIN_CONFIDENCE } from '../../../domain/correlation/correlate.ts';
import type { Curve } from '../../../domain/correlation/evidence.ts';
import { plusSeconds } from '../../../schemas/time.ts';
import { before, NOON } from '../arbitraries.ts';
import { afterDeploy, confidence, curve, own, scene, step, suspectIn, timed, v42, weights } from './scenes.ts';

const withCurve = (value: (minutesBeforeNoon: number) => number | null, max = 0.01) =>
  afterDeploy({ health: { max, curve: curve(value) } });

const without = confidence(afterDeploy());

/** Errors begin at `from` minutes before noon, of which an average over five minutes shows ever more. */
const smeared = (minutes: number, from: number): number =>
  0.001 + 0.05 * Math.min(1, Math.max(0, (from - minutes) / 5));

describe('for the change speaks', () => {
  test.each([
    ['a step to three times the level before', step(0.005, 0.015)],
    ['a step to twenty times', step(0.002, 0.041)],
    ['a step from nothing at all', step(0, 0.04)],
    ['a step where a single error is too many', step(0, 3, 0)],
    ['a step that the window of rate() smears over five minutes', { max: 0.01, curve: curve((m) => smeared(m, 1)) }],
  ])('%s', (_, health) => {
    expect(confidence(afterDeploy({ health }))).toBeGreaterThan(without);
  });

  test('the words name levels, ratio, limit and time', () => {
    const { reasons } = suspectIn(correlate(afterDeploy({ health: step(0.002, 0.041) })));
    expect(reasons).toEqual([
      'deploy of v42 finished 60 s before the problem began',
      'the health query went from 0.002 to 0.041 (21 times; healthy up to 0.01) 3 min after v42 began',
    ]);
  });
});

describe('against the change speaks', () => {
  test.each([
    ['errors were above the limit right before it', 'bad_before', (m: number) => (m > 20 ? 0.002 : 0.04)],
    [
      'errors come and go without it',
      'bad_earlier',
      (m: number) => (m <= 0 || (m % 20 > 3 && m % 20 < 8) ? 0.04 : 0.002),
    ],
    ['errors were rising before it', 'rising_before', (m: number) => (m > 6 ? 0.001 : m > 0 ? 0.006 : 0.04)],
    [
      'errors rise slowly since an hour before it',
      'slow_rise',
      (m: number) => 0.002 + 0.009 * Math.min(1.2, (60 - m) / 60),
    ],
    ['there is no step', 'no_step', () => 0.012],
    ['the step is less than a doubling', 'small_step', (m: number) => (m > 0 ? 0.007 : 0.012)],
    ['errors are within the limit now', 'healthy_now', (m: number) => (m > 0 || m < -1 ? 0.002 : 0.04)],
  ] as const)('that %s', (_, name, value) => {
    const evidence = withCurve(value);
    expect(weights(evidence)[name]).toBeLessThan(0);
    expect(confidence(evidence)).toBeLessThan(CONFIDENT);
  });

  test('that a slow rise began with it: a leak, which a person judges', () => {
    const changes = [own(timed('v42', 1560, 1500))];
    const health = { max: 0.01, curve: curve((m) => (m > 24 ? 0.001 : 0.001 + (0.01 * (24 - m)) / 23)) };
    const evidence = scene({ changes, health });
    expect(weights(evidence)).toMatchObject({ slow_rise_since: -1.8 });
    expect(confidence(evidence)).toBeLessThan(CONFIDENT);
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE);
  });
});

describe('what is healthy now', () => {
  const evidence = withCurve((m) => (m > 0 || m < -0.5 ? 0.002 : 0.04));

  test('is no reason to ask anybody, and said', () => {
    const { doubts, verdict } = correlate(evidence);
    expect(doubts).toContainEqual({
      code: 'healthy_now',
      text: 'the health query is at 0.002 now, within its limit of 0.01',
    });
    expect(verdict).not.toBe('change');
  });

  test('cannot be told from samples of ten minutes ago', () => {
    expect(correlate({ ...evidence, at: before(-14) }).doubts.map(({ code }) => code)).not.toContain('healthy_now');
  });
});

describe('a change of long ago', () => {
  const changes = [own(timed('v42', 6000, 5880))];

  test('is told of when errors rise slowly since, and never asked about', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };
    const { suspects, verdict } = correlate(scene({ changes, health }));
    expect(suspects).toMatchObject([{ version: 'v42', timing: 'finished_before' }]);
    expect(suspects[0]?.confidence).toBeLessThan(MIN_CONFIDENCE);
    expect(verdict).toBe('no_change');
  });

  test('is not looked at when errors jump', () => {
    expect(correlate(scene({ changes, health: step(0.002, 0.04) })).suspects).toEqual([]);
  });

  test('of something else is not looked at', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };
    const elsewhere = [{ ...changes[0], relation: 'dependency', distance: 1 } as const].flatMap((one) =>
      one.change === undefined ? [] : [{ ...one, change: one.change }],
    );
    expect(correlate(scene({ changes: elsewhere, health })).suspects).toEqual([]);
  });
});

describe('a curve that says nothing changes nothing, and that is said:', () => {
  const short = (values: number[]): Curve =>
    values.map((value, index) => [plusSeconds(NOON, index * 15), value] as const);
  test.each([
    ['an empty one', []],
    ['one that begins with the problem', short([0.04, 0.05, 0.04, 0.05])],
    ['one with a gap before the change', curve((m) => (m > 3 ? null : 0.04))],
    ['one with a gap since the onset', curve((m) => (m > 0 ? 0.001 : null))],
    ['one of no numbers', curve((m) => (m % 1 === 0 ? NaN : Infinity))],
  ])('%s', (_, samples) => {
    const evidence = afterDeploy({ health: { max: 0.01, curve: samples } });
    expect(confidence(evidence)).toBe(without);
    expect(suspectIn(correlate(evidence)).reasons[1]).toMatch(
      /^the health query cannot be compared before and after v42/,
    );
  });

  test('one that goes below zero, whose ratio means nothing', () => {
    expect(weights(withCurve((m) => (m > 0 ? -3 : 4), 1))['step']).toBe(0);
  });
});

test('a little above a baseline near zero is no multiple: the floor is a tenth of the limit', () => {
  expect(weights(withCurve((m) => (m > 0 ? 0.000_01 : 0.0012)))).toMatchObject({ no_step: -3 });
});

describe('a canary', () => {
  const canary = (weight: number | null) => [own(v42({ canary_weight: weight }))];

  test('can cause as much as its share', () => {
    const evidence = scene({ changes: canary(0.1), health: step(0.002, 0.09) });
    expect(confidence(evidence)).toBeGreaterThanOrEqual(CONFIDENT);
  });

  test.each([
    ['as a ratio', step(0.002, 0.4)],
    ['as a percentage', step(0.2, 40, 1)],
  ])('cannot cause more, %s', (_, health) => {
    const evidence = scene({ changes: canary(0.1), health });
    expect(weights(evidence)).toMatchObject({ beyond_canary: -4.5 });
    expect(confidence(evidence)).toBeLessThan(CONFIDENT);
  });

  test('without any traffic causes nothing', () => {
    expect(confidence(scene({ changes: canary(0) }))).toBeLessThan(MIN_CONFIDENCE);
  });

  test('of which nothing is known, or that takes all, is judged as a deploy', () => {
    for (const weight of [null, 1]) {
      const evidence = scene({ changes: canary(weight), health: step(0.002, 0.4) });
      expect(weights(evidence)).not.toHaveProperty('beyond_canary');
    }
  });
});

import { describe, expect, test } from 'vitest';
import { MIN_CONFIDENCE_TO_ACT, correlate, MIN_CONFIDENCE_TO_ASK } from '../../../domain/correlation/correlate.ts';
import type { Curve } from '../../../domain/correlation/evidence.ts';
import { plusSeconds } from '../../../schemas/time/time.ts';
import { before, NOON } from '../arbitraries.ts';
import { afterDeploy, confidence, curve, own, scene, step, suspectIn, timed, v42, weights } from './scenes.ts';

const withCurve = (value: (minutesBeforeNoon: number) => number | null, max = 0.01) =>
  afterDeploy({ health: { max, curve: curve(value) } });

const without = confidence(afterDeploy());

/** Errors start two and a half minutes before noon; an average over five minutes rises gradually. */
const smeared = (minutes: number, by: number): number => 0.001 + by * Math.min(1, Math.max(0, (2.5 - minutes) / 5));

describe('evidence for the change', () => {
  test.each([
    ['a step to three times the level before', step(0.005, 0.015)],
    ['a step to twenty times', step(0.002, 0.041)],
    ['a step from nothing at all', step(0, 0.04)],
    ['a step where a single error is too many', step(0, 3, 0)],
    ['a step that the window of rate() smears over five minutes', { max: 0.01, curve: curve((m) => smeared(m, 0.05)) }],
    ['a small step that the window smears', { max: 0.01, curve: curve((m) => smeared(m, 0.02)) }],
    [
      'a step, with other trouble more than an hour before',
      { max: 0.01, curve: curve((m) => (m > 70 || m <= 0 ? 0.04 : 0.002)) },
    ],
    [
      'a step, with a little more than nothing right before',
      { max: 0.01, curve: curve((m) => (m > 6 ? 0.0001 : m > 0 ? 0.0006 : 0.04)) },
    ],
  ])('%s', (_, health) => {
    expect(confidence(afterDeploy({ health }))).toBeGreaterThan(without);
  });

  test('the text contains levels, ratio, limit, and time', () => {
    const { reasons } = suspectIn(correlate(afterDeploy({ health: step(0.002, 0.041) })));
    expect(reasons).toEqual([
      'deploy of v42 finished 60 s before the problem began',
      'the health query went from 0.002 to 0.041 (21 times; healthy up to 0.01) 3 min after v42 began',
    ]);
  });
});

describe('evidence against the change', () => {
  test.each([
    ['errors were above the limit right before it', 'bad_before', (m: number) => (m > 20 ? 0.002 : 0.04)],
    [
      'errors come and go without it',
      'bad_earlier',
      (m: number) => (m <= 0 || (m % 20 > 9 && m % 20 < 14) ? 0.04 : 0.002),
    ],
    ['errors were rising before it', 'rising_before', (m: number) => (m > 6 ? 0.001 : m > 0 ? 0.006 : 0.04)],
    [
      'errors rise slowly since an hour before it',
      'slow_rise',
      (m: number) => 0.001 + (0.0091 * Math.max(0, 60 - m)) / 60,
    ],
    ['there is no step', 'no_step', () => 0.012],
    ['the step is less than a doubling', 'small_step', (m: number) => (m > 0 ? 0.007 : 0.012)],
    ['errors are within the limit now', 'healthy_now', (m: number) => (m > 0 || m < -1 ? 0.002 : 0.04)],
  ] as const)('%s', (_, name, value) => {
    const evidence = withCurve(value);
    expect(weights(evidence)[name]).toBeLessThan(0);
    expect(confidence(evidence)).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  });

  test('counts the same errors only once', () => {
    const factors = Object.keys(weights(withCurve((m) => (m > 7 ? 0.002 : 0.04))));
    expect(factors).toEqual(['prior', 'finished_before', 'bad_before', 'step']);
    expect(Object.keys(weights(withCurve((m) => (m > 60 ? 0.001 : 0.001 + (0.02 * (60 - m)) / 60))))).not.toContain(
      'slow_rise',
    );
  });

  test('is weaker for a slow rise that began with the change: a leak, which a person judges', () => {
    const changes = [own(timed('v42', 1560, 1500))];
    const health = { max: 0.01, curve: curve((m) => (m > 24 ? 0.001 : 0.001 + (0.01 * (24 - m)) / 23)) };
    const evidence = scene({ changes, health });
    expect(weights(evidence)).toMatchObject({ slow_rise_since: -1.8 });
    expect(confidence(evidence)).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  });
});

describe('a healthy current value', () => {
  const evidence = withCurve((m) => (m > 0 || m < -0.5 ? 0.002 : 0.04));

  test('prevents questions, and the reasons say so', () => {
    const { doubts, verdict } = correlate(evidence);
    expect(doubts).toContainEqual({
      code: 'healthy_now',
      text: 'the health query is at 0.002 now, within its limit of 0.01',
    });
    expect(verdict).not.toBe('change');
  });

  test('requires a person if it is only one sample', () => {
    const justNow = withCurve((m) => (m > 0 || m <= -2 ? 0.002 : 0.04));
    expect(weights(justNow)).toMatchObject({ healthy_just_now: -1 });
    const { suspects, doubts, verdict } = correlate(justNow);
    expect(doubts).toContainEqual({
      code: 'healthy_just_now',
      text: 'the newest sample of the health query, 0.002, is within its limit of 0.01: the problem may be over',
    });
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(suspects[0]?.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
    expect(verdict).toBe('change');
  });

  test('of all versions together does not contradict a bad canary that monitoring can distinguish', () => {
    const by_version = [
      { version: 'v42', value: 0.4, share: 0.1 },
      { version: 'v41', value: 0.001, share: 0.9 },
    ];
    const justNow = withCurve((m) => (m > 0 || m <= -2 ? 0.002 : 0.04));
    const rolling = { ...justNow, by_version, changes: [own(timed('v42', 120, null, { status: 'started' }))] };
    expect(confidence(rolling)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
  });

  test('ignores samples from after the evaluation', () => {
    const later = withCurve((m) => (m > 0 || m < -1.5 ? 0.002 : 0.04));
    expect(weights({ ...later, at: before(-1.4) })).not.toHaveProperty('healthy_just_now');
  });

  test('requires samples newer than ten minutes', () => {
    expect(correlate({ ...evidence, at: before(-14) }).doubts.map(({ code }) => code)).not.toContain('healthy_now');
    expect(correlate({ ...evidence, at: before(-14) }).doubts.map(({ code }) => code)).not.toContain(
      'healthy_just_now',
    );
  });
});

describe('an old change', () => {
  const changes = [own(timed('v42', 6000, 5880))];

  test('is reported if errors have risen slowly since then, without a question', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };
    const { suspects, verdict } = correlate(scene({ changes, health }));
    expect(suspects).toMatchObject([{ version: 'v42', timing: 'finished_before' }]);
    expect(suspects[0]?.confidence).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
    expect(verdict).toBe('no_change');
  });

  test('is only reported, regardless of other evidence', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };
    const by_version = [
      { version: 'v42', value: 0.03, share: 0.5 },
      { version: 'v41', value: 0.001, share: 0.5 },
    ];
    expect(confidence(scene({ changes, health }))).toBe(0.1);
    expect(confidence(scene({ changes, health, by_version, alert_versions: ['v42'] }))).toBe(0.4);
  });

  test('is ignored if errors jump', () => {
    expect(correlate(scene({ changes, health: step(0.002, 0.04) })).suspects).toEqual([]);
  });

  test('is ignored if it belongs to another service', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };
    const elsewhere = [{ ...changes[0], relation: 'dependency', distance: 1 } as const].flatMap((one) =>
      one.change === undefined ? [] : [{ ...one, change: one.change }],
    );
    expect(correlate(scene({ changes: elsewhere, health })).suspects).toEqual([]);
  });
});

describe('a curve without information changes nothing and has a reason:', () => {
  const short = (values: number[]): Curve =>
    values.map((value, index) => [plusSeconds(NOON, index * 15), value] as const);
  test.each([
    ['an empty one', []],
    ['one that begins with the problem', short([0.04, 0.05, 0.04, 0.05])],
    ['one with a gap before the change', curve((m) => (m > 3 ? null : 0.04))],
    ['one with three samples before the change', curve((m) => (m > 4.5 ? null : m > 0 ? 0.002 : 0.04))],
    ['one with a gap since the onset', curve((m) => (m > 0 ? 0.001 : null))],
    ['one of no numbers', curve((m) => (m % 1 === 0 ? NaN : Infinity))],
  ])('%s', (_, samples) => {
    const evidence = afterDeploy({ health: { max: 0.01, curve: samples } });
    expect(confidence(evidence)).toBe(without);
    expect(suspectIn(correlate(evidence)).reasons[1]).toMatch(
      /^the health query cannot be compared before and after v42/,
    );
  });

  test('one with negative values, whose ratio is meaningless', () => {
    expect(weights(withCurve((m) => (m > 0 ? -3 : 4), 1))['step']).toBe(0);
  });
});

test('a multiple within the limit is no evidence', () => {
  expect(weights(withCurve((m) => (m > 0 ? 0.002 : 0.008)))).toMatchObject({ step: 0 });
});

test('a larger step weighs more, up to ten times', () => {
  const weight = (to: number) => weights(afterDeploy({ health: step(0.006, to) }))['step'];
  expect([0.012, 0.06, 0.6].map(weight)).toEqual([0.7, 1.5, 1.5]);
});

describe('a clock that is ahead', () => {
  const changes = [own(timed('v42', -60, -120))];

  test('makes errors look older than their change, which is not evidence against it', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 0.5 ? 0.002 : m > 0 ? 0.006 : 0.04)) };
    expect(Object.keys(weights(scene({ changes, health })))).toEqual(['prior', 'clock_skew', 'step']);
  });

  test('requires a person, regardless of other evidence', () => {
    const sure = confidence(scene({ changes, health: step(0.002, 0.04), alert_versions: ['v42'] }));
    expect(sure).toBe(0.75);
  });
});

test('a small rise above a baseline near zero is not a multiple: the floor is a tenth of the limit', () => {
  expect(weights(withCurve((m) => (m > 0 ? 0.000_01 : 0.0012)))).toMatchObject({ no_step: -3 });
});

describe('a canary', () => {
  const canary = (weight: number | null) => [own(v42({ canary_weight: weight }))];

  test('can cause as many errors as its share of traffic', () => {
    const evidence = scene({ changes: canary(0.1), health: step(0.002, 0.09) });
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
  });

  test.each([
    ['as a ratio', step(0.002, 0.4)],
    ['as a percentage', step(0.2, 40, 1)],
  ])('cannot cause more, %s', (_, health) => {
    const evidence = scene({ changes: canary(0.1), health });
    expect(weights(evidence)).toMatchObject({ beyond_canary: -4.5 });
    expect(confidence(evidence)).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  });

  test('without traffic causes no errors', () => {
    expect(confidence(scene({ changes: canary(0) }))).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
  });

  test('with an unknown share, or all traffic, is judged like a deploy', () => {
    for (const weight of [null, 1]) {
      const evidence = scene({ changes: canary(weight), health: step(0.002, 0.4) });
      expect(weights(evidence)).not.toHaveProperty('beyond_canary');
    }
  });
});

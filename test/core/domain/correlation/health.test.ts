import { describe, expect, test } from 'vitest';
import {
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Curve } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { before, NOON } from '../../arbitraries.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import {
  afterDeploy,
  alone,
  confidence,
  curve,
  own,
  scene,
  step,
  suspectIn,
  timed,
  v42,
  versionAt,
  weights,
} from './scenes.ts';

const withCurve = (value: (minutesBeforeNoon: number) => number | null, max = 0.01) =>
  afterDeploy({ health: { max, curve: curve(value) } });

/** Errors are high, and were as high before the change. */
const without = confidence(withCurve(() => 0.009));

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
      'the health query went from 0.002 to 0.041 (21 times; healthy up to 0.01) 3 min after v42 began',
      'deploy of v42 finished 60 s before the problem began',
    ]);
  });
});

describe('evidence against the change', () => {
  test.each([
    [
      'errors come and go without it',
      'bad_earlier',
      (m: number) => (m <= 0 || (m % 20 > 9 && m % 20 < 14) ? 0.04 : 0.002),
    ],
    ['the step is less than a doubling', 'small_step', (m: number) => (m > 0 ? 0.007 : 0.012)],
    ['errors are within the limit now', 'healthy_now', (m: number) => (m > 0 || m < -1 ? 0.002 : 0.04)],
  ] as const)('%s', (_, name, value) => {
    const evidence = withCurve(value);
    expect(weights(evidence)[name]).toBeLessThan(0);
    expect(alone(evidence)).toBe(false);
  });

  test.each([
    ['were above the limit before it', (m: number) => (m > 20 ? 0.002 : 0.04)],
    ['rose before it', (m: number) => (m > 6 ? 0.001 : m > 0 ? 0.006 : 0.04)],
    ['rose slowly since an hour before it', (m: number) => 0.001 + (0.0091 * Math.max(0, 60 - m)) / 60],
    ['were always high', () => 0.012],
  ] as const)('errors that %s: it came after the problem', (_, value) => {
    expect(correlate(withCurve(value)).suspects).toEqual([]);
  });

  test('a slow rise that began with the change: a leak, which a person judges', () => {
    const changes = [own(timed('v42', 1560, 1500))];
    const health = { max: 0.01, curve: curve((m) => (m > 24 ? 0.001 : 0.001 + (0.01 * (24 - m)) / 23)) };
    const evidence = scene({ changes, health });
    expect(weights(evidence)).toMatchObject({ slow_rise: WEIGHTS.slow_rise });
    expect(alone(evidence)).toBe(false);
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  });
});

describe('errors of an earlier problem that was explained', () => {
  /** v40 was deployed 50 minutes before noon. Errors were high from 48 minutes on, and end at `until`. */
  const earlier = (until: number, undo: Partial<Change> | null, undone: Partial<Change> = {}) => {
    const changes = [
      own(timed('v39', 14_400, 14_300)),
      own(timed('v40', 3000, 2940, undone)),
      ...(undo === null ? [] : [own(timed('v39', 2400, 2340, { id: 'chg_undo' as Change['id'], ...undo }))]),
      own(v42()),
    ];
    const value = (m: number) => (m <= 0 || (m < 48 && m > until) ? 0.04 : 0.002);
    return scene({ changes, health: { max: 0.01, curve: curve(value), window: 60 } });
  };
  const rollback = { kind: 'rollback' } as const;

  test.each([
    ['a rollback of Firebreak', earlier(38, { ...rollback, made_for: 'an earlier incident' })],
    ['a rollback of a person or another system', earlier(38, rollback)],
    [
      'a flag that was turned off',
      earlier(38, { kind: 'flag', version: 'a 2 (off)' as Version }, { kind: 'flag', version: 'a 1 (on)' as Version }),
    ],
    [
      'an incident with a confirmed cause',
      { ...earlier(38, null), explained: [{ from: before(49), until: before(37) }] },
    ],
  ])('do not speak against a later deploy: %s', (_, evidence) => {
    expect(weights(evidence)).not.toHaveProperty('bad_earlier');
    expect(alone(evidence)).toBe(alone(withCurve((m) => (m <= 0 ? 0.04 : 0.002))));
    expect(alone(evidence)).toBe(true);
  });

  test.each([
    ['nothing was undone', earlier(38, null)],
    ['they went on after the incident', { ...earlier(20, null), explained: [{ from: before(49), until: before(37) }] }],
    ['the rollback did not help', earlier(25, rollback)],
    ['the rollback failed', earlier(38, { ...rollback, status: 'failed' })],
    [
      'errors had begun before the change',
      {
        ...earlier(38, rollback),
        changes: earlier(38, rollback).changes.map((one) =>
          one.change.version === 'v40' ? own(timed('v40', 2520, 2500)) : one,
        ),
      },
    ],
  ])('speak against it if %s', (_, evidence) => {
    expect(weights(evidence)['bad_earlier']).toBeLessThan(0);
    expect(alone(evidence)).toBe(false);
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
    expect(alone(justNow)).toBe(false);
    expect(verdict).toBe('change');
  });

  test('of all versions together does not contradict a bad canary that monitoring can distinguish', () => {
    const by_version = [versionAt('v42', 0.4, 0.1), versionAt('v41', 0.001, 0.9)];
    const justNow = withCurve((m) => (m > 0 || m <= -2 ? 0.002 : 0.04));
    const rolling = { ...justNow, by_version, changes: [own(timed('v42', 120, null, { status: 'started' }))] };
    expect(alone(rolling)).toBe(true);
  });

  test('ignores samples from after the evaluation', () => {
    const later = withCurve((m) => (m > 0 || m < -1.5 ? 0.002 : 0.04));
    expect(weights({ ...later, at: before(-1.4) })).not.toHaveProperty('healthy_just_now');
  });

  test('requires samples that are no older than three intervals of them', () => {
    const codes = (minutesAfter: number) =>
      correlate({ ...evidence, at: before(-minutesAfter) }).doubts.map(({ code }) => code);
    expect(codes(2.9)).toContain('healthy_now');
    expect(codes(4)).not.toContain('healthy_now');
    expect(codes(4)).not.toContain('healthy_just_now');
  });

  test('is not said of errors that have risen within the limit, which the alert is about', () => {
    const risen = (level: number, peak = level) => withCurve((m) => (m > 0 ? 0.001 : m > -0.6 ? peak : level));
    const codes = (one: typeof evidence) => Object.keys(weights(one));
    expect(codes(risen(0.009))).not.toContain('healthy_now');
    expect(confidence(risen(0.009))).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(alone(risen(0.009))).toBe(false);
    for (const one of [risen(0.0015), risen(0.009, 0.02)]) expect(codes(one)).toContain('healthy_now');
  });
});

describe('an old change', () => {
  const changes = [own(timed('v42', 6000, 5880))];
  const leak = { max: 0.01, curve: curve((m) => (m > 95 ? 0.001 : 0.001 + (0.01 * (95 - m)) / 94)) };

  test('is a suspect if errors have risen slowly since then, which a person judges', () => {
    expect(correlate(scene({ changes, health: leak })).suspects).toMatchObject([{ version: 'v42' }]);
    expect(alone(scene({ changes, health: leak }))).toBe(false);
  });

  test('is ignored if errors jump', () => {
    expect(correlate(scene({ changes, health: step(0.002, 0.04) })).suspects).toEqual([]);
  });
});

describe('a curve without information has a reason:', () => {
  const short = (values: number[]): Curve =>
    values.map((value, index) => [plusSeconds(NOON, index * 15), value] as const);
  test.each([
    ['an empty one', []],
    ['one that begins with the problem', short([0.04, 0.05, 0.04, 0.05])],
    ['one with a gap before the change', curve((m) => (m > 3 ? null : 0.04))],
    ['one with three samples before the change', curve((m) => (m > 4.5 ? null : m > 0 ? 0.002 : 0.04))],
    ['one of no numbers', curve((m) => (m % 1 === 0 ? NaN : Infinity))],
  ])('%s', (_, samples) => {
    const evidence = afterDeploy({ health: { max: 0.01, curve: samples } });
    expect(weights(evidence)).toMatchObject({ step: 0 });
    expect(suspectIn(correlate(evidence)).reasons.join('\n')).toMatch(
      /^the health query cannot be compared before and after v42/m,
    );
  });

  test('one with too few samples since the problem began, which is said once', () => {
    const { reasons } = suspectIn(correlate(withCurve((m) => (m > 0 ? 0.002 : m === 0 ? 0.04 : null))));
    expect(reasons.filter((text) => text.includes('samples') || text.includes('compared'))).toEqual([
      'the health query has too few samples since the problem began (1)',
    ]);
  });

  test.each([
    ['flag', 'the change of feature flag v42 finished'],
    ['config', 'configuration change v42 finished'],
    ['infrastructure', 'infrastructure change v42 finished'],
    ['hotfix', 'hotfix of v42 finished'],
  ] as const)('a change of kind %s is named in words', (kind, words) => {
    expect(suspectIn(correlate(scene({ changes: [own({ ...v42(), kind })] }))).reasons.join()).toContain(words);
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
  expect([0.012, 0.06, 0.6].map(weight)).toEqual([0, WEIGHTS.large_step, WEIGHTS.large_step]);
});

describe('a clock that is ahead', () => {
  const changes = [own(timed('v42', -60, -120))];

  test('makes errors look older than their change, which is not evidence against it', () => {
    const health = { max: 0.01, curve: curve((m) => (m > 0.5 ? 0.002 : m > 0 ? 0.006 : 0.04)) };
    expect(Object.keys(weights(scene({ changes, health })))).toEqual(['prior', 'clock_skew', 'step']);
  });

  test('requires a person, regardless of other evidence', () => {
    const evidence = scene({ changes, health: step(0.002, 0.04), alert_versions: ['v42'] });
    expect(suspectIn(correlate(evidence)).timing).toBe('clock_skew');
    expect(alone(evidence)).toBe(false);
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
    expect(weights(evidence).beyond_canary).toBeLessThan(-2.5);
    expect(alone(evidence)).toBe(false);
  });

  test('is not asked about right after its start, however close in time', () => {
    const justStarted = own(timed('v42', 58, null, { status: 'started', canary_weight: 0.05 }));
    expect(confidence(scene({ changes: [justStarted], health: step(0.003, 0.4) }))).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
  });

  test('may have got more since, the longer ago it began', () => {
    const beyond = (seconds: number) =>
      weights(scene({ changes: [own(timed('v42', seconds, null, { canary_weight: 0.1 }))], health: step(0.002, 0.4) }))
        .beyond_canary ?? 0;
    expect(beyond(1700)).toBeGreaterThan(beyond(60));
    expect(beyond(1700)).toBeLessThan(0);
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

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { warmingUp } from '../../../../core/domain/correlation/by-instance.ts';
import { correlate, MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { runs } from '../../../support/runs.ts';
import { alone, approvalReasons, curve, own, scene, step, suspectIn, timed, versionAt } from './scenes.ts';

/** An instance of the new version: errors since noon, requests per second, and minutes before noon of its start. */
type Given = { name: string; errors: number; rate?: number; started?: number; wellUntil?: number };

/** Evidence for a rollout of v42 that alone fails since noon, as its instances do. */
function evidence(instances: readonly Given[], more: Partial<Evidence> = {}): Evidence {
  return scene({
    changes: [own(timed('v42', 240, null, { status: 'started' }))],
    health: step(0.002, 0.04),
    by_version: [versionAt('v42', 0.08, 0.5), versionAt('v41', 0.001, 0.5)],
    by_instance: {
      window: 60,
      versions: [
        {
          version: 'v42',
          instances: instances.map(({ name, errors, rate = 10, started = 4, wellUntil = 0 }) => ({
            name,
            curve: curve((minutes) => (minutes > started ? null : minutes > wellUntil ? 0.0005 : errors)),
            traffic: curve((minutes) => (minutes > started ? null : rate)),
          })),
        },
      ],
    },
    ...more,
  });
}

describe('a version is proved', () => {
  test.each<[string, readonly Given[]]>([
    [
      'if two of its instances fail',
      [
        { name: 'a', errors: 0.1 },
        { name: 'b', errors: 0.05 },
        { name: 'c', errors: 0 },
      ],
    ],
    ['if its only instance fails since its start', [{ name: 'a', errors: 0.1, started: 0 }]],
    [
      'if its first instance fails since its start, and the second one has hardly any requests yet',
      [
        { name: 'a', errors: 0.1, started: 0 },
        { name: 'b', errors: 0, rate: 0.1, started: 0 },
      ],
    ],
    [
      'if its only instance had so few requests at first that failures would hardly have shown',
      [{ name: 'a', errors: 0.15, rate: 0.25, started: 2 }],
    ],
  ])('%s', (_, instances) => {
    expect(alone(evidence(instances))).toBe(true);
  });

  test('by a quantile, which counts no failed requests, if two of its instances are above the limit', () => {
    const slow = (rate: number): Evidence => {
      const given = evidence([
        { name: 'a', errors: 3, started: 0 },
        { name: 'b', errors: 3, started: 0, rate },
      ]);
      const by_version = [versionAt('v42', 3, 0.5), versionAt('v41', 0.1, 0.5)];
      const { whole: _, ...health } = step(0.1, 1.5, 0.5);
      return { ...given, health: { ...health, quantile: true }, by_version };
    };
    expect(approvalReasons(slow(1)).join()).not.toContain('one_instance');
    // Too few requests tell neither.
    expect(approvalReasons(slow(0.1)).join()).not.toContain('other instance');
  });

  test('by a percentage with a low limit, if two of its instances have failed requests: one of a hundred times fewer is chance', () => {
    const given = evidence([
      { name: 'a', errors: 50 },
      { name: 'b', errors: 0.15, rate: 10 },
    ]);
    const by_version = [versionAt('v42', 8, 0.5), versionAt('v41', 0.01, 0.5)];
    const health = { ...step(0.02, 4, 0.1), whole: 100 as const };
    expect(approvalReasons({ ...given, health, by_version }).join()).toContain('only instance a of v42 fails');
    const more = evidence([
      { name: 'a', errors: 50 },
      { name: 'b', errors: 5, rate: 10 },
    ]);
    expect(alone({ ...more, health, by_version })).toBe(true);
  });

  test('if instances are not measured', () => {
    expect(alone(notByInstance())).toBe(true);
    expect(alone(notByInstance({ pods: [pods('v42', 2), pods('v41', 2)] }))).toBe(true);
  });
});

/** Evidence without metrics by instance for a version that had been well for four minutes. */
function notByInstance(more: Partial<Evidence> = {}): Evidence {
  const { by_instance: _, ...rest } = evidence([], more);
  return rest;
}

const pods = (version: string, count: number): NonNullable<Evidence['pods']>[number] => ({
  version,
  pods: count,
  ready: count,
  failing: 0,
  restarting: 0,
  restarts: 0,
  reasons: [],
});

test('a single instance that fails is a rival of its version, so that its confidence is lower and people are still asked', () => {
  const of = (errors: number): number =>
    suspectIn(correlate(evidence(['a', 'b', 'c'].map((name) => ({ name, errors: name === 'b' ? 0.5 : errors })))))
      .confidence;
  expect(of(0.5)).toBeGreaterThan(0.98);
  expect(of(0)).toBeLessThan(0.75);
  expect(of(0)).toBeGreaterThan(MIN_CONFIDENCE_TO_ASK);
});

describe('a person decides, and learns the instance,', () => {
  test.each<[string, readonly Given[], string]>([
    [
      'if the others of its version are well',
      [
        { name: 'a', errors: 0 },
        { name: 'b', errors: 0.5 },
        { name: 'c', errors: 0.001 },
      ],
      'one_instance: only instance b of v42 fails, at 0.5; 2 other instances of it are well',
    ],
    [
      'if one failed request of another one is chance',
      [
        { name: 'a', errors: 0.5 },
        { name: 'b', errors: 0.02, rate: 0.5 },
      ],
      'one_instance: only instance a of v42 fails, at 0.5; 1 other instance of it is well',
    ],
    [
      'if it is the only one of its version, and had been well',
      [{ name: 'a', errors: 0.5 }],
      'one_instance: instance a of v42 had been well, and no other instance of it is known to be well',
    ],
    [
      'if it is the only one, and had been well for as few requests, of which more would have failed',
      [{ name: 'a', errors: 0.5, rate: 0.25, started: 2 }],
      'one_instance: instance a of v42 had been well, and no other instance of it is known to be well',
    ],
  ])('%s', (_, instances, reason) => {
    const given = evidence(instances);
    expect(alone(given)).toBe(false);
    expect(approvalReasons(given)).toContain(reason);
    expect(suspectIn(correlate(given)).proof).toBeNull();
  });

  test('if one of its instances fails since others were added, which take a part of its requests', () => {
    const pod = (name: string, started: number, errors: number) => ({
      name,
      curve: curve((minutes) => (minutes > started ? null : minutes > 0 ? 0.0005 : errors)),
      traffic: curve((minutes) => (minutes > started ? null : minutes > 4 ? 20 : minutes > 1 ? 10 : 5)),
    });
    for (const instances of [
      [pod('a', 20, 0.5), pod('b', 4, 0)],
      [pod('a', 20, 0.5), pod('b', 4, 0), pod('c', 1, 0), pod('d', 1, 0)],
    ]) {
      const given = evidence([], { by_instance: { window: 60, versions: [{ version: 'v42', instances }] } });
      expect(approvalReasons(given).join()).toContain('only instance a of v42 fails');
    }
  });

  test('if the instances that failed have ended, and the others are well', () => {
    const pod = (name: string, ended: number, errors: number) => ({
      name,
      curve: curve((minutes) => (minutes > 4 || minutes < ended ? null : minutes > 0 ? 0.0005 : errors)),
      traffic: curve((minutes) => (minutes > 4 || minutes < ended ? null : 10)),
    });
    const instances = [pod('a', -0.4, 0.5), pod('b', -0.4, 0.5), pod('c', -2, 0), pod('d', -2, 0)];
    const given = evidence([], { by_instance: { window: 60, versions: [{ version: 'v42', instances }] } });
    expect(approvalReasons(given)).toContain(
      'one_instance: the instances of v42 that failed have ended, and 2 other instances of it are well',
    );
    expect(suspectIn(correlate(given)).proof).toBeNull();
  });

  test('if it is the only pod of its version and had been well, also if instances are not measured', () => {
    const given = notByInstance({ pods: [pods('v42', 1), pods('v41', 3)] });
    const { proof, factors } = suspectIn(correlate(given));
    expect(proof).toBeNull();
    expect(factors.flatMap(({ missing }) => missing ?? [])).toEqual([
      'the only pod of v42 had been well, so its machine may have failed',
    ]);
    const fromStart = { ...given, by_version: [startedAtNoon(0.08), versionAt('v41', 0.001, 0.5)] };
    expect(alone(fromStart)).toBe(true);
  });

  test('if it is the only pod of its version and had been well, and only instances of another version are measured', () => {
    const other = { version: 'v41', instances: [{ name: 'x', curve: curve(() => 0.02), traffic: curve(() => 10) }] };
    for (const versions of [[], [other]]) {
      const given = evidence([], { pods: [pods('v42', 1), pods('v41', 3)], by_instance: { window: 60, versions } });
      expect(suspectIn(correlate(given)).proof).toBeNull();
    }
  });

  /** v42 at this level, without any sample before noon. */
  const startedAtNoon = (errors: number) => ({
    version: 'v42',
    curve: curve((minutes) => (minutes > 0 ? null : errors)),
    traffic: curve((minutes) => (minutes > 0 ? null : 50)),
  });

  test('property: whichever instance is on the node that fails, at whatever rate, it is not the version', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.nat({ max: 11 }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        (count, slot, errors, rate) => {
          const instances = Array.from({ length: count }, (_, index) => ({
            name: `pod-${index}`,
            errors: index === slot % count ? errors : 0,
            rate,
          }));
          return !alone(evidence(instances));
        },
      ),
      { numRuns: runs(25) },
    );
  });
});

describe('a young version', () => {
  /** Evidence two minutes after noon for a version that began to serve and to fail at noon. @param errors by seconds since then */
  const young = (errors: (seconds: number) => number, isByInstance: boolean, started = 0): Evidence => {
    const values = curve((minutes) => (minutes > started ? null : errors(60 * (started - minutes))));
    const traffic = curve((minutes) => (minutes > started ? null : 20));
    const { by_instance: _, ...rest } = evidence([], {
      by_version: [{ version: 'v42', curve: values, traffic }, versionAt('v41', 0.001, 0.2)],
    });
    const instances = ['a', 'b'].map((name) => ({ name, curve: values, traffic }));
    return isByInstance ? { ...rest, by_instance: { window: 60, versions: [{ version: 'v42', instances }] } } : rest;
  };

  test.each([true, false])('whose errors fall is asked about; by instance: %s', (isByInstance) => {
    const cold = young((seconds) => 0.4 * Math.exp(-seconds / 100), isByInstance);
    expect(alone(cold)).toBe(false);
    expect(approvalReasons(cold).join()).toMatch(
      isByInstance
        ? /warming_up: the instances of v42 that fail have reported for at most 2 min, and their errors went from 0.\d+ to 0.\d+ in that time/
        : /warming_up: v42 has served for 2 min, and its errors went from 0.\d+ to 0.\d+ in that time/,
    );
  });

  test.each<[string, (seconds: number) => number]>([
    ['fell', (seconds) => 0.4 * Math.exp(-seconds / 100)],
    ['stayed', () => 0.4],
    ['began after a minute', (seconds) => (seconds < 60 ? 0 : 0.4)],
  ])('whose errors %s is asked about once its newest samples have no failed requests', (_, errors) => {
    const given = young(errors, false, 3);
    const short = (given.by_version ?? []).map(({ curve: values, ...one }) => ({
      ...one,
      curve: values.map(([at, value], index): [typeof at, number] => [at, index < values.length - 2 ? value : 0]),
    }));
    const cold = { ...given, by_version_close: { window: 60, versions: short } };
    expect(approvalReasons(cold)).toContain('warming_up: v42 does not fail any more');
    expect(alone(cold)).toBe(false);
  });

  test.each([true, false])('whose errors stay is acted upon; by instance: %s', (isByInstance) => {
    expect(approvalReasons(young(() => 0.4, isByInstance)).join()).not.toContain('warming_up');
    expect(alone(young(() => 0.4, isByInstance))).toBe(true);
  });

  test.each([
    { minutes: 5, part: 0.85, falls: true, shown: '0.38 to 0.31' },
    { minutes: 5, part: 0.95, falls: false },
    // Caches that halve their errors in a quarter of an hour leave 91 % after two minutes, and 74 % after six and a half.
    { minutes: 4, part: 0.9, falls: true, shown: '0.38 to 0.34' },
    { minutes: 13, part: 0.7, falls: true, shown: '0.34 to 0.24' },
    { minutes: 13, part: 0.85, falls: false },
  ])(
    'of $minutes min, whose errors are at $part of what they were half that time ago: caches may be cold: $falls',
    ({ minutes, part, falls, shown = '' }) => {
      const errors = (age: number) => 0.4 * part ** (age / (30 * minutes));
      const reasons = approvalReasons(young(errors, true, minutes - 2)).join();
      if (falls)
        expect(reasons).toContain(
          `the instances of v42 that fail have reported for at most ${minutes} min, and their errors went from ${shown} in that time: caches may be cold`,
        );
      else expect(reasons).not.toContain('warming_up');
    },
  );

  test.each([true, false])(
    'which serves for less than a window and a half is asked about; by instance: %s',
    (isByInstance) => {
      expect(approvalReasons(young(() => 0.4, isByInstance, -0.9)).join()).toMatch(
        /too early to see whether (its|their) errors fall/,
      );
    },
  );

  test.each([
    [true, 'the instances of v42 that fail have only just started, too early to see whether their errors fall'],
    [false, 'v42 has only just begun to serve, too early to see whether its errors fall'],
  ])('has no age yet at its first sample; by instance: %s', (isByInstance, text) => {
    expect(
      warmingUp(
        young(() => 0.4, isByInstance, -2),
        timed('v42', 0, null),
      )?.text,
    ).toBe(text);
  });

  test('whose first instance has recovered while the next ones fail is warming up', () => {
    const instance = (name: string, started: number) => ({
      name,
      curve: curve((minutes) => (minutes > started ? null : started - minutes < 1.6 ? 0.4 : 0)),
      traffic: curve((minutes) => (minutes > started ? null : 20)),
    });
    const rolling = evidence([], {
      by_instance: {
        window: 60,
        versions: [{ version: 'v42', instances: [instance('a', 0), instance('b', -1), instance('c', -1)] }],
      },
    });
    expect(approvalReasons(rolling)).toContain(
      'warming_up: the instances of v42 that fail have reported for at most 60 s, and 1 other one has recovered',
    );
  });

  /** Evidence for a deploy whose instances start one after another, with their errors by seconds since their own start. */
  const rollingDeploy = (starts: readonly number[], errors: (seconds: number) => number): Evidence =>
    evidence([], {
      by_instance: {
        window: 60,
        versions: [
          {
            version: 'v42',
            instances: starts.map((started, index) => ({
              name: `pod-${index}`,
              curve: curve((minutes) => (minutes > started ? null : errors(60 * (started - minutes)))),
              traffic: curve((minutes) => (minutes > started ? null : 20)),
            })),
          },
        ],
      },
    });
  const young10 = Array.from({ length: 10 }, () => 1.6);

  test('is judged by its oldest instances: those that fail are as old as others were when they recovered', () => {
    const cold = (until: number) => (seconds: number) => (seconds <= until ? 0.4 : 0);
    expect(approvalReasons(rollingDeploy([6, ...young10], cold(300)))).toContain(
      'warming_up: the instances of v42 that fail have reported for at most 4 min, and 1 other one has recovered',
    );
    expect(alone(rollingDeploy([6, ...young10], cold(300)))).toBe(false);
  });

  test('whose oldest instance recovered sooner than the next ones is acted upon', () => {
    const starts = [8, ...young10];
    const given = rollingDeploy(starts, (seconds) => (seconds <= 400 ? 0.4 : 0));
    const [first, ...others] = given.by_instance?.versions[0]?.instances ?? [];
    if (first === undefined) throw new Error('no instance');
    const soon = { ...first, curve: curve((minutes) => (minutes > 8 ? null : minutes > 7 ? 0.4 : 0)) };
    const instances = [soon, ...others];
    expect(alone({ ...given, by_instance: { window: 60, versions: [{ version: 'v42', instances }] } })).toBe(true);
  });

  test('is judged by its oldest instances: the youngest ones that fail cannot show yet that errors fall', () => {
    const falls = (seconds: number) => 0.4 * Math.exp(-Math.max(0, seconds - 100) / 150);
    const starts = [4, 4, 4, ...Array.from({ length: 25 }, () => -0.5)];
    expect(approvalReasons(rollingDeploy(starts, falls)).join()).toMatch(
      /warming_up: the instances of v42 that fail have reported for at most 6 min, and their errors went from 0.\d+ to 0.\d+ in that time/,
    );
    expect(alone(rollingDeploy(starts, () => 0.4))).toBe(true);
  });

  test('whose youngest instance has recovered is not said to have older ones that have', () => {
    const instance = (name: string, started: number, errors: (minutes: number) => number) => ({
      name,
      curve: curve((minutes) => (minutes > started ? null : errors(minutes))),
      traffic: curve((minutes) => (minutes > started ? null : 20)),
    });
    const failing = ['a', 'b'].map((name) => instance(name, 0, () => 0.4));
    const instances = [...failing, instance('c', -1, (minutes) => (minutes > -1.4 ? 0.4 : 0))];
    const rolling = evidence([], { by_instance: { window: 60, versions: [{ version: 'v42', instances }] } });
    expect(approvalReasons(rolling)).toContain(
      'warming_up: the instances of v42 that fail have reported for at most 2 min, and 1 other one has recovered',
    );
  });

  /** An instance with errors by minutes before noon, from its start until its end. */
  const between = (name: string, started: number, ended: number, errors: (minutes: number) => number, rate = 20) => ({
    name,
    curve: curve((minutes) => (minutes > started || minutes < ended ? null : errors(minutes))),
    traffic: curve((minutes) => (minutes > started || minutes < ended ? null : rate)),
  });
  const ofInstances = (instances: readonly ReturnType<typeof between>[]): Evidence =>
    evidence([], { by_instance: { window: 60, versions: [{ version: 'v42', instances }] } });

  test('is judged by the instances that serve: one that has ended is not the oldest one that fails', () => {
    const falls = (minutes: number) => (minutes > -0.5 ? 0.4 : 0.04);
    const later = ['b', 'c'].map((name) => between(name, 1, -2, falls));
    const given = ofInstances([between('a', 18, 13, () => 0.4), ...later]);
    expect(approvalReasons(given).join()).toMatch(
      /warming_up: the instances of v42 that fail have reported for at most 3 min, and their errors went from 0.4 to 0.\d+ in that time/,
    );
    expect(alone(given)).toBe(false);
  });

  const fellTo = (unit: ReturnType<typeof between>, from: number, rate: number) => ({
    ...unit,
    traffic: curve((minutes) => (minutes > 7 ? null : minutes > from ? 20 : rate)),
  });
  const well = between('a', 7, -2, (minutes) => (minutes > 6.8 ? 0.4 : 0));

  test.each<[string, ReturnType<typeof between>]>([
    ['has ended', between('a', 7, 4, (minutes) => (minutes > 6.8 ? 0.4 : 0))],
    ['takes almost no requests any more', fellTo(well, 1, 0.1)],
  ])('is not warming up because of an instance that had no errors and %s', (_, recovered) => {
    const failing = ['b', 'c'].map((name) => between(name, 0.5, -2, () => 0.4));
    expect(alone(ofInstances([recovered, ...failing]))).toBe(true);
  });

  test.each<[string, ReturnType<typeof between>]>([
    [
      'a minute ago, whose rate has fallen to nothing',
      fellTo(
        between('a', 18, -1, () => 0.4),
        -0.5,
        5,
      ),
    ],
    [
      'just now, whose rate falls',
      fellTo(
        between('a', 18, -2, () => 0.4),
        -1.5,
        12,
      ),
    ],
    ['never, and has a failed request by chance', between('a', 18, -2, (minutes) => (minutes > -2 ? 0 : 0.017), 1)],
  ])('is warming up beside an instance that failed and was evicted %s', (_, evicted) => {
    const cold = ['b', 'c'].map((name) => between(name, 1, -2, (minutes) => 0.4 * Math.exp((minutes - 1) / 1.2)));
    const given = ofInstances([evicted, ...cold]);
    expect(approvalReasons(given).join()).toContain('warming_up: ');
    expect(alone(given)).toBe(false);
  });

  test('is warming up if the first instance has recovered with few requests: enough to show the errors of before', () => {
    const cold = (started: number) => (minutes: number) => (60 * (started - minutes) <= 300 ? 0.4 : 0);
    const first = between('a', 6, -2, cold(6), 0.15);
    const next = Array.from({ length: 10 }, (_, n) => between(`b${n}`, 1.6, -2, cold(1.6), 0.15));
    expect(approvalReasons(ofInstances([first, ...next])).join()).toContain('1 other one has recovered');
  });

  test('is warming up if the samples of the instance that has recovered are late', () => {
    const first = between('a', 4, 0, (minutes) => (minutes > 2 ? 0.4 : 0));
    const next = ['b', 'c'].map((name) => between(name, 0.2, -2, () => 0.4));
    expect(approvalReasons(ofInstances([first, ...next])).join()).toContain('1 other one has recovered');
  });

  test('property: whose errors decay, however fast, is not acted upon', () => {
    fc.assert(
      fc.property(fc.integer({ min: 20, max: 240 }), fc.double({ min: 0.1, max: 1, noNaN: true }), (decay, height) => {
        return !alone(young((seconds) => height * Math.exp(-seconds / decay), true));
      }),
      { numRuns: runs(25) },
    );
  });
});

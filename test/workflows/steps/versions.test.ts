import { describe, expect, test } from 'vitest';
import type { HealthQuery } from '../../../core/domain/catalogue/health.ts';
import { correlate } from '../../../core/domain/correlation/correlate.ts';
import type { Curve, Evidence } from '../../../core/domain/correlation/evidence.ts';
import type { Onset } from '../../../core/domain/correlation/onset.ts';
import type { Metrics } from '../../../core/domain/ports/metrics.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../../schemas/time/time.ts';
import { instancesOf } from '../../../workflows/steps/versions.ts';
import { NOON } from '../../core/arbitraries.ts';
import { own, scene, step, suspectIn, timed, versionAt } from '../../core/domain/correlation/scenes.ts';

/** What an instance serves of a version, in seconds after noon, and the share of failed requests. */
type Served = { name: string; version: string; from?: number; until?: number; errors?: (second: number) => number };

const MAX = 0.01;
const NOW = 240;

/** Returns metrics of what instances serve, as rates over a window: they show a version until the window has passed. */
function metricsOf(all: readonly Served[], window: number): Pick<Metrics, 'rangeByLabel'> {
  return {
    rangeByLabel: async (promql, _label, from, until, _combine, { stepSeconds = 30 } = {}) =>
      all.map(({ name, version, from: first = -7200, until: last = 7200, errors = () => 0 }) => {
        const curve: [Timestamp, number][] = [];
        for (let at = from; at <= until; at = plusSeconds(at, stepSeconds)) {
          const second = secondsBetween(NOON, at);
          const seconds = Math.min(second, last) - Math.max(second - window, first);
          if (seconds > 0) curve.push([at, promql.includes('/') ? errors(Math.min(second, last)) : seconds / window]);
        }
        return { label: `${version}\n${name}\n`, curve: curve satisfies Curve };
      }),
  };
}

const onset = { at: NOON, from: 'health', earliest: NOON, latest: NOON, rise: null } satisfies Onset;

/** @param deployed seconds from the start of the deploy to noon */
async function read(all: readonly Served[], window = 60, deployed = 240): Promise<Evidence['by_instance']> {
  const requests = `sum by (version) (rate(requests[${window}s]))`;
  const errors = `sum by (version) (rate(errors[${window}s])) / ${requests}`;
  const health: HealthQuery = { promql: 'e', called: 'e', max: MAX, byVersion: errors, trafficByVersion: requests };
  const found = await instancesOf(metricsOf(all, window) as Metrics, health, {
    own: [timed('v42', deployed, null)],
    onset,
    at: plusSeconds(NOON, NOW),
    close: undefined,
  });
  return found.by_instance;
}

const namesOf = (found: Evidence['by_instance']): Record<string, string[]> =>
  Object.fromEntries(
    (found?.versions ?? []).map(({ version, instances }) => [version, instances.map(({ name }) => name).toSorted()]),
  );

/** An instance that keeps its name when v42 replaces v41 on it. */
const replaced = (name: string, at: number, errors = 0, before = 0): Served[] => [
  { name, version: 'v41', until: at, errors: () => before },
  { name, version: 'v42', from: at, errors: () => errors },
];

const bad = () => 0.3;

describe('the instances of a version', () => {
  test.each([60, 300])(
    'keep those that served another version before under the same name; window: %d s',
    async (window) => {
      const all = [...replaced('orders-2', -200, 0.3), ...replaced('orders-1', -20), ...replaced('orders-0', 220)];
      expect(namesOf(await read(all, window))['v42']).toEqual(['orders-0', 'orders-1', 'orders-2']);
    },
  );

  test('keep one on which versions followed each other within a window', async () => {
    const all: Served[] = [
      { name: 'orders-0', version: 'v40', until: -60 },
      { name: 'orders-0', version: 'v41', from: -60, until: 120 },
      { name: 'orders-0', version: 'v42', from: 120, errors: bad },
    ];
    expect(namesOf(await read(all, 240))['v42']).toEqual(['orders-0']);
  });

  test('are none of a collector or a proxy, which serves both versions at the same time', async () => {
    const all: Served[] = [
      { name: 'collector', version: 'v41' },
      { name: 'collector', version: 'v42', from: -30, errors: bad },
    ];
    expect(namesOf(await read(all))).toEqual({});
    const beside = [...all, ...replaced('orders-1', -30, 0.3), ...replaced('orders-0', 60)];
    expect(namesOf(await read(beside))['v42']).toEqual(['orders-0', 'orders-1']);
  });
});

test('instances that are well are known to be told apart; a collector tells none apart', async () => {
  expect(await read(replaced('orders-0', -30))).toEqual({ window: 60, versions: [] });
  const all: Served[] = [
    { name: 'collector', version: 'v41' },
    { name: 'collector', version: 'v42', from: -30, errors: bad },
  ];
  expect(await read(all)).toBeUndefined();
  expect(await read([{ name: '', version: 'v42', errors: bad }])).toBeUndefined();
});

describe('the instances of a version that is rolled out', () => {
  const started = (name: string, from: number, errors: (second: number) => number): Served => ({
    name,
    version: 'v42',
    from,
    errors,
  });

  test('are at most twenty, the worst and the oldest ones: whether errors end with the age shows in these', async () => {
    const young = Array.from({ length: 30 }, (_, index) => started(`young-${index}`, 150, bad));
    const well = Array.from({ length: 30 }, (_, index) => started(`later-${index}`, 100, () => 0));
    const old = ['old-0', 'old-1'].map((name) => started(name, -100, (second) => (second < 30 ? 0.3 : 0)));
    const names = namesOf(await read([...well, ...young, ...old]))['v42'] ?? [];
    expect(names).toHaveLength(20);
    expect(names).toEqual(expect.arrayContaining(['old-0', 'old-1']));
    expect(names.filter((name) => name.startsWith('young'))).toHaveLength(15);
  });

  test('are read since its start, so that the oldest ones show how they began', async () => {
    const old = started('old', -900, (second) => (second < -700 ? 0.3 : 0));
    const read900 = await read([old, started('young', 150, bad)], 60, 900);
    const [first] = read900?.versions[0]?.instances.find(({ name }) => name === 'old')?.curve ?? [];
    expect(first).toEqual([plusSeconds(NOON, -870), 0.3]);
  });
});

test('the newest sample of instances is as new as the judgement, whenever the deploy began', async () => {
  for (const deployed of [301, 310, 329]) {
    const [version] =
      (await read([{ name: 'pod', version: 'v42', from: -60, errors: bad }], 60, deployed))?.versions ?? [];
    expect(version?.instances[0]?.curve.at(-1)?.[0]).toBe(plusSeconds(NOON, NOW));
  }
});

describe('a version on hosts that keep their names', () => {
  const proofOf = async (all: readonly Served[], deployed = 240) => {
    const by_instance = await read(all, 60, deployed);
    const suspect = suspectIn(
      correlate(
        scene({
          at: plusSeconds(NOON, NOW),
          changes: [own(timed('v42', 240, null, { status: 'started' }))],
          health: { ...step(0.002, 0.04), curve: longer(step(0.002, 0.04).curve, 0.04) },
          by_version: [versionAt('v42', 0.08, 0.5), versionAt('v41', 0.001, 0.5)].map((one) => ({
            ...one,
            curve: longer(one.curve, one.curve.at(-1)?.[1] ?? 0),
            traffic: longer(one.traffic ?? [], 50),
          })),
          ...(by_instance && { by_instance }),
        }),
      ),
    );
    return { proof: suspect.proof, reasons: suspect.approvalReasons.map(({ text }) => text) };
  };

  /** Continues a curve until now. */
  const longer = (curve: Curve, value: number): Curve => [
    ...curve,
    ...[150, 180, 210, 240].map((second) => [plusSeconds(NOON, second), value] as const),
  ];

  test('is proved if two of them fail with it', async () => {
    const all = [...replaced('10.0.0.1', -200, 0.3), ...replaced('10.0.0.2', -100, 0.3), ...replaced('10.0.0.3', 180)];
    expect(await proofOf(all)).toEqual({ proof: expect.any(String), reasons: [] });
  });

  test('is not proved if none of them fails any more, while the queries still cover the time in which they did', async () => {
    const failed = (name: string): Served => ({
      name,
      version: 'v42',
      from: -200,
      errors: (second) => (second < 200 ? 0.3 : 0),
    });
    const all = [failed('10.0.0.1'), failed('10.0.0.2'), { name: '10.0.0.3', version: 'v41' }];
    expect(await proofOf(all)).toEqual({ proof: null, reasons: ['no instance of v42 is above the limit any more'] });
  });

  test('is not proved if only one of them fails', async () => {
    const all = [...replaced('10.0.0.1', -200, 0.3), ...replaced('10.0.0.2', -100), ...replaced('10.0.0.3', 180)];
    expect(await proofOf(all)).toEqual({
      proof: null,
      reasons: ['only instance 10.0.0.1 of v42 fails, at 0.3; 2 other instances of it are well'],
    });
  });

  test('is not proved if the only one with it failed before, too', async () => {
    const all: Served[] = [...replaced('10.0.0.1', 0, 0.3, 0.3), { name: '10.0.0.2', version: 'v41' }];
    expect(await proofOf(all)).toEqual({
      proof: null,
      reasons: ['instance 10.0.0.1 failed before v42, too, and no other instance of it fails'],
    });
  });

  test.each([60, 180, 280, 900])(
    'is proved if those with it failed before with a version that another one had replaced for %d s',
    async (well) => {
      const host = (name: string): Served[] => [
        { name, version: 'v41', until: -well, errors: bad },
        { name, version: 'v40', from: -well, until: 0 },
        { name, version: 'v42', from: 0, errors: bad },
      ];
      const { proof, reasons } = await proofOf([...host('h1'), ...host('h2'), { name: 'h3', version: 'v40' }], 960);
      expect({ proof, reasons }).toEqual({ proof: expect.any(String), reasons: [] });
    },
  );

  test('is not proved if the host with it failed with two versions before, whose rates end at the same time', async () => {
    const all: Served[] = [
      { name: 'h1', version: 'v40', until: -60 },
      { name: 'h1', version: 'v41', from: -60, until: 0, errors: bad },
      { name: 'h1', version: 'v42', from: 0, errors: bad },
      { name: 'h2', version: 'v41' },
    ];
    for (const each of [all, all.toReversed()]) expect((await proofOf(each)).proof).toBeNull();
  });

  test('is not proved by one of them beside another one that failed before', async () => {
    const all = [
      ...replaced('10.0.0.1', -200, 0.3, 0.3),
      ...replaced('10.0.0.2', -100, 0.2),
      ...replaced('10.0.0.3', -50),
    ];
    expect(await proofOf(all)).toEqual({
      proof: null,
      reasons: [
        'only instance 10.0.0.2 of v42 fails, at 0.2, apart from 10.0.0.1, which failed before v42, too; 1 other instance of it is well',
      ],
    });
  });

  test('is proved if the only one with it failed before only as the old version ended', async () => {
    const [before, after] = replaced('10.0.0.1', 0, 0.3);
    if (before === undefined || after === undefined) throw new Error('none');
    const ending: Served = { ...before, errors: (second) => (second > -20 ? 0.3 : 0) };
    expect((await proofOf([ending, after, { name: '10.0.0.2', version: 'v41' }])).proof).not.toBeNull();
  });
});

import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Curve, Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { own, scene, suspectIn, timed } from './scenes.ts';

/** An instance that is scraped while it runs. Times in seconds after noon. */
type Instance = { version: string; from: number; until: number; phase: number };

/** A system whose instances are replaced one after the other, and the probability that a request fails. */
type World = {
  interval: number;
  instances: number;
  /** When the first and the last instance are replaced. */
  replaced: readonly [first: number, last: number];
  fails: (version: string, at: number) => number;
  /** Error series begin with the first error. */
  isLazy: boolean;
  until: number;
};

const RATE = 20;
const MAX = 0.02;

function instancesOf({ interval, instances, replaced: [first, last] }: World): Instance[] {
  return Array.from({ length: instances }, (_, slot) => {
    const at = instances === 1 ? first : first + (slot / (instances - 1)) * (last - first);
    const phase = (interval * (slot + 0.3)) / instances;
    return [
      { version: 'v41', from: -7200, until: at, phase },
      { version: 'v42', from: at, until: 7200, phase },
    ];
  }).flat();
}

/** Returns `sum(rate(…[window]))` of scraped counters, extrapolated as Prometheus does; null without two samples. */
function rateOf(
  counters: readonly (readonly [at: number, value: number])[][],
  at: number,
  window: number,
): number | null {
  const rates = counters.flatMap((samples) => {
    const inside = samples.filter(([time]) => time > at - window && time <= at);
    const [first, last] = [inside[0], inside.at(-1)];
    if (first === undefined || last === undefined || inside.length < 2) return [];
    const [length, rise] = [last[0] - first[0], last[1] - first[1]];
    const average = length / (inside.length - 1);
    const gaps = [first[0] - (at - window), at - last[0]].map((gap) => (gap < 1.1 * average ? gap : average / 2));
    const [before = 0, after = 0] = gaps;
    const toZero = rise > 0 ? length * (first[1] / rise) : Infinity;
    return [(rise * (length + Math.min(before, toZero) + after)) / length / window];
  });
  return rates.length === 0 ? null : rates.reduce((sum, one) => sum + one, 0);
}

/** Returns what the queries show of each version over a window. */
function shown(world: World, window: number, step: number): NonNullable<Evidence['by_version']> {
  const all = instancesOf(world);
  return ['v42', 'v41'].map((version) => {
    const counted = all
      .filter((one) => one.version === version)
      .map(({ from, until, phase }) => {
        const [requests, errors]: [[number, number][], [number, number][]] = [[], []];
        let [total, failed] = from < -3600 ? [1e6, world.isLazy ? 0 : 10] : [0, 0];
        for (let second = Math.max(from, -3600); second < Math.min(until, world.until); second += 1) {
          total += RATE / world.instances;
          failed += (RATE / world.instances) * world.fails(version, second);
          if (Math.floor((second - phase) / world.interval) === Math.floor((second + 1 - phase) / world.interval))
            continue;
          requests.push([second, total]);
          if (!world.isLazy || failed >= 1) errors.push([second, Math.floor(failed)]);
        }
        return { requests, errors };
      });
    const [curve, traffic]: [Curve[number][], Curve[number][]] = [[], []];
    for (let at = -1200; at <= world.until; at += step) {
      const rate = rateOf(
        counted.map(({ requests }) => requests),
        at,
        window,
      );
      if (rate === null || rate === 0) continue;
      const failed = rateOf(
        counted.map(({ errors }) => errors),
        at,
        window,
      );
      traffic.push([plusSeconds(NOON, at), rate]);
      if (failed !== null) curve.push([plusSeconds(NOON, at), failed / rate]);
    }
    return { version, curve, traffic };
  });
}

/** Returns the evidence of a query over ten minutes, with a closer look or without one. */
function evidenceOf(world: World, isClose: boolean): Evidence {
  const [window, close] = [600, 4 * world.interval];
  const versions = shown(world, window, 30);
  const at = plusSeconds(NOON, world.until);
  const times = [...new Set(versions.flatMap(({ traffic }) => (traffic ?? []).map(([time]) => time)))].toSorted();
  const curve = times.map((time): Curve[number] => {
    const of = (curves: Curve | null) => curves?.find(([one]) => one === time)?.[1] ?? 0;
    const rates = versions.map(({ traffic }) => of(traffic));
    const failed = versions.map((one, index) => of(one.curve) * (rates[index] ?? 0));
    return [time, failed.reduce((sum, one) => sum + one, 0) / rates.reduce((sum, one) => sum + one, 0)];
  });
  const alertStartedAt = curve.find(([, value]) => value > MAX)?.[0] ?? at;
  return scene({
    at,
    onset: { alertStartedAt, rule: null },
    changes: [own(timed('v42', -world.replaced[0], null, { status: 'succeeded' }))],
    health: { max: MAX, curve, window },
    by_version: versions,
    by_version_window: window,
    ...(isClose && { by_version_close: { window: close, versions: shown(world, close, 15) } }),
  });
}

const proofIn = (world: World, isClose = true) => suspectIn(correlate(evidenceOf(world, isClose))).proof;

/** The new version fails from its first request on. */
const bad: World['fails'] = (version) => (version === 'v42' ? 0.3 : 0);

const world = (more: Partial<World> = {}): World => ({
  interval: 15,
  instances: 4,
  replaced: [0, 120],
  fails: bad,
  isLazy: false,
  until: 300,
  ...more,
});

describe('versions that are compared over a shorter window', () => {
  test('prove a version whose window of ten minutes leaves open whether the old one was gone', () => {
    expect(proofIn(world(), false)).toBeNull();
    expect(proofIn(world())).not.toBeNull();
  });

  test.each([
    { interval: 15, replaced: [0, 120] as const },
    { interval: 30, replaced: [0, 240] as const },
    { interval: 60, replaced: [0, 480] as const },
  ])(
    'prove a bad version of which instances are scraped every $interval s, also if its series begin with errors',
    (more) => {
      for (const isLazy of [false, true])
        expect(proofIn(world({ ...more, isLazy, until: more.replaced[1] + 120 }))).not.toBeNull();
    },
  );

  test('prove nothing about an outside failure, whenever it begins', () => {
    const proved: string[] = [];
    for (const interval of [15, 30, 60])
      for (const isLazy of [false, true])
        for (const length of [10, 150])
          for (let begin = -30; begin <= length + 30; begin += 40) {
            const fails: World['fails'] = (_, at) => (at >= begin ? 0.3 : 0);
            for (const until of [begin + 120, begin + 300])
              if (proofIn(world({ interval, isLazy, replaced: [0, length], fails, until })) !== null)
                proved.push(JSON.stringify({ interval, isLazy, length, begin, until }));
          }
    expect(proved).toEqual([]);
  });

  test('prove nothing by the records of the CD system if requests show that the old version was gone', () => {
    const late = evidenceOf(world({ replaced: [0, 0], fails: (_, at) => (at >= 5 ? 0.3 : 0) }), true);
    const changes = [own(timed('v42', 30, -200))];
    expect(suspectIn(correlate({ ...late, changes })).proof).toBeNull();
  });
});

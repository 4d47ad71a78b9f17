import { describe, expect, test } from 'vitest';
import { comparedRules } from '../../bench/measurements/canary.ts';
import { CANARY_SEED, canaryTable, evaluateCanaries } from '../../evaluation/canary/evaluate.ts';
import { readTrace, replayed } from '../../evaluation/canary/replay.ts';
import { increase } from '../../evaluation/canary/scrape.ts';
import { random } from '../../evaluation/random.ts';

describe('the increase of a counter', () => {
  const steady = Float64Array.from({ length: 600 }, (_, second) => 2 * second);

  test('is extrapolated to the whole range', () => {
    expect(increase(steady, { from: 0, until: 600, phase: 7 }, 300, 60)).toBeCloseTo(120, 9);
  });

  test('ends with the series, and is unknown with fewer than two samples', () => {
    expect(increase(steady, { from: 0, until: 280, phase: 7 }, 300, 60)).toBeCloseTo(89, 9);
    expect(increase(steady, { from: 0, until: 250, phase: 7 }, 300, 60)).toBeNull();
    expect(increase(steady, { from: 290, until: 600, phase: 7 }, 300, 60)).toBeNull();
  });
});

test('the judge finds regressions, and raises no false alarm, in a few scenes', () => {
  const { judge } = comparedRules;
  const rows = evaluateCanaries({ judge }, { cases: 2, seed: CANARY_SEED }).judge;
  const degraded = (regression: string) =>
    rows.filter((row) => row.regression === regression).reduce((sum, row) => sum + row.degraded, 0);
  expect(degraded('none')).toBe(0);
  expect(degraded('latency')).toBeGreaterThanOrEqual(5);
  expect(degraded('errors')).toBeGreaterThanOrEqual(4);
  expect(canaryTable({ judge: rows }).split('\n')).toHaveLength(11);
});

test('a recording is played with the requests and regressions that the table names', () => {
  const trace = readTrace('conversations');
  const scenes = Array.from({ length: 4 }, (_, n) => replayed(trace, random(n), 'half', 'errors'));
  const last = (of: (scene: (typeof scenes)[number]) => Float64Array, from = -1): number =>
    scenes.reduce((sum, scene) => sum + (of(scene).at(-1) ?? 0) - (from < 0 ? 0 : (of(scene)[from] ?? 0)), 0);
  const { start } = scenes[0] ?? { start: 0 };
  const fresh = last((scene) => scene.new.requests);
  expect(fresh / scenes.length / 300).toBeGreaterThan(35);
  expect(fresh / scenes.length / 300).toBeLessThan(65);
  const [own, other] = [last((scene) => scene.new.errors) / fresh, last((scene) => scene.old.errors, start)];
  expect(own / (other / last((scene) => scene.old.requests, start))).toBeCloseTo(2, 0);
  expect(scenes.map((scene) => scene.new.requests[start - 1])).toEqual([0, 0, 0, 0]);
});

import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import { countsBeside, differsBeside, type VersionCurves } from '../../../../core/domain/correlation/side-by-side.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { millisOf, plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { own, scene, suspectIn, timed } from './scenes.ts';

const WINDOW = 300;
const measure = { window: WINDOW, max: 0.02, whole: 1 as const };

/** Requests per second, and the share of them that fails, at a second after noon. */
type Version = { rate: (at: number) => number; fails: (at: number) => number };

/** Returns what queries over a window show of a version, every 30 seconds, or more often, from an hour before noon until `until`. */
function measured({ rate, fails }: Version, until = 240, window = WINDOW): VersionCurves {
  const [curve, traffic]: [[ReturnType<typeof plusSeconds>, number][], [ReturnType<typeof plusSeconds>, number][]] = [
    [],
    [],
  ];
  for (let at = -3600; at <= until; at += Math.min(30, window / 6)) {
    let [requests, failed] = [0, 0];
    for (let second = at - window; second < at; second += 1) {
      requests += rate(second);
      failed += rate(second) * fails(second);
    }
    if (requests === 0) continue;
    curve.push([plusSeconds(NOON, at), failed / requests]);
    traffic.push([plusSeconds(NOON, at), requests / window]);
  }
  return { curve, traffic };
}

/** A version that takes `rate` requests per second from one second until another. */
const served = (rate: number, from: number, until: number, fails: Version['fails'] = () => 0): Version => ({
  rate: (at) => (at >= from && at < until ? rate : 0),
  fails,
});

const compared = (mine: Version, theirs: Version, more: Partial<typeof measure & { quantile: number }> = {}): boolean =>
  differsBeside(measured(mine), measured(theirs), {
    from: millisOf(NOON),
    until: plusSeconds(NOON, 240),
    measure: { ...measure, ...more },
  });

const bad = served(5, -20, 3600, () => 0.4);

describe('two versions since one of them fails', () => {
  test('are compared by the requests of that time only, not by those that a window still contains', () => {
    const beside = countsBeside(measured(bad), measured(served(5, -7200, 120)), {
      from: millisOf(NOON),
      until: plusSeconds(NOON, 240),
      measure,
    });
    expect(beside?.other.requests).toBeGreaterThan(400);
    expect(beside?.other.requests).toBeLessThan(650);
    expect(beside?.seconds).toBe(90);
  });

  test.each<[string, boolean, Version, Version]>([
    ['served side by side for two minutes', true, bad, served(5, -7200, 120)],
    ['still serve', true, bad, served(5, -7200, 3600)],
    ['the other one was gone right before', false, bad, served(5, -7200, 0)],
    ['the other one was gone after half a minute', false, bad, served(5, -7200, 30)],
    ['fail alike', false, bad, served(5, -7200, 3600, (at) => (at > 0 ? 0.4 : 0))],
    [
      'fail alike, and the other one went after two minutes',
      false,
      bad,
      served(5, -7200, 120, (at) => (at > 0 ? 0.4 : 0)),
    ],
    ['the other one fails less, but above the limit', false, bad, served(5, -7200, 3600, (at) => (at > 0 ? 0.05 : 0))],
    ['the other one had few requests', false, bad, served(0.05, -7200, 3600)],
    ['the bad one had few requests', false, served(0.03, -20, 3600, () => 0.4), served(5, -7200, 3600)],
    ['a few requests failed by chance', false, served(5, -20, 3600, () => 0.004), served(5, -7200, 3600)],
  ])('%s: %s', (_, differs, mine, theirs) => {
    expect(compared(mine, theirs)).toBe(differs);
  });

  test('cannot be compared if the other one was gone after seconds, although its rate is extrapolated for a window', () => {
    const curves = (samples: readonly [at: number, rate: number, value: number][]): VersionCurves => ({
      curve: samples.map(([at, , value]) => [plusSeconds(NOON, at), value]),
      traffic: samples.map(([at, rate]) => [plusSeconds(NOON, at), rate]),
    });
    const before = curves([-60, -30, 0].map((at) => [at, 38.4, 0])).curve;
    const cold = curves([
      [30, 4, 0.36],
      [60, 17.8, 0.27],
      [90, 26.6, 0.21],
    ]);
    const gone = curves([
      [0, 38.5, 0],
      [30, 31.2, 0],
      [60, 21.5, 0],
      [90, 12.7, 0],
    ]);
    const options = {
      from: millisOf(NOON),
      until: plusSeconds(NOON, 90),
      measure: { window: 120, max: 0.03, whole: 1 as const },
    };
    expect(differsBeside(cold, { ...gone, curve: [...before, ...gone.curve] }, options)).toBe(false);
  });

  test('whose values are percentages: a value of 40 is 40 of 100 requests', () => {
    const inPercent = ({ curve, traffic }: VersionCurves): VersionCurves => ({
      curve: curve.map(([at, value]) => [at, value * 100]),
      traffic,
    });
    const options = {
      from: millisOf(NOON),
      until: plusSeconds(NOON, 240),
      measure: { ...measure, max: 2, whole: 100 as const },
    };
    const [mine, theirs] = [measured(bad), measured(served(5, -7200, 120))].map(inPercent);
    expect(mine && theirs && differsBeside(mine, theirs, options)).toBe(true);
  });

  test('of a quantile: so many requests came since that slow ones would show', () => {
    expect(compared(bad, served(5, -7200, 60), { quantile: 0.99 })).toBe(true);
    expect(compared(bad, served(5, -7200, 60), { quantile: 0.5 })).toBe(false);
    expect(compared(bad, served(5, -7200, 0), { quantile: 0.99 })).toBe(false);
  });
});

describe('a rolling deploy that fails shortly before its end', () => {
  const evidence = (theirs: Version, more: Partial<Evidence> = {}): Evidence => {
    const rollout = own(timed('v42', 20, -70));
    const all = measured({ rate: () => 10, fails: (at) => (at > 0 ? 0.3 : 0.001) }, 240);
    return scene({
      at: plusSeconds(NOON, 240),
      changes: [rollout],
      health: { max: measure.max, curve: all.curve, window: WINDOW },
      by_version: [
        { version: 'v42', ...measured(bad) },
        { version: 'v41', ...measured(theirs) },
      ],
      by_version_window: WINDOW,
      ...more,
    });
  };
  const proofIn = (given: Evidence) => suspectIn(correlate(given)).proof;

  test('is proved by the requests that the old version served beside it', () => {
    expect(proofIn(evidence(served(5, -7200, 90)))).toBe('canary');
  });

  test('is not proved by a rate that still shows the old version, and the reason says for how long both served', () => {
    const shownAfter = (seconds: number, old: number) => {
      const curves = (one: Version) => measured(one, seconds, 30);
      const all = curves({ rate: () => 10, fails: (at) => (at > -20 ? (at < old ? 0.2 : 0.4) : 0.001) });
      return evidence(served(5, -7200, 0), {
        at: plusSeconds(NOON, seconds),
        changes: [own(timed('v42', 20, null))],
        health: { max: measure.max, curve: all.curve, window: 30 },
        by_version: [
          { version: 'v42', ...curves(bad) },
          { version: 'v41', ...curves(served(5, -7200, old)) },
        ],
        by_version_window: 30,
      });
    };
    for (const seconds of [40, 50, 80]) expect(proofIn(shownAfter(seconds, 22))).toBeNull();
    const comparison = suspectIn(correlate(shownAfter(50, 22))).factors.find(
      ({ name }) => name === 'only_it_seems_bad',
    );
    expect(comparison?.missing).toMatch(
      /^v42 and v41 served side by side for about (3[5-9]|4[0-4]) s since the errors began, and a proof takes 60 s$/,
    );
    expect(proofIn(shownAfter(120, 3600))).not.toBeNull();
  });

  test('is not proved if the old version fails as well, or if its requests are not measured', () => {
    expect(proofIn(evidence(served(5, -7200, 90, (at) => (at > 0 ? 0.4 : 0))))).toBeNull();
    const { traffic: _, ...theirs } = measured(served(5, -7200, 90));
    const unmeasured = [
      { version: 'v42', curve: measured(bad).curve, traffic: null },
      { version: 'v41', ...theirs, traffic: null },
    ];
    expect(proofIn(evidence(served(5, -7200, 90), { by_version: unmeasured }))).toBeNull();
  });

  test('is not proved by a window that is healthy for the old version only because it contains the time before', () => {
    const rollout = own(timed('v42', 200, -200));
    const ownFails = (at: number) => (at > 0 ? 0.3 : 0);
    const young = measured(served(4, -60, 3600, ownFails), 150);
    const old = (fails: Version['fails']) => measured(served(6, -7200, 3600, fails), 150);
    const given = (theirs: VersionCurves) =>
      evidence(served(5, -7200, 90), {
        at: plusSeconds(NOON, 180),
        changes: [rollout],
        health: { max: measure.max, curve: all.curve, window: WINDOW },
        by_version: [
          { version: 'v42', ...young },
          { version: 'v41', ...theirs },
        ],
      });
    const all = measured({ rate: () => 10, fails: (at) => (at > 0 ? 0.14 : 0.001) }, 150);
    const diluted = old((at) => (at > 0 ? 0.035 : 0));
    expect(diluted.curve.every(([, value]) => value <= measure.max)).toBe(true);
    expect(proofIn(given(diluted))).toBeNull();
    expect(proofIn(given(old(() => 0)))).not.toBeNull();
  });

  test('is not said to have replaced a version that still takes its requests', () => {
    const told = (theirs: Version) =>
      suspectIn(
        correlate(
          evidence(theirs, {
            at: plusSeconds(NOON, 60),
            changes: [own(timed('v42', 200, 10))],
            by_version: [
              {
                version: 'v42',
                ...measured(
                  served(5, -200, 3600, (at) => (at > 0 ? 0.4 : 0)),
                  60,
                ),
              },
              { version: 'v41', ...measured(theirs, 60) },
            ],
          }),
        ),
      ).reasons.join();
    expect(told(served(5, -7200, -10))).toContain('but v41 stopped serving 70 s ago');
    expect(told(served(5, -7200, 3600))).toContain('v41 at 0 (57 % of traffic)');
    expect(told(served(5, -7200, 3600))).not.toContain('stopped serving');
  });
});

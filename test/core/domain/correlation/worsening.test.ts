import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import { timesWorse } from '../../../../core/domain/correlation/worsening.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import { of, own, scene, timed } from './scenes.ts';
import { runs } from '../../../support/runs.ts';

/** Seconds after noon, at which the alert began, of the evaluation. */
const EVALUATED = 40 * 60;

/** Samples each 30 seconds from two hours before noon to the evaluation. */
const course = (value: (minutes: number) => number): (readonly [Timestamp, number])[] =>
  Array.from({ length: (7200 + EVALUATED) / 30 + 1 }, (_, index) => plusSeconds(NOON, 30 * index - 7200)).map(
    (at) => [at, value((millisOf(at) - millisOf(NOON)) / 60_000)] as const,
  );

/** An incident without a candidate: errors rise to 3 % two minutes before noon, and to `then` at a later minute. */
const incident = (then: number, atMinute: number, changes: RelatedChange[], more: Partial<Evidence> = {}): Evidence =>
  scene({
    at: plusSeconds(NOON, EVALUATED),
    changes: [own(timed('v41', 90_000, 89_000)), ...changes],
    health: { max: 0.01, window: 60, curve: course((min) => (min < -2 ? 0.001 : min < atMinute ? 0.03 : then)) },
    ...more,
  });

const later = timed('v42', -20 * 60, -22 * 60);

describe('errors that rise again during the incident', () => {
  test('are explained by the deploy that they follow, with the height of the incident as their baseline', () => {
    const { risen_again, verdict, suspects, onset } = correlate(incident(0.4, 21, [own(later)]));
    expect({ risen_again, verdict, first: suspects[0]?.version }).toEqual({
      risen_again: true,
      verdict: 'change',
      first: 'v42',
    });
    expect(Math.abs(millisOf(onset.at) - millisOf(NOON) - 21 * 60_000)).toBeLessThan(60_000);
    expect(suspects[0]?.reasons.join()).toContain('went from 0.03 to 0.4');
  });

  test.each<[string, RelatedChange]>([
    ['configuration', own({ ...later, kind: 'config' })],
    ['a dependency', of('payments', 'dependency', later)],
    ['something shared', of('dns', 'shared', later)],
    ['a caller', of('web', 'caller', later)],
  ])('are explained by a change of %s as well', (_, change) => {
    const { risen_again, suspects } = correlate(
      incident(0.4, 21, [change], {
        failing: [
          {
            service: change.change.service,
            since: plusSeconds(NOON, 1270),
            relation:
              change.relation === 'same' ? 'unrelated' : change.relation === 'caller' ? 'dependent' : 'dependency',
            changed_at: later.started_at,
          },
        ],
      }),
    );
    expect([risen_again, suspects.map(({ change_id }) => change_id)]).toEqual([true, [change.change.id]]);
  });

  test('prove the version if only it is worse than the incident was', () => {
    const versions = (v42: number) => [
      { version: 'v41', curve: course((min) => (min < -2 ? 0.001 : 0.03)), traffic: course(() => 40) },
      { version: 'v42', curve: course(() => v42).filter(([at]) => at > later.started_at), traffic: course(() => 60) },
    ];
    const proofIn = (v42: number) =>
      correlate(incident(0.4, 21, [own(later)], { by_version: versions(v42) })).suspects[0]?.proof;
    expect([proofIn(0.8), proofIn(0.03)]).toEqual(['version', null]);
  });

  test.each<[string, Evidence]>([
    ['that did not double', incident(0.05, 21, [own(later)])],
    ['that rose before the change', incident(0.4, 10, [own(later)])],
    ['that rose before the incident had reached its height', incident(0.4, 3, [own(timed('v42', -45, -90))])],
    ['after a change that was cancelled', incident(0.4, 21, [own({ ...later, status: 'cancelled' })])],
    ['that nobody measures', incident(0.4, 21, [own(later)], { health: null })],
    [
      'that are over',
      incident(0.4, 21, [own(later)], {
        health: {
          max: 0.01,
          window: 60,
          curve: course((min) => (min < -2 || min > 35 ? 0.001 : min < 21 ? 0.03 : 0.4)),
        },
      }),
    ],
  ])('accuse nothing if it is a rise %s', (_, evidence) => {
    const { risen_again, verdict } = correlate(evidence);
    expect([risen_again, verdict]).toEqual([undefined, 'no_change']);
  });

  test('are found where requests are measured, too, which were without errors before the incident', () => {
    const { risen_again, suspects } = correlate(incident(0.4, 21, [own(later)], { traffic: course(() => 50) }));
    expect([risen_again, suspects[0]?.version]).toEqual([true, 'v42']);
  });

  const share = { max: 0.01, window: 60, whole: 1 } as const;

  /** An incident in which this part of the requests fails, and another part from minute 21 on. */
  const failing = (before: number, after: number, health: object = share): Evidence =>
    incident(0, 0, [own(later)], {
      health: { max: 0.01, ...health, curve: course((min) => (min < -2 ? 0.001 : min < 21 ? before : after)) },
    });

  test('count by the requests that still succeed where most fail already', () => {
    const { risen_again, verdict, suspects } = correlate(failing(0.6, 0.9));
    expect([risen_again, verdict, suspects[0]?.version]).toEqual([true, 'change', 'v42']);
    expect(suspects[0]?.reasons.join()).toContain(
      'went from 60 % to 90 % (1.5 times; 40 % succeeded before, and 10 % do now; the incident itself had been below 73 %)',
    );
  });

  test.each<[string, Evidence]>([
    ['whose unit is unknown', failing(0.6, 0.9, { window: 60 })],
    ['of values that are no share of the requests', failing(0.6, 0.9, { max: 2, window: 60, whole: 1 })],
    ['of little: almost all requests failed before', failing(0.85, 0.93)],
    ['that leaves more than half of the successes', failing(0.6, 0.75)],
  ])('accuse nothing if it is a rise %s', (_, evidence) => {
    expect(correlate(evidence).risen_again).toBeUndefined();
  });

  test('are found from any height at which half of the successes can end', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.02, max: 0.79, noNaN: true }), (before) => {
        const halved = 1 - (1 - before) / 2.2;
        expect(correlate(failing(before, Math.max(Math.min(2.2 * before, halved), before + 0.1))).risen_again).toBe(
          true,
        );
        expect(correlate(failing(before, Math.min(1.3 * before, 1 - (1 - before) / 1.3))).risen_again).toBeUndefined();
      }),
      { numRuns: runs(40) },
    );
  });

  test('have a limit that a doubling below a third, and a share, cannot pass', () => {
    const value = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(value, value, fc.double({ min: 1, max: 4, noNaN: true }), (a, b, factor) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        expect(timesWorse(low, factor, 1)).toBeLessThanOrEqual(timesWorse(high, factor, 1) + 1e-12);
        expect(timesWorse(high, factor, 1)).toBeLessThanOrEqual(1);
        expect(timesWorse(high, factor, 1)).toBeGreaterThanOrEqual(high - 1e-12);
        expect(timesWorse(high, factor, Infinity)).toBe(factor * high);
        if (low <= 1 / 3) expect(timesWorse(low, 2, 1)).toBeCloseTo(2 * low, 12);
        expect(timesWorse(100 * high, factor, 100)).toBeCloseTo(100 * timesWorse(high, factor, 1), 9);
      }),
    );
  });

  test('do not replace a suspect of the incident itself', () => {
    const { risen_again, suspects } = correlate(incident(0.4, 21, [own(timed('v40', 300, 180)), own(later)]));
    expect([risen_again, suspects[0]?.version]).toEqual([undefined, 'v40']);
  });
});

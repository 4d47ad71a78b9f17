import { describe, expect, test } from 'vitest';
import { correlate } from '../../../domain/correlation/correlate.ts';
import type { Evidence, RelatedChange } from '../../../domain/correlation/evidence.ts';
import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { NOON } from '../arbitraries.ts';
import { of, own, scene, timed } from './scenes.ts';

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

  test('do not replace a suspect of the incident itself', () => {
    const { risen_again, suspects } = correlate(incident(0.4, 21, [own(timed('v40', 300, 180)), own(later)]));
    expect([risen_again, suspects[0]?.version]).toEqual([undefined, 'v40']);
  });
});

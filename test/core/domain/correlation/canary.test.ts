import { describe, expect, test } from 'vitest';
import { correlate, MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import { type Change, STEPS_MAX } from '../../../../schemas/changes/change.ts';
import { before } from '../../arbitraries.ts';
import { approvalReasons, confidence, curve, own, scene, suspectIn, timed, weights } from './scenes.ts';

type Shares = readonly (readonly [minutesBeforeNoon: number, weight: number])[];

const steps = (shares: Shares): NonNullable<Change['canary_steps']> =>
  shares.map(([minutes, weight]) => ({ at: before(minutes), weight }));

/** Builds a deploy of v42 with these shares since 31 minutes before noon. */
const canary = (shares: Shares, more: Partial<Change> = {}) =>
  own(
    timed('v42', 31 * 60, null, {
      status: 'started',
      canary_weight: shares.at(-1)?.[1] ?? null,
      canary_steps: steps(shares),
      ...more,
    }),
  );

/** Builds errors of each minute; `requests` per second are measured. */
const errors = (
  value: (minutesBeforeNoon: number) => number | null,
  requests: number | null = 100,
): Pick<Evidence, 'health' | 'traffic'> => ({
  health: { max: 0.01, window: 60, whole: 1, curve: curve(value) },
  traffic: requests === null ? null : curve(() => requests),
});

const shareAt = (shares: Shares, minutes: number): number => shares.findLast(([from]) => minutes < from)?.[1] ?? 0;

/** Errors of a version that fails this part of its requests. */
const inProportion = (shares: Shares, part: number) => (minutes: number) => 0.001 + part * shareAt(shares, minutes);

const told = (evidence: Evidence): string[] =>
  suspectIn(correlate(evidence)).reasons.filter((text) => text.includes('with its share'));

/** Two steps; the alert fires after the second one. */
const UP: Shares = [
  [31, 0],
  [30, 0.1],
  [6, 0.5],
];

describe('errors that are in proportion to the share of a canary', () => {
  test('speak for its version, without metrics by version', () => {
    const evidence = scene({ changes: [canary(UP)], ...errors(inProportion(UP, 0.04)) });
    expect(weights(evidence)).toMatchObject({ moves_with_share: WEIGHTS.moves_with_share });
    expect(told(evidence)).toEqual([
      'errors moved with its share of the traffic: 0.1 % at 0 %, 0.5 % at 10 % and 2.1 % at 50 %',
    ]);
  });

  test('are no proof', () => {
    const evidence = scene({ changes: [canary(UP)], ...errors(inProportion(UP, 0.04)) });
    expect(suspectIn(correlate(evidence)).proof).toBeNull();
  });

  test('speak for it if they end with an abort', () => {
    const aborted: Shares = [
      [31, 0],
      [8, 0.5],
      [3, 0],
    ];
    const alert = { alertStartedAt: before(4), rule: null };
    const evidence = scene({ changes: [canary(aborted)], ...errors(inProportion(aborted, 0.2)), onset: alert });
    expect(weights(evidence)['moves_with_share']).toBeGreaterThan(0);
    // It had traffic when they began.
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
  });

  test('count if samples are missing around a step', () => {
    const value = inProportion(UP, 0.04);
    const evidence = scene({ changes: [canary(UP)], ...errors((m) => (m > 5 && m < 9 ? null : value(m))) });
    expect(weights(evidence)['moves_with_share']).toBeGreaterThan(0);
  });

  test('count if pods need two minutes to take the traffic of a step', () => {
    const late = UP.map(([minutes, weight]) => [minutes - 2, weight] as const);
    const evidence = scene({ changes: [canary(UP)], ...errors(inProportion(late, 0.04)) });
    expect(weights(evidence)['moves_with_share']).toBeGreaterThan(0);
  });

  test('count if the step was reported two minutes after it was made', () => {
    const reported: Shares = [
      [31, 0],
      [30, 0.1],
      [4, 0.5],
    ];
    const alert = { alertStartedAt: before(3), rule: null };
    const evidence = scene({ changes: [canary(reported)], ...errors(inProportion(UP, 0.04)), onset: alert });
    expect(weights(evidence)['moves_with_share']).toBeGreaterThan(0);
    expect(told(evidence).join()).toMatch(/: 0\.1 % at 0 %, 0\.5 % at 10 % and 2\.1 % at 50 %$/);
    expect(confidence(evidence)).toBe(confidence({ ...evidence, changes: [canary(UP)] }));
  });

  test('count from the oldest known step on, if there were too many', () => {
    const small = Array.from({ length: 22 }, (_, index) => [50 - 2 * index, 0.2 + index / 1000] as const);
    const shares: Shares = [[70, 0.2], ...small, [6, 0.5]];
    const all = steps(shares);
    const canaryOf20 = own({
      ...canary(shares, { started_at: before(70), canary_steps: all.slice(-STEPS_MAX) }).change,
    });
    const evidence = scene({ changes: [canaryOf20], ...errors(inProportion(shares, 0.04)) });
    expect(weights(evidence)['moves_with_share']).toBeGreaterThan(0);
    expect(weights(evidence)).not.toHaveProperty('apart_from_share');
  });

  test('count from the end of the rollout on, if only that shows the last step', () => {
    const shares: Shares = [...UP.slice(0, 2), [20, 0.2]];
    const change = { ...canary(shares).change, status: 'succeeded', finished_at: before(6) } as const;
    const evidence = scene({ changes: [own(change)], ...errors(inProportion([...shares, [6, 1]], 0.02)) });
    expect(told(evidence).join()).toMatch(/ and 2\.1 % at 100 %$/);
  });
});

describe('errors that are not in proportion to it', () => {
  /** Errors since five minutes before the second step. */
  const since = (minutes: number, level: number) => (m: number) => (m < minutes ? level : 0.001);

  test('speak against its version if they stay the same after the share has risen', () => {
    const evidence = scene({
      changes: [canary(UP)],
      ...errors(since(20, 0.02)),
      onset: { alertStartedAt: before(4), rule: null },
    });
    expect(weights(evidence)).toMatchObject({ apart_from_share: WEIGHTS.apart_from_share });
    expect(told(evidence)).toEqual([
      'against it: errors did not move with its share of the traffic: 0.1 % at 0 %, 2 % at 10 % and 2 % at 50 %',
    ]);
    expect(approvalReasons(evidence).join('\n')).toContain(
      'evidence_against: this speaks against it: errors did not move',
    );
  });

  test('speak against it if they began before it had traffic', () => {
    const late: Shares = [
      [31, 0],
      [10, 0.1],
    ];
    const evidence = scene({ changes: [canary(late)], ...errors(since(15, 0.02)) });
    expect(weights(evidence)['apart_from_share']).toBeLessThan(-2);
  });

  test('speak against it if they go on after an abort', () => {
    const aborted: Shares = [
      [31, 0],
      [15, 0.5],
      [6, 0],
    ];
    const evidence = scene({ changes: [canary(aborted)], ...errors(since(14, 0.02)) });
    expect(weights(evidence)['apart_from_share']).toBeLessThan(-2);
  });

  test('speak against it if they grow by themselves', () => {
    const evidence = scene({ changes: [canary(UP)], ...errors((m) => 0.001 + 0.001 * Math.max(0, 20 - m)) });
    expect(weights(evidence)['apart_from_share']).toBeLessThan(0);
  });

  test('say nothing if they began long after the last step: a leak', () => {
    const evidence = scene({ changes: [canary(UP)], ...errors(since(1, 0.02)) });
    expect(told(evidence)).toEqual([]);
  });
});

describe('steps tell nothing', () => {
  const quiet: [string, Shares, Pick<Evidence, 'health' | 'traffic'>][] = [
    [
      'if the share went straight to all traffic',
      [
        [31, 0],
        [6, 1],
      ],
      errors(
        inProportion(
          [
            [31, 0],
            [6, 1],
          ],
          0.02,
        ),
      ),
    ],
    ['if there are so few requests that chance explains them', UP, errors(inProportion(UP, 0.04), 0.2)],
    ['if requests are not measured', UP, errors(inProportion(UP, 0.04), null)],
  ];
  test.each(quiet)('%s', (_, shares, measured) => {
    expect(told(scene({ changes: [canary(shares)], ...measured }))).toEqual([]);
  });

  test('if the service reports nothing since the errors began', () => {
    const onset = { alertStartedAt: before(8), rule: null };
    const until = (value: number) => curve((m) => (m > 15 ? value : null));
    const health = { max: 0.01, window: 60, curve: until(0.001) };
    const evidence = scene({ changes: [canary(UP)], health, traffic: until(100), onset });
    expect(told(evidence)).toEqual([]);
    expect(Object.values(weights(evidence)).filter(Number.isNaN)).toEqual([]);
  });

  test('of a version that others beside it prove bad', () => {
    const value = inProportion(UP, 0.04);
    const versions = [
      { version: 'v41', curve: curve(() => 0.001), traffic: curve((m) => 100 * (1 - shareAt(UP, m))) },
      {
        version: 'v42',
        curve: curve((m) => (m < 30 ? 0.041 : null)),
        traffic: curve((m) => (m < 30 ? 100 * shareAt(UP, m) : null)),
      },
    ];
    const evidence = scene({ changes: [canary(UP)], ...errors(value), by_version: versions, by_version_window: 60 });
    expect(suspectIn(correlate(evidence)).proof).not.toBeNull();
    expect(told(evidence)).toEqual([]);
  });
});

describe('the newest step', () => {
  /** A bad version whose errors are within the limit until its share is raised, an hour after its start. */
  const slow: Shares = [
    [70, 0.001],
    [1, 0.5],
  ];
  const at = (shares: Shares | null) =>
    scene({
      changes: [
        own(
          timed('v42', 70 * 60, null, {
            status: 'started',
            canary_weight: 0.5,
            ...(shares && { canary_steps: steps(shares) }),
          }),
        ),
      ],
      ...errors((m) => (m < 1 ? 0.03 : 0.001)),
    });

  test('is the time of a change, because it brings more traffic', () => {
    expect(confidence(at(null))).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
    expect(confidence(at(slow))).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(suspectIn(correlate(at(slow))).reasons.join('\n')).toMatch(
      /deploy of v42 was rolling out when the problem began, \d+ s after its share of the traffic rose/,
    );
  });

  test('is the share with which its errors are compared', () => {
    const raised = scene({
      changes: [
        canary([
          [31, 0.05],
          [3, 0.5],
        ]),
      ],
      ...errors((m) => (m < 2 ? 0.4 : 0.001)),
    });
    expect(weights(raised)).not.toHaveProperty('beyond_canary');
    const same = scene({
      changes: [
        canary([
          [31, 0.02],
          [20, 0.05],
        ]),
      ],
      ...errors((m) => (m < 2 ? 0.4 : 0.001)),
    });
    expect(weights(same)['beyond_canary']).toBe(WEIGHTS.beyond_canary);
  });

  test('is not the only one that counts if the clock of its sender is ahead, so that its start is later', () => {
    const lowered = canary([
      [1, 0.5],
      [2, 0.05],
    ]);
    const evidence = scene({ changes: [lowered], ...errors((m) => (m < 3 ? 0.4 : 0.001)) });
    expect(weights(evidence)).not.toHaveProperty('beyond_canary');
  });
});

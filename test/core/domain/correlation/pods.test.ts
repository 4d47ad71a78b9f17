import { describe, expect, test } from 'vitest';
import { MIN_CONFIDENCE_TO_ASK, correlate } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence, PodsOfVersion } from '../../../../core/domain/correlation/evidence.ts';
import { confidence, curve, own, scene, step, suspectIn, timed, versionAt, weights } from './scenes.ts';

/** Pods of a version, all of them ready. */
const pods = (version: string, count: number, more: Partial<PodsOfVersion> = {}): PodsOfVersion => ({
  version,
  pods: count,
  ready: count,
  failing: 0,
  restarting: 0,
  restarts: 0,
  reasons: [],
  ...more,
});

const CRASHING = pods('v42', 3, { ready: 0, failing: 2, restarting: 2, restarts: 4, reasons: ['CrashLoopBackOff'] });
const STABLE = pods('v41', 3);

/** v42 rolls out, the errors of all rise, and only v41 is among the versions that take requests. */
const unseen = (more: Partial<Evidence> = {}): Evidence =>
  scene({
    changes: [own(timed('v41', 6000, 5900)), own(timed('v42', 120, null, { status: 'started' }))],
    health: step(0.002, 0.04),
    traffic: curve(() => 100),
    by_version: [versionAt('v41', 0.04, 1)],
    ...more,
  });

const texts = (evidence: Evidence): string[] => suspectIn(correlate(evidence)).factors.map(({ text }) => text);

test('a version without requests is cleared if nothing is known of its pods', () => {
  for (const more of [{}, { pods: [] }, { pods: [STABLE] }, { pods: [STABLE, pods('v42', 3)] }])
    expect(weights(unseen(more))).toMatchObject({ no_traffic: -4 });
  expect(confidence(unseen())).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
});

describe('a version whose pods can not start', () => {
  test('is suspected instead of cleared', () => {
    const evidence = unseen({ pods: [STABLE, CRASHING] });
    expect(weights(evidence)).toMatchObject({ cannot_start: 1, by_version: 0 });
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
    expect(texts(evidence)).toEqual(
      expect.arrayContaining([
        '2 of 3 pods of v42 have restarted 4 times in 5 minutes (CrashLoopBackOff)',
        "v42 takes no requests while its pods can't start",
      ]),
    );
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  });

  test('is suspected, too, if single requests reach it between two crashes', () => {
    const by_version = [versionAt('v41', 0.04, 0.999), versionAt('v42', 0.001, 0.001)];
    expect(weights(unseen({ by_version }))).toHaveProperty('no_traffic');
    expect(weights(unseen({ by_version, pods: [STABLE, CRASHING] }))).not.toHaveProperty('no_traffic');
  });

  test('names why its pods wait', () => {
    const waiting = pods('v42', 1, { ready: 0, failing: 1, reasons: ['ErrImagePull', 'ImagePullBackOff'] });
    expect(texts(unseen({ pods: [STABLE, waiting] }))).toContain(
      "1 of 1 pods of v42 can't start (ErrImagePull and ImagePullBackOff)",
    );
  });

  test('is suspected less if pods of another version can not start either', () => {
    const evidence = unseen({ pods: [{ ...CRASHING, version: 'v41' }, CRASHING] });
    expect(weights(evidence)).toMatchObject({ cannot_start: 0 });
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
    expect(texts(evidence).join()).toContain('and pods of v41 as well');
  });

  test('is suspected without metrics by version', () => {
    expect(weights(unseen({ by_version: null, pods: [STABLE, CRASHING] }))).toMatchObject({ cannot_start: 1 });
  });

  test('is not suspected for one of its pods', () => {
    const one = pods('v42', 3, { ready: 2, failing: 1, restarting: 1, restarts: 2 });
    expect(weights(unseen({ pods: [STABLE, one] }))).not.toHaveProperty('cannot_start');
  });
});

test('a version of which no pod is ready is not cleared, and not suspected for that', () => {
  const evidence = unseen({ pods: [STABLE, pods('v42', 2, { ready: 0 })] });
  expect(weights(evidence)).not.toHaveProperty('no_traffic');
  expect(weights(evidence)).not.toHaveProperty('cannot_start');
  expect(texts(evidence)).toContain('v42 takes no requests while none of its pods is ready');
});

describe('a version whose pods are ready, but which no request names, is not cleared', () => {
  const BECAUSE = 'no request names v42, but its pods are ready (3), so its label may be lost';

  test('if its pods are the only ones that are ready', () => {
    expect(texts(unseen({ pods: [pods('v42', 3)] }))).toContain(BECAUSE);
    expect(texts(unseen({ pods: [pods('v41', 1, { ready: 0 }), pods('v42', 3)] }))).toContain(BECAUSE);
  });

  test('if the requests of all are not measured, unless it is a canary', () => {
    const ready = [STABLE, pods('v42', 3)];
    expect(texts(unseen({ pods: ready, traffic: null }))).toContain(BECAUSE);
    const changes = [
      own(timed('v41', 6000, 5900)),
      own(timed('v42', 120, null, { status: 'started', canary_weight: 0.1 })),
    ];
    expect(weights(unseen({ pods: ready, traffic: null, changes }))).toHaveProperty('no_traffic');
  });

  test('if a few requests name no version', () => {
    const by_version = [{ ...versionAt('v41', 0.04, 1), traffic: curve((minutes) => (minutes > 2 ? 100 : 97)) }];
    expect(weights(unseen({ by_version }))).toHaveProperty('no_traffic');
    const evidence = unseen({ by_version, pods: [STABLE, pods('v42', 3)] });
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
    expect(texts(evidence).join()).toContain('3 % of the requests name no version since its rollout');
  });
});

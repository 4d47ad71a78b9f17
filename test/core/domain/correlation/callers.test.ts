import { describe, expect, test } from 'vitest';
import { correlate, MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { missingEvidence } from '../../../../core/domain/rollback/evidence-level.ts';
import {
  alone,
  approvalReasons,
  confidence,
  curve,
  of,
  own,
  scene,
  step,
  suspectIn,
  timed,
  versionAt,
  weights,
} from './scenes.ts';

type Versions = NonNullable<Evidence['by_version']>;
type Callers = NonNullable<Evidence['callers']>;

const callers = (versions: Versions, more: Partial<Callers> = {}): Pick<Evidence, 'callers'> => ({
  callers: { max: 0.01, whole: 1, window: 60, versions, ...more },
});

/** What callers see of v42, which gets its first request at noon. */
const fresh = (value: number, share: number): Versions[number] => ({
  version: 'v42',
  curve: curve((at) => (at > 0 ? null : value)),
  traffic: curve((at) => (at > 0 ? null : 100 * share)),
});

/** What callers see if requests to v42 are refused. */
const REFUSED = [fresh(0.95, 0.3), versionAt('v41', 0.001, 0.7)];
const BOTH_FAIL = [fresh(0.95, 0.3), versionAt('v41', 0.4, 0.7)];

/** v42 is rolling out, and the service itself reports no errors. */
const silent = (more: Partial<Evidence> = {}): Evidence =>
  scene({
    changes: [own(timed('v41', 7000, 6900)), own(timed('v42', 240, null, { status: 'started' }))],
    health: step(0.002, 0.002),
    ...more,
  });

const proofIn = (evidence: Evidence) => suspectIn(correlate(evidence)).proof;
const texts = (evidence: Evidence): string =>
  suspectIn(correlate(evidence))
    .factors.map(({ text }) => text)
    .join('; ');

describe('where the service itself reports no errors', () => {
  test('its callers prove a version', () => {
    const evidence = silent(callers(REFUSED));
    expect(weights(evidence)).toMatchObject({ callers_see_only_it: 4, step: 1 });
    expect(proofIn(evidence)).toBe('callers');
    expect(alone(evidence)).toBe(true);
    expect(texts(evidence)).toContain('the error ratio of callers went from 0.1 % to 29 %');
    expect(texts(evidence)).toContain('callers see: v42 is at 95 % (30 % of traffic), v41 at 0.1 % (70 % of traffic)');
  });

  test('nothing is proved without them', () => {
    expect(alone(silent())).toBe(false);
    expect(proofIn(silent())).toBeNull();
  });

  test.each<[string, Partial<Evidence>]>([
    ['whose own metrics show no bad version', { by_version: [versionAt('v42', 0, 0.3), versionAt('v41', 0.001, 0.7)] }],
    ['whose own metrics show no requests to it', { by_version: [versionAt('v41', 0.001, 1)] }],
    ['that cannot be read', { health: null, health_unreadable: 'no answer' }],
    ['whose series has ended', { health: { ...step(0.002, 0.002), curve: curve((at) => (at > 0 ? 0.002 : null)) } }],
  ])('they prove it, too, of a service %s', (_, more) => {
    expect(alone(silent({ ...callers(REFUSED), ...more }))).toBe(true);
  });

  test('they refute it if both versions fail, or only the other one', () => {
    for (const seen of [BOTH_FAIL, [versionAt('v42', 0.001, 0.3), versionAt('v41', 0.4, 0.7)]]) {
      const evidence = silent(callers(seen));
      expect(weights(evidence)).toMatchObject({ callers_see_others: -4 });
      expect(proofIn(evidence)).toBeNull();
      expect(confidence(evidence)).toBeLessThan(confidence(silent({ health: step(0.002, 0.1) })));
    }
  });

  test('they prove nothing with a label that has one value, or none that names a version', () => {
    for (const seen of [
      [versionAt('v42', 0.95, 1)],
      [versionAt('v1', 0.3, 1)],
      [versionAt('v42', 0.95, 0.3), versionAt('unknown', 0.001, 0.7)],
    ])
      expect(weights(silent(callers(seen)))).toEqual(weights(silent()));
  });

  test('they prove nothing while many of the errors name no version', () => {
    const evidence = silent(callers([...REFUSED, versionAt('unknown', 1, 0.4)]));
    expect(proofIn(evidence)).toBeNull();
    expect(suspectIn(correlate(evidence)).factors).toContainEqual(
      expect.objectContaining({ missing: expect.stringContaining('of the errors name no version') as string }),
    );
  });

  test('they prove nothing with few requests, or after the other version is gone', () => {
    const few = REFUSED.map((one) => ({ ...one, traffic: curve(() => 0.05) }));
    const gone = REFUSED.map((one) =>
      one.version === 'v41' ? { ...one, traffic: curve((at) => (at > 0.5 ? 70 : 0)) } : one,
    );
    for (const seen of [few, gone]) expect(proofIn(silent(callers(seen)))).toBeNull();
  });

  test('a version that they do not call is not cleared', () => {
    const evidence = silent({
      health: step(0.002, 0.1),
      ...callers([versionAt('v41', 0.001, 0.9), versionAt('v40', 0.001, 0.1)]),
    });
    expect(weights(evidence)).not.toHaveProperty('no_traffic');
    expect(confidence(evidence)).toBe(confidence(silent({ health: step(0.002, 0.1) })));
  });
});

describe('a proof by callers', () => {
  test('is none at the level version', () => {
    const evidence = silent(callers(REFUSED));
    const { suspects, onset } = correlate(evidence);
    const missing = (level: 'version' | 'proved') =>
      missingEvidence(level, suspectIn({ suspects } as never), evidence, onset.at);
    expect(missing('proved')).toBeNull();
    expect(missing('version')).toBe('it is not proved by version (evidence: version): only its callers see it');
  });

  test('is not weakened by retries, which send more requests to both versions', () => {
    const retries = curve((at) => (at > -0.5 ? 100 : 260));
    expect(alone(silent({ ...callers(REFUSED), traffic: retries }))).toBe(true);
    const more = REFUSED.map((one) =>
      one.version === 'v42' ? one : { ...one, traffic: curve((at) => (at > 0 ? 70 : 210)) },
    );
    expect(weights(silent(callers(more)))).not.toHaveProperty('traffic_rise');
    expect(alone(silent(callers(more)))).toBe(true);
  });

  test('waits for a person while errors fall', () => {
    const falls = REFUSED.map((one) =>
      one.version === 'v42' ? { ...one, curve: curve((at) => (at > 0 ? 0.001 : 0.95 * 0.6 ** -at)) } : one,
    );
    expect(approvalReasons(silent(callers(falls))).join()).toMatch(/warming_up|falling/);
    expect(alone(silent(callers(falls)))).toBe(false);
  });

  test('waits for a person if another change was made meanwhile, also of a caller', () => {
    const config = own(timed('limits 7', 200, 190, { kind: 'config' }));
    const deploy = of('shop', 'caller', timed('s9', 60, 30));
    for (const [also, code] of [
      [config, 'config limits 7'],
      [deploy, 'deploy s9 of shop'],
    ] as const) {
      const changes = [...silent().changes, also];
      expect(approvalReasons(silent({ ...callers(REFUSED), changes })).join()).toContain(code);
    }
  });

  test('waits for a person if a single instance can explain it', () => {
    const pods = (count: number) => ({
      version: 'v42',
      pods: count,
      ready: count,
      failing: 0,
      restarting: 0,
      restarts: 0,
      reasons: [],
    });
    const partly = callers([fresh(0.4, 0.3), versionAt('v41', 0.001, 0.7)]);
    expect(approvalReasons(silent(partly)).join()).toMatch(
      'one_instance: callers do not tell instances apart, and a single one of v42 can explain 40 % failed requests; with health.pods, their number is known',
    );
    expect(alone(silent({ ...partly, pods: [pods(3)] }))).toBe(false);
    expect(alone(silent({ ...partly, pods: [pods(6)] }))).toBe(true);
    expect(alone(silent({ ...partly, pods: [pods(1)] }))).toBe(true);
    const later = callers([versionAt('v42', 0.95, 0.3), versionAt('v41', 0.001, 0.7)]);
    expect(approvalReasons(silent(later)).join()).toContain('one_instance: callers saw v42 well at first');
    expect(alone(silent({ ...later, pods: [pods(3)] }))).toBe(true);
    expect(approvalReasons(silent({ ...later, pods: [pods(1)] })).join()).toContain(
      'the only pod of v42 had been well',
    );
  });

  test('counts in percent if the health query does', () => {
    const inPercent = REFUSED.map((one) => ({
      ...one,
      curve: one.curve.map(([at, value]) => [at, 100 * value] as const),
    }));
    const health = { ...step(0.2, 0.2), max: 1 };
    expect(alone(silent({ health, ...callers(inPercent, { max: 1, whole: 100 }) }))).toBe(true);
  });

  test('comes from a shorter window if the other version was gone before the usual one was over', () => {
    const long = [versionAt('v42', 0.95, 0.3), versionAt('v41', 0.001, 0.7)].map((one) =>
      one.version === 'v41' ? { ...one, traffic: curve((at) => (at > -1.5 ? 70 : 0)) } : one,
    );
    const evidence = silent(callers(long, { window: 600 }));
    const close = { window: 60, versions: long };
    expect(proofIn(evidence)).toBeNull();
    expect(proofIn(silent(callers(long, { window: 600, close })))).toBe('callers');
  });
});

describe('where the service itself reports errors', () => {
  const ITS_OWN = [versionAt('v42', 0.3, 0.3), versionAt('v41', 0.001, 0.7)];
  const loud = (more: Partial<Evidence> = {}): Evidence => silent({ health: step(0.002, 0.1), ...more });

  test('callers prove a version that its own metrics do not name', () => {
    expect(proofIn(loud(callers(REFUSED)))).toBe('callers');
    expect(alone(loud(callers(REFUSED)))).toBe(true);
  });

  test('callers that agree change nothing', () => {
    expect(weights(loud({ by_version: ITS_OWN, ...callers(REFUSED) }))).toEqual(weights(loud({ by_version: ITS_OWN })));
  });

  test('callers that see no errors leave the proof of its own metrics', () => {
    const well = callers([versionAt('v42', 0, 0.3), versionAt('v41', 0.001, 0.7)]);
    expect(proofIn(loud({ by_version: ITS_OWN, ...well }))).toBe('canary');
  });

  test.each<[string, Versions, Versions]>([
    ['its own metrics blame the version, and callers see both fail', ITS_OWN, BOTH_FAIL],
    ['callers blame the version, and its own metrics show both fail', BOTH_FAIL, REFUSED],
  ])('a person decides if %s', (_, by_version, seen) => {
    const evidence = loud({ by_version, ...callers(seen) });
    expect(proofIn(evidence)).toBeNull();
    expect(weights(evidence)).toMatchObject({ callers_disagree: 0 });
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(approvalReasons(evidence).filter((text) => text.startsWith('evidence_against'))).toHaveLength(1);
    expect(approvalReasons(evidence).join()).toContain('but callers see: ');
  });
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { correlate, featuresOf } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { NOON } from '../../arbitraries.ts';
import {
  afterDeploy,
  alone,
  approvalReasons,
  confidence,
  curve,
  failing,
  of,
  own,
  scene,
  step,
  suspectIn,
  timed,
  v42,
  versionAt,
} from './scenes.ts';

const health = step(0.002, 0.04);
describe('with measured errors, automatic action is permitted', () => {
  test('if errors step up soon after the deploy and no evidence contradicts it', () => {
    expect(alone(afterDeploy({ health }))).toBe(true);
    expect(approvalReasons(afterDeploy({ health }))).toEqual([]);
  });

  test.each<[string, Evidence, RegExp]>([
    ['one stranger fails, too', afterDeploy({ health, failing: [failing('mail', 'unrelated')] }), /mail is failing/],
    [
      'something else was changed that may be it',
      scene({ changes: [own(v42()), own(timed('pool-size', 200, 200, { kind: 'config' }))], health }),
      /config pool-size of checkout \(\d\d %\) could also be the cause/,
    ],
  ])('not if %s', (_, evidence, why) => {
    expect(alone(evidence)).toBe(false);
    expect(approvalReasons(evidence).join('; ')).toMatch(why);
  });
});

describe('errors that had risen within their limit before a deploy', () => {
  const risen = curve((minutes) => (minutes > 6 ? 0 : minutes > 0 ? 0.003 : 0.04));
  const evidence = scene({ changes: [own(timed('v42', 170, null))], health: { ...health, curve: risen } });
  const why = /the health query had risen from 0 to 0.003 before v42 began/;

  test('ask a person', () => {
    expect(alone(evidence)).toBe(false);
    expect(approvalReasons(evidence).join('; ')).toMatch(why);
  });

  test('are outweighed if only its version fails now: another one that is well did not raise them', () => {
    const proved = { ...evidence, by_version: [versionAt('v42', 0.08, 0.5), versionAt('v41', 0.003, 0.5)] };
    expect(suspectIn(correlate(proved)).reasons.join('; ')).toMatch(why);
    expect(approvalReasons(proved)).toEqual([]);
    expect(alone(proved)).toBe(true);
  });
});

describe('without a health query, automatic action is permitted', () => {
  test.each<[string, Evidence]>([
    ['after a deploy of the last half hour', scene({ changes: [own(timed('v42', 1700, 1600))] })],
    ['if one unrelated service fails', afterDeploy({ failing: [failing('mail', 'unrelated')] })],
    [
      'if a dependency was changed and is healthy',
      scene({ changes: [own(v42()), of('ledger', 'dependency', timed('l7', 400, 300))] }),
    ],
  ])('%s', (_, evidence) => {
    expect(alone(evidence)).toBe(true);
  });

  test('not for two deploys close together', () => {
    expect(alone(scene({ changes: [own(v42()), own(timed('v43', 100, 60))] }))).toBe(false);
  });
});

describe('errors that should be measured but are not, require a person,', () => {
  const unreadable = { health_unreadable: 'Prometheus answered 400: parse error' };
  const rule = (expression: string) => ({ forSeconds: 60, intervalSeconds: 30, expression });

  test.each<[string, Evidence, RegExp]>([
    ['the query cannot be read', afterDeploy(unreadable), /could not be read: Prometheus answered 400: parse error/],
    ['the query has no samples', afterDeploy({ health: { max: 0.01, curve: [] } }), /too few samples .* \(0\)/],
    [
      'the alert reports missing samples',
      afterDeploy({ onset: { ...scene().onset, rule: rule('absent(up{job="checkout"})') } }),
      /missing samples/,
    ],
    [
      'the alert reports that scraping fails',
      afterDeploy({ onset: { ...scene().onset, rule: rule('up{job="checkout"} == 0') }, health }),
      /failing scrapes/,
    ],
  ])('however close the deploy: %s', (_, evidence, why) => {
    expect(alone(evidence)).toBe(false);
    expect(approvalReasons(evidence).join('; ')).toMatch(/^errors_not_measured: /);
    expect(approvalReasons(evidence).join('; ')).toMatch(why);
  });

  test('with high confidence if the series ended with the deploy: it may crash at its start', () => {
    const gone = afterDeploy({ health: { max: 0.01, curve: curve((m) => (m > 1 ? 0.001 : null)) } });
    expect(confidence(gone)).toBeGreaterThan(confidence(afterDeploy()));
    expect(approvalReasons(gone).join('; ')).toMatch(
      /the service reports nothing any more since 2 min after v42 began|nothing any more/,
    );
  });

  test('not if the series ended before it', () => {
    const gone = afterDeploy({ health: { max: 0.01, curve: curve((m) => (m > 4 ? 0.001 : null)) } });
    expect(confidence(gone)).toBeLessThan(confidence(afterDeploy()));
    expect(approvalReasons(gone).join('; ')).not.toMatch(/nothing any more/);
  });

  test('with low confidence if the series of another service ended in the same scrape: monitoring has a gap', () => {
    const gone = afterDeploy({ health: { max: 0.01, curve: curve((m) => (m > 1 ? 0.001 : null)) } });
    const together = (seconds: number) => ({ ...gone, ended: [{ service: 'mail', at: plusSeconds(NOON, seconds) }] });
    expect(confidence(together(-90))).toBeLessThan(0.5);
    expect(suspectIn(correlate(together(-90))).reasons.join()).toContain(
      'the samples of mail ended at the same time, so monitoring has a gap',
    );
    expect(confidence(together(-600))).toBe(confidence(gone));
  });

  test('and are no evidence for a change if the series ended long after it: monitoring fails more often', () => {
    const late = scene({
      changes: [own(timed('v42', 1500, 1400))],
      health: { max: 0.01, curve: curve((m) => (m > 4 ? 0.001 : null)) },
    });
    expect(suspectIn(correlate(late)).factors).toContainEqual(expect.objectContaining({ name: 'missing_samples' }));
    expect(confidence(late)).toBeLessThan(0.5);
  });
});

describe('a proof', () => {
  const serving = own(timed('v42', 240, null, { status: 'started' }));
  const by_version = [versionAt('v42', 0.08), versionAt('v41', 0.001)];
  const evidence = scene({ changes: [serving], health, by_version });

  test('by version: its version fails, and others do not', () => {
    expect(suspectIn(correlate(evidence)).proof).toBe('version');
    expect(alone(evidence)).toBe(true);
  });

  const meanwhile = (kind: Change['kind'], startedBefore: number, more: Partial<Change> = {}) =>
    scene({
      ...evidence,
      changes: [serving, own(timed('c7', startedBefore, startedBefore, { kind, ...more }))],
    });

  test.each(['config', 'flag', 'infrastructure', 'migration', 'experiment'] as const)(
    'is shared with a change of kind %s between two minutes before the rollout and the onset',
    (kind) => {
      for (const startedBefore of [360, 300, 240, 120, 1]) {
        expect(alone(meanwhile(kind, startedBefore))).toBe(false);
        expect(approvalReasons(meanwhile(kind, startedBefore)).join('; ')).toMatch(/^other_cause: .*c7 of checkout/);
      }
    },
  );

  test.each<[string, Evidence]>([
    ['was made earlier', meanwhile('config', 420)],
    ['was made after the onset', meanwhile('config', -30)],
    ['was cancelled', meanwhile('config', 200, { status: 'cancelled' })],
    [
      'is of another service',
      { ...evidence, changes: [serving, of('mail', 'dependency', timed('c7', 200, 200, { kind: 'config' }))] },
    ],
  ])('stands if the change of configuration %s', (_, given) => {
    expect(alone(given)).toBe(true);
  });

  test('is shared with a change of configuration long before the onset, if the rollout began then', () => {
    const slow = own(timed('v42', 3000, null, { status: 'started' }));
    const config = own(timed('c7', 2990, 2990, { kind: 'config' }));
    expect(approvalReasons({ ...evidence, changes: [slow] }).join()).not.toContain('other_cause');
    expect(approvalReasons({ ...evidence, changes: [slow, config] }).join()).toContain('other_cause');
  });

  test('property: no change of the service that the new instances can have read leaves the version alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 1700 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('config', 'flag', 'infrastructure'),
        (started, part, kind) => {
          const startedBefore = Math.round((started + 120) * part);
          const changes = [
            own(timed('v42', started, null, { status: 'started' })),
            own(timed('c7', startedBefore, startedBefore, { kind })),
          ];
          return !alone({ ...evidence, changes });
        },
      ),
    );
  });

  test('of a version is as much one of the flag that was flipped when it began to fail', () => {
    const rollout = own(timed('v42', 900, null, { status: 'started' }));
    const flip = own(timed('new-cart 7 (on)', 5, 5, { kind: 'flag' }));
    const { suspects } = correlate({ ...evidence, changes: [rollout, flip] });
    expect(suspects[0]?.version).toBe('new-cart 7 (on)');
  });

  test('by canary: the same with a small share of the traffic, which explains the errors of all', () => {
    const canary = [versionAt('v42', 0.4, 0.1), versionAt('v41', 0.001, 0.9)];
    expect(suspectIn(correlate({ ...evidence, by_version: canary })).proof).toBe('canary');
  });

  test('is none if its errors do not explain those of all', () => {
    const canary = [versionAt('v42', 0.06, 0.05), versionAt('v41', 0.001, 0.95)];
    expect(suspectIn(correlate({ ...evidence, by_version: canary })).proof).toBeNull();
  });

  test('is none by time, however close', () => {
    expect(suspectIn(correlate(afterDeploy({ health }))).proof).toBeNull();
  });

  test.each<[string, Partial<Evidence>]>([
    ['one stranger that fails', { failing: [failing('mail', 'unrelated')] }],
    ['several of them', { failing: ['mail', 'search', 'cart'].map((name) => failing(name, 'unrelated')) }],
    ['another deploy that was replaced', { changes: [own(timed('v41', 480, 420)), serving] }],
  ])('outweighs %s', (_, more) => {
    expect(alone({ ...evidence, ...more })).toBe(true);
  });

  test('does not say which of two deploys brought the fault if the first one has taken no traffic', () => {
    const first = own(timed('v41', 480, null, { status: 'started' }));
    const against40 = [versionAt('v42', 0.08, 0.8), versionAt('v40', 0.001, 0.199), versionAt('v41', 0.001, 0.001)];
    const two = { ...evidence, changes: [first, serving], by_version: against40 };
    expect(approvalReasons(two)).toEqual([
      'other_cause: v42 includes v41, which had no traffic of its own, so the fault may be older',
    ]);
  });

  test('does not outweigh a dependency that failed first', () => {
    expect(alone({ ...evidence, failing: [failing('payments', 'dependency', 2)] })).toBe(false);
  });
});

describe('rivals', () => {
  test('a second deploy after the onset is none', () => {
    const changes = [own(timed('v42', 90, 30)), own(timed('v43', -40, null, { status: 'started' }))];
    expect(approvalReasons(scene({ changes, health }))).toEqual([]);
  });

  test("a caller's change is one if the caller fails, too", () => {
    const changes = [
      own(timed('v42', 900, 780)),
      { ...of('web', 'shared', timed('w7', 60, 30)), relation: 'caller' as const },
    ];
    const fails = scene({ changes, health, failing: [failing('web', 'dependent')] });
    expect(approvalReasons(fails).join('; ')).toMatch(/deploy w7 of web \(\d\d %\) could also be the cause/);
    expect(suspectIn(correlate(fails), 'w7').reasons.join('; ')).toContain(
      'it is a change of web, which calls the service',
    );
  });

  test("a caller's change that ended before this one is none: callers fail as a consequence, too", () => {
    const changes = [own(v42()), { ...of('web', 'shared', timed('w7', 900, 780)), relation: 'caller' as const }];
    expect(
      approvalReasons(scene({ changes, health, failing: [failing('web', 'dependent')] })).join('; '),
    ).not.toContain('w7');
  });

  test('an older record of the same version is none: one rollback undoes both', () => {
    const first = own(timed('v42', 200, null, { status: 'started' }));
    const { suspects } = correlate(scene({ changes: [first, own(timed('v42', 60, 60))], health: step(0.002, 0.1) }));
    expect(suspects.map(({ version }) => version)).toEqual(['v42', 'v42']);
    expect(suspects[0]?.approvalReasons).toEqual([]);
  });

  test.each<[string, Partial<Change>, Partial<Change>]>([
    ['deploy of the same version that failed', {}, { status: 'failed' }],
    ['change of configuration to the same version', { kind: 'config' }, { kind: 'config' }],
  ])('a second %s is none', (_, first, second) => {
    const changes = [own(timed('v42', 200, 120, first)), own(timed('v42', 60, 30, second))];
    const { suspects } = correlate(scene({ changes, health: step(0.002, 0.1) }));
    expect(suspects.map(({ version, approvalReasons: reasons }) => [version, reasons])).toEqual([
      ['v42', []],
      ['v42', []],
    ]);
  });

  test("Firebreak's own rollbacks are no suspects", () => {
    const rollback = timed('v41', 120, 60, { kind: 'rollback', made_for: 'inc_another' });
    expect(correlate(scene({ changes: [own(rollback)] })).suspects).toEqual([]);
  });
});

describe('speak against every change:', () => {
  const with_ = (value: (m: number) => number) =>
    scene({ changes: [own(timed('v42', 420, 360))], health: { max: 0.01, curve: curve(value) } });

  test('errors that are falling already', () => {
    const evidence = with_((m) => (m > 5 ? 0.001 : m > 3 ? 0.2 : 0.2 * 0.7 ** (3 - m) * 0.5));
    expect(approvalReasons(evidence).join('; ')).toMatch(/errors are falling already, from 0.2 to 0.0\d+/);
  });

  test('errors that began an hour ago, too', () => {
    const evidence = with_((m) => (m <= 5 || (m <= 65 && m > 57) ? 0.05 : 0.001));
    expect(approvalReasons(evidence).join('; ')).toMatch(/the same errors began 60 min before, too, and ended/);
  });

  test('another failing service that was rolled back in vain', () => {
    const evidence = afterDeploy({ failing: [{ ...failing('mail', 'unrelated', 0, 5), rolled_back: true }] });
    expect(approvalReasons(evidence).join('; ')).toMatch(/mail failed as well, was rolled back, and still fails/);
  });
});

describe('strangers with a health query', () => {
  const stranger = (minutes: number): Evidence['failing'][number] => ({
    ...failing('mail', 'unrelated', minutes),
    measured: {
      earliest: failing('mail', 'unrelated', minutes + 0.5).since,
      latest: failing('mail', 'unrelated', minutes).since,
    },
  });

  test.each([
    ['departed at the same time', 0, true],
    ['departed some minutes before, as a dependency that nobody declared', 4, true],
    ['departed long before', 8, false],
    ['departed clearly later', -4, false],
  ])('count if they %s', (_, minutes, counts) => {
    const evidence = afterDeploy({ failing: [stranger(minutes)] });
    expect(confidence(evidence) < confidence(afterDeploy())).toBe(counts);
  });
});

test('the log-odds of a candidate are its features times the weights', () => {
  const evidence = scene({
    changes: [own(v42()), of('payments', 'dependency', timed('p7', 240, 120), 2)],
    health,
    failing: [failing('payments', 'dependency', 1)],
  });
  const { suspects } = correlate(evidence);
  const features = featuresOf(evidence);
  expect(features).toHaveLength(suspects.length);
  for (const { change_id, features: own_ } of features) {
    const sum = Object.entries(own_).reduce(
      (all, [name, value]) => all + WEIGHTS[name as keyof typeof WEIGHTS] * value,
      0,
    );
    const factors = suspects.find((suspect) => suspect.change_id === change_id)?.factors ?? [];
    expect(sum).toBeCloseTo(
      factors.reduce((all, { weight }) => all + weight, 0),
      9,
    );
  }
});

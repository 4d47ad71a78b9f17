import { describe, expect, test } from 'vitest';
import {
  MIN_CONFIDENCE_TO_ACT,
  correlate,
  MIN_CONFIDENCE_TO_ASK,
} from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence, Failing } from '../../../../core/domain/correlation/evidence.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import { before } from '../../arbitraries.ts';
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
  weights,
} from './scenes.ts';

const codes = (evidence: Parameters<typeof correlate>[0]): string[] =>
  correlate(evidence).doubts.map(({ code }) => code);

describe('a changed caller', () => {
  const among = (minutesBefore: number) =>
    scene({
      changes: [of('web', 'caller', timed('w7', 100, 40))],
      health: step(0.002, 0.041),
      failing: [failing('web', 'dependent', minutesBefore)],
    });

  test('that failed before the service is asked about', () => {
    expect(weights(among(3), 'w7')).toMatchObject({ caller_fails_too: WEIGHTS.caller_fails_too });
    expect(confidence(among(3), 'w7')).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  });

  test('that fails with the service can fail because of it, and nobody is asked', () => {
    expect(weights(among(1), 'w7')).toMatchObject({ fails_at_another_time: 0 });
    expect(confidence(among(1), 'w7')).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
    expect(suspectIn(correlate(among(1)), 'w7').reasons).toContain(
      'web itself is failing, since 60 s before the problem began, as expected of a service that depends on it',
    );
  });

  const suspected = (evidence: Evidence) => correlate(evidence).suspects.map(({ version }) => version);

  test('that fails after the service, or has failed since before its change, is no suspect', () => {
    expect(suspected(among(1))).toEqual(['w7']);
    expect(suspected(among(-3))).toEqual([]);
    // Its newer version was well until the service failed; its failure is that of the version before.
    const failsSince = (minutes: number) => ({ ...among(3), failing: [failing('web', 'dependent', minutes)] });
    expect(suspected(failsSince(2.5))).toEqual(['w7']);
    expect(suspected(failsSince(4))).toEqual([]);
  });

  test('that is measured failed before the service only if its latest possible start is earlier than that of the service', () => {
    const measured = (earliest: number, latest: number) => {
      const [other] = among(3).failing;
      const bounds = { earliest: before(earliest * 60), latest: before(latest * 60) };
      return scene({ ...among(3), failing: [{ ...other, measured: bounds } as Failing] });
    };
    expect(weights(measured(4, 3), 'w7')).toHaveProperty('caller_fails_too');
    expect(weights(measured(3, -1), 'w7')).toHaveProperty('fails_at_another_time');
  });
});

test('a changed dependency that failed before its change fails for another reason', () => {
  const changedAfter = (minutes: number) =>
    scene({
      changes: [of('web', 'dependency', timed('w7', 240, 200))],
      health: step(0.002, 0.041),
      failing: [failing('web', 'dependency', 4 + minutes)],
    });
  expect(weights(changedAfter(1), 'w7')).toHaveProperty('dependency_fails_too');
  expect(weights(changedAfter(4), 'w7')).toMatchObject({ fails_at_another_time: 0 });
  expect(confidence(changedAfter(4), 'w7')).toBeLessThan(confidence(changedAfter(1), 'w7'));
  expect(suspectIn(correlate(changedAfter(4)), 'w7').reasons).toContain(
    'web itself is failing, since 8 min before the problem began: before this change',
  );
});

test.each<['caller' | 'dependency', string]>([
  ['caller', 'web'],
  ['dependency', 'payments'],
])('a changed %s without a sample since the problem began is not said to be well', (relation, service) => {
  const changes = [of(service, relation, timed('w7', 400, 320))];
  const evidence = scene({ changes, health: step(0.002, 0.041), unmeasured: [service] });
  expect(weights(evidence, 'w7')).toMatchObject({ changed_service_unmeasured: 0 });
  expect(suspectIn(correlate(evidence), 'w7').reasons).toContain(
    `${service} itself has no sample since the problem began`,
  );
});

describe('a change of a dependency that fails', () => {
  const deploy = timed('p7', 10, 4);
  /** The caller fails right after the deploy, and the dependency is hardly worse than before. */
  const ofCaller = (more: Partial<Evidence> = {}) =>
    scene({
      changes: [of('payments', 'dependency', deploy)],
      health: step(0.002, 0.041),
      failing: [failing('payments', 'dependency', 2)],
      ...more,
    });
  const changes = of('payments', 'dependency', deploy);
  const ofDependency = {
    ...scene({ changes: [own(changes.change)], health: step(0.0095, 0.0101) }),
    service: 'payments',
  };

  test('is weighed by the errors of the dependency: its confidence is that in its own incident', () => {
    const confidenceThere = confidence(ofDependency, 'p7');
    expect(confidenceThere).toBeLessThan(confidence(ofCaller(), 'p7'));
    const evidence = ofCaller({ related: [ofDependency] });
    expect(confidence(evidence, 'p7')).toBe(confidenceThere);
    expect(suspectIn(correlate(evidence), 'p7').reasons).toContain(
      'it is a change of payments, which the service depends on, and is weighed by the errors of payments itself',
    );
  });

  test('is weighed by the errors of the caller if its alert names the version', () => {
    const named = { alert_versions: ['p7'] };
    expect(confidence(ofCaller({ ...named, related: [ofDependency] }), 'p7')).toBe(confidence(ofCaller(named), 'p7'));
  });

  test('is no suspect if it can not have caused the failure of the dependency', () => {
    const earlier = { ...ofDependency, onset: { ...ofDependency.onset, alertStartedAt: before(60) }, health: null };
    expect(correlate(ofCaller({ related: [earlier] })).suspects).toEqual([]);
  });

  test('that is not known there is weighed by the errors of the caller', () => {
    const related = [{ ...ofDependency, changes: [] }];
    expect(confidence(ofCaller({ related }), 'p7')).toBe(confidence(ofCaller(), 'p7'));
  });
});

describe('a dependency', () => {
  test("that failed first makes the service's own deploy improbable, however clear the step", () => {
    const evidence = afterDeploy({ failing: [failing('payments', 'dependency', 2)], health: step(0.002, 0.041) });
    expect(confidence(evidence)).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
    expect(correlate(evidence).verdict).toBe('no_change');
    expect(codes(evidence)).toEqual(['dependency_failed_first']);
    expect(suspectIn(correlate(evidence)).reasons).toContain(
      'against it: its dependency payments is failing, too, since 2 min before the problem began',
    );
  });

  test('that failed in the same second, within clock tolerance, counts as first', () => {
    const evidence = afterDeploy({ failing: [failing('payments', 'dependency', -0.3 / 60)] });
    expect(suspectIn(correlate(evidence)).reasons).toContain(
      'against it: its dependency payments is failing, too, since the moment the problem began',
    );
  });

  test("that failed first by its alerts counts as first, even if the service's own curve shows errors earlier", () => {
    const health = { max: 0.01, curve: curve((m) => (m > 1.6 ? 0.001 : 0.04)) };
    const evidence = afterDeploy({
      changes: [own(timed('v42', 300, 200))],
      health,
      failing: [failing('payments', 'dependency', 0)],
    });
    expect(codes(evidence)).toEqual(['dependency_failed_first']);
  });

  test('whose samples allow that it failed at the same time counts as first', () => {
    const dependency = failing('payments', 'dependency', -1);
    const among = (earliest: number) =>
      afterDeploy({
        health: step(0.002, 0.041),
        failing: [{ ...dependency, measured: { earliest: before(earliest), latest: before(-1.5) } }],
      });
    expect(codes(among(0.5))).toEqual(['dependency_failed_first']);
    expect(codes(among(-0.5))).toEqual([]);
  });

  test('that failed after the service requires a person', () => {
    const evidence = afterDeploy({ failing: [failing('payments', 'dependency', -5)] });
    expect(alone(evidence)).toBe(false);
    expect(confidence(evidence)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(codes(evidence)).toEqual([]);
  });

  test("that was changed and fails is a better suspect than the service's own change", () => {
    const changes = [own(v42()), of('payments', 'dependency', timed('p7', 240, 120))];
    const { suspects, verdict, doubts } = correlate(
      scene({ changes, failing: [failing('payments', 'dependency', 1)] }),
    );
    expect(suspects.map(({ version }) => version)).toEqual(['p7', 'v42']);
    expect({ verdict, doubts }).toEqual({ verdict: 'change', doubts: [] });
    expect(suspects[0]?.relation).toBe('dependency');
  });

  test("that was changed and is healthy hardly affects the service's own change", () => {
    const changes = [own(v42()), of('payments', 'dependency', timed('p7', 240, 120))];
    const { suspects } = correlate(scene({ changes }));
    expect(suspects.map(({ version }) => version)).toEqual(['v42', 'p7']);
    expect(suspects[0]?.confidence).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
    expect(suspects[1]?.reasons).toContain('against it: it is a change of payments, a dependency of the service');
  });

  test('is less probable the more steps away it is', () => {
    const at = (distance: number) =>
      confidence(scene({ changes: [of('payments', 'dependency', timed('p7', 240, 120), distance)] }), 'p7');
    expect(at(1)).toBeGreaterThan(at(2));
    expect(at(2)).toBeGreaterThan(at(3));
  });

  test('that failed later than the service is a weaker suspect than if it had failed before', () => {
    const since = (minutes: number) => {
      const changes = [of('payments', 'dependency', timed('p7', 240, 120))];
      return confidence(scene({ changes, failing: [failing('payments', 'dependency', minutes)] }), 'p7');
    };
    expect(since(-5)).toBeLessThan(since(1));
    expect(since(-5)).toBeGreaterThan(
      confidence(scene({ changes: [of('payments', 'dependency', timed('p7', 240, 120))] }), 'p7'),
    );
  });
});

describe('a service without a declared relation that fails since its change', () => {
  const mail = (minutesBefore: number, more: Partial<Failing> = {}): Failing => {
    const since = before(minutesBefore);
    const measured = { earliest: since, latest: since };
    return { ...failing('mail', 'unrelated', minutesBefore, minutesBefore + 1), measured, ...more };
  };
  const undeclared = of('mail', 'undeclared', timed('m7', 150, 90));
  const among = (more: Partial<Evidence>) => scene({ changes: [undeclared], ...more });

  test('before this one is asked about', () => {
    const evidence = among({ failing: [mail(1)] });
    expect(confidence(evidence, 'm7')).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(suspectIn(correlate(evidence), 'm7').reasons).toEqual(
      expect.arrayContaining([
        'mail is failing as well, since 60 s before the problem began',
        'against it: it is a change of mail, for which the catalogue declares no relation to the service',
      ]),
    );
  });

  test('after this one is a weaker suspect, as a caller is', () => {
    const evidence = among({ failing: [mail(-1)] });
    expect(correlate(evidence).suspects).toMatchObject([{ version: 'm7', relation: 'undeclared' }]);
    expect(confidence(evidence, 'm7')).toBeLessThan(confidence(among({ failing: [mail(1)] }), 'm7'));
    expect(confidence(evidence, 'm7')).toBeLessThan(MIN_CONFIDENCE_TO_ACT);
  });

  const flag = of('mail', 'undeclared', timed('dark-mode', 30, 30, { kind: 'flag' }));

  test.each<[string, Evidence['changes'][number], Failing[]]>([
    ['if its service fails since before its change', flag, [mail(3)]],
    ['if an older change of its service explains nothing', flag, [mail(3, { changed_at: before(90) })]],
    ['if its service does not fail', undeclared, []],
  ])('is not named %s: nothing connects the change to this service', (_, change, others) => {
    const evidence = scene({ changes: [change], health: step(0.002, 0.041), failing: others });
    expect(correlate(evidence).suspects).toEqual([]);
  });

  test('is more probable where the service has no change of its own', () => {
    const measured = { health: step(0.002, 0.041), failing: [mail(1)] };
    const beside = scene({ ...measured, changes: [undeclared, own(timed('v42', 1500, 1440))] });
    expect(weights(beside, 'm7')).toMatchObject({ undeclared: WEIGHTS.undeclared });
    expect(weights(among(measured), 'm7')).toMatchObject({
      undeclared: WEIGHTS.undeclared + WEIGHTS.undeclared_alone,
    });
  });

  test("is no rival of the service's own version that is proved", () => {
    const serving = own(timed('v42', 240, null, { status: 'started' }));
    const by_version = [versionAt('v42', 0.08), versionAt('v41', 0.001)];
    const both = scene({ changes: [serving, undeclared], health: step(0.002, 0.041), by_version, failing: [mail(1)] });
    expect(suspectIn(correlate(both)).proof).toBe('version');
    expect(approvalReasons(both)).toEqual([]);
  });

  test('is improbable if a declared dependency failed first', () => {
    const evidence = among({ failing: [mail(1), failing('payments', 'dependency', 2)] });
    expect(weights(evidence, 'm7')).toMatchObject({
      undeclared: WEIGHTS.undeclared,
      dependency_failed_first: WEIGHTS.dependency_failed_first,
    });
  });
});

describe('other failing services', () => {
  test('that depend on the service change nothing and are named', () => {
    const evidence = afterDeploy({ failing: [failing('web', 'dependent', -1), failing('app', 'dependent', -2)] });
    expect(confidence(evidence)).toBe(confidence(afterDeploy()));
    expect(suspectIn(correlate(evidence)).reasons).toContain(
      'app and web are failing, too, as expected of services that depend on it',
    );
    expect(codes(evidence)).toEqual([]);
  });

  test('that are unrelated: one is a coincidence, two require a person, more make a deploy improbable', () => {
    const names = ['mail', 'search', 'cart'];
    const [one, two, three] = [1, 2, 3].map((count) =>
      afterDeploy({ failing: names.slice(0, count).map((name, n) => failing(name, 'unrelated', n)) }),
    ) as [Evidence, Evidence, Evidence];
    expect(confidence(one)).toBeLessThan(confidence(afterDeploy()));
    expect(confidence(one)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ACT);
    expect(alone(two)).toBe(false);
    expect(confidence(two)).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
    expect(correlate(three)).toMatchObject({
      verdict: 'no_change',
      doubts: [
        {
          code: 'several_fail',
          text: 'cart, mail and search failed at the same time, and no change of a shared service is known',
        },
      ],
    });
  });

  test('with a change of their own are explained by it', () => {
    const evidence = afterDeploy({
      failing: [failing('mail', 'unrelated', 0, 5), failing('search', 'unrelated', 1, 20)],
    });
    expect(confidence(evidence)).toBe(confidence(afterDeploy()));
    expect(codes(evidence)).toEqual([]);
  });

  test.each([
    ['long before', 45],
    ['only after', -5],
  ])('that have changed %s are not', (_, changed) => {
    const others = ['mail', 'search'].map((name) => failing(name, 'unrelated', 0, changed));
    expect(codes(afterDeploy({ failing: others }))).toEqual(['several_fail']);
  });

  test('with a common change point to that change', () => {
    const changes = [own(v42()), of('network', 'shared', timed('n1', 120, 60, { kind: 'infrastructure' }))];
    const others = [failing('mail', 'unrelated'), failing('search', 'unrelated')];
    const { suspects, doubts, verdict } = correlate(scene({ changes, failing: others }));
    expect(suspects.map(({ version }) => version)).toEqual(['n1', 'v42']);
    expect(suspects[0]?.reasons).toContain(
      'mail and search are failing at the same time, which a shared cause explains',
    );
    expect(suspects[0]?.relation).toBe('shared');
    expect({ doubts, verdict }).toEqual({ doubts: [], verdict: 'change' });
  });

  test('if there is only one, make a shared change as probable as not', () => {
    const changes = [of('network', 'shared', timed('n1', 120, 60, { kind: 'infrastructure' }))];
    const evidence = scene({ changes, failing: [failing('mail', 'unrelated')] });
    expect(weights(evidence, 'n1')).toMatchObject({ common_cause: WEIGHTS.common_cause });
  });

  test('if there are none, make a shared change improbable', () => {
    const changes = [of('network', 'shared', timed('n1', 120, 60, { kind: 'infrastructure' }))];
    expect(confidence(scene({ changes }), 'n1')).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
  });

  test.each([
    [undefined, 'against it: no other service that shares it is failing'],
    [true, 'against it: the state of other services that share it could not be read'],
  ] as const)('with unknown state (%s) are not reported as healthy', (failing_unreadable, words) => {
    const changes = [of('network', 'shared', timed('n1', 120, 60, { kind: 'infrastructure' }))];
    const evidence = scene({ changes, ...(failing_unreadable && { failing_unreadable }) });
    expect(suspectIn(correlate(evidence), 'n1').reasons).toContain(words);
    expect(confidence(evidence, 'n1')).toBe(confidence(scene({ changes }), 'n1'));
  });

  test.each([
    [undefined, 'against it: payments itself is not failing'],
    [true, 'against it: the state of payments itself could not be read'],
  ] as const)('nor is a dependency with unknown state (%s)', (failing_unreadable, words) => {
    const changes = [of('payments', 'dependency', timed('p7', 240, 120))];
    const evidence = scene({ changes, ...(failing_unreadable && { failing_unreadable }) });
    expect(suspectIn(correlate(evidence), 'p7').reasons).toContain(words);
  });

  test('that are ignored are not reported as healthy', () => {
    const changes = [of('network', 'shared', timed('n1', 120, 60, { kind: 'infrastructure' }))];
    const { reasons } = suspectIn(correlate(scene({ changes, strangers_ignored: true })), 'n1');
    expect(reasons).toContain('against it: other services that share it were not checked, as the configuration says');
    const looked = [of('payments', 'dependency', timed('p7', 240, 120))];
    const dependency = suspectIn(correlate(scene({ changes: looked, strangers_ignored: true })), 'p7');
    expect(dependency.reasons).toContain('against it: payments itself is not failing');
  });

  test('include a shared service that was changed itself', () => {
    const changes = [of('database', 'shared', timed('d1', 120, 60))];
    const evidence = scene({ changes, failing: [failing('database', 'dependency', 1)] });
    expect(weights(evidence, 'd1')).toMatchObject({ shared: -2, dependency_fails_too: WEIGHTS.dependency_fails_too });
    expect(confidence(evidence, 'd1')).toBeGreaterThanOrEqual(MIN_CONFIDENCE_TO_ASK);
  });

  test('exclude the service itself', () => {
    expect(confidence(afterDeploy({ failing: [failing('checkout', 'unrelated')] }))).toBe(confidence(afterDeploy()));
  });
});

test('the own change ranks before a dependency, and a dependency before a shared service', () => {
  const at = [180, 60] as const;
  const changes = [
    of('network', 'shared', timed('n1', ...at)),
    of('payments', 'dependency', timed('p7', ...at)),
    own(timed('v42', ...at)),
  ];
  expect(correlate(scene({ changes })).suspects.map(({ version }) => version)).toEqual(['v42', 'p7', 'n1']);
});

test('a change that is listed twice counts once, with its closest relation', () => {
  const one = timed('v42', 180, 60);
  const twice = [{ change: one, relation: 'shared', distance: 2 } as const, own(one)];
  for (const changes of [twice, twice.toReversed()])
    expect(correlate(scene({ changes })).suspects).toMatchObject([{ relation: 'same', confidence: 0.95 }]);
});

import { describe, expect, test } from 'vitest';
import { correlate, MIN_CONFIDENCE_TO_ASK } from '../../../../core/domain/correlation/correlate.ts';
import type { Evidence } from '../../../../core/domain/correlation/evidence.ts';
import { WEIGHTS } from '../../../../core/domain/correlation/weights.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import { before } from '../../arbitraries.ts';
import {
  afterDeploy,
  alone,
  confidence,
  curve,
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

type Versions = NonNullable<Evidence['by_version']>;
const health = step(0.002, 0.04);

/** Evidence for a roll-out in which both versions have served since the onset. */
const whileRollingOut = (more: Partial<Evidence> = {}): Evidence =>
  scene({ changes: [own(timed('v42', 240, null, { status: 'started' }))], ...more });
const version = versionAt;

test('a canary whose share was raised since is proved, although its recorded share does not explain the errors', () => {
  const canary = own(timed('v42', 240, null, { status: 'started', canary_weight: 0.05 }));
  const jump = step(0.002, 0.4);
  const onlyItFails = [version('v42', 0.9), version('v41', 0.001)];
  expect(alone(scene({ changes: [canary], health: jump, by_version: onlyItFails }))).toBe(true);
  expect(weights(scene({ changes: [canary], health: jump })).beyond_canary).toBeLessThan(-2.5);
});

describe('with a limit', () => {
  test.each<[string, string, number, Versions]>([
    ['its version alone is bad', 'only_its_version_bad', 4, [version('v42', 0.08, 0.6), version('v41', 0.001, 0.4)]],
    [
      'its version alone is bad, with a tenth of the traffic',
      'canary_bad',
      4,
      [version('v42', 0.4, 0.1), version('v41', 0, 0.9)],
    ],
    ['a leading v is no other version', 'only_its_version_bad', 4, [version('42', 0.08), version('41', 0.001)]],
    ['all are bad', 'all_versions_bad', -4, [version('v42', 0.05, 0.5), version('v41', 0.04, 0.5)]],
    [
      'another is bad as well',
      'some_other_version_bad',
      -2,
      [version('v42', 0.05), version('v41', 0.04), version('v40', 0)],
    ],
    ['it is healthy and another is not', 'its_version_healthy', -4, [version('v42', 0.001), version('v41', 0.04)]],
    ['none is bad', 'no_version_bad', -2, [version('v42', 0.001), version('v41', 0.001)]],
    ['it receives almost no traffic', 'no_traffic', -4, [version('v42', 0.9, 0.001), version('v41', 0.04, 0.999)]],
    [
      'the other one receives almost no traffic',
      'by_version',
      0,
      [version('v42', 0.05, 0.999), version('v41', 0, 0.001)],
    ],
    ['it takes all the traffic', 'by_version', 0, [version('v42', 0.05, 1)]],
    ['monitoring calls it otherwise', 'by_version', 0, [version('a1b2c3', 0.05)]],
    ['a version without a number is none', 'by_version', 0, [version('v42', 0.05), version('v41', NaN)]],
  ])('%s', (_, name, weight, by_version) => {
    expect(weights(whileRollingOut({ health, by_version }))).toMatchObject({ [name]: weight });
  });

  test('it is missing while other versions with known names are present', () => {
    const changes = [own(v42()), own(timed('v41', 7000, 6900))];
    expect(weights(scene({ changes, health, by_version: [version('v41', 0.05)] }))).toMatchObject({ no_traffic: -4 });
  });
});

describe('variants of a flag', () => {
  const flip = own(timed('new-cart 7 (on)', 240, 240, { kind: 'flag' }));
  const flagged = (variants: Versions, more: Partial<Evidence> = {}): Evidence =>
    scene({
      changes: [flip, own(timed('v41', 7000, 6900))],
      health,
      by_flag: [{ flag: 'new-cart', variants, window: 60 }],
      ...more,
    });
  const ofFlag = (evidence: Evidence) => weights(evidence, 'new-cart 7 (on)');

  test.each<[string, string, Versions]>([
    ['only the variant on fails', 'only_its_version_bad', [version('on', 0.08, 0.6), version('off', 0.001, 0.4)]],
    [
      'one of several variants fails',
      'canary_bad',
      [version('A', 0.001, 0.4), version('B', 0.1, 0.4), version('off', 0.001, 0.2)],
    ],
    ['all variants fail', 'all_versions_bad', [version('on', 0.05, 0.5), version('off', 0.04, 0.5)]],
    ['users without the flag fail', 'its_version_healthy', [version('on', 0.001, 0.5), version('off', 0.08, 0.5)]],
    ['no variant fails', 'no_version_bad', [version('on', 0.001, 0.5), version('off', 0.001, 0.5)]],
    ['all users have the variant', 'by_version', [version('on', 0.05, 1)]],
  ])('%s', (_, name, variants) => {
    expect(Object.keys(ofFlag(flagged(variants)))).toContain(name);
  });

  test('prove the flag, and name it', () => {
    const evidence = flagged([version('on', 0.08, 0.6), version('off', 0.001, 0.4)]);
    const { proof, reasons } = suspectIn(correlate(evidence), 'new-cart 7 (on)');
    expect(proof).toBe('version');
    expect(reasons.join('; ')).toContain('by variant of new-cart: on is at 0.08 (60 % of traffic), off at 0.001');
  });

  test('are not compared while their values describe the time before the flip, or if one has no traffic now', () => {
    const variants = [version('on', 0.08, 0.6), version('off', 0.001, 0.4)];
    const early = { ...flagged(variants), by_flag: [{ flag: 'new-cart', variants, window: 600 }] };
    const ended = variants.map((one) =>
      one.version === 'off'
        ? { ...one, traffic: (one.traffic ?? []).map(([at, rate]) => [at, at < before(2) ? rate : 0] as const) }
        : one,
    );
    for (const evidence of [early, flagged(ended)])
      expect(suspectIn(correlate(evidence), 'new-cart 7 (on)').proof).toBeNull();
  });

  test('say nothing about another flag, nor about a deploy', () => {
    const evidence = flagged([version('on', 0.08, 0.6), version('off', 0.001, 0.4)]);
    const other = { ...evidence, by_flag: evidence.by_flag?.map((one) => ({ ...one, flag: 'another' })) ?? [] };
    expect(suspectIn(correlate(other), 'new-cart 7 (on)').proof).toBeNull();
    const deploy = own(timed('v42', 240, 200));
    expect(suspectIn(correlate({ ...evidence, changes: [deploy] })).proof).toBeNull();
  });
});

describe('without a limit', () => {
  test('a version that is worse than the other is no proof: both can be well', () => {
    const by_version = [version('v42', 0.0004, 0.5), version('v41', 0.0001, 0.5)];
    const evidence = whileRollingOut({ health: null, by_version, by_version_window: 60 });
    expect(suspectIn(correlate(evidence)).proof).toBeNull();
  });

  test.each<[string, string, number, Versions]>([
    ['it is far worse', 'only_it_seems_bad', 1, [version('v42', 0.08), version('v41', 0.001)]],
    ['others are far worse', 'its_version_healthy', -4, [version('v42', 0.01), version('v41', 0.08)]],
    ['all are alike', 'all_versions_bad', -4, [version('v42', 0.05), version('v41', 0.04)]],
    ['all are at zero', 'all_versions_bad', -4, [version('v42', 0), version('v41', 0)]],
  ])('%s', (_, name, weight, by_version) => {
    const unlimited = { ...health, max: Infinity };
    expect(weights(whileRollingOut({ health: unlimited, by_version }))).toMatchObject({ [name]: weight });
  });
});

test('a bad version among healthy ones decides between two deploys', () => {
  const changes = [own(timed('v41', 300, 240)), own(v42())];
  const unsettled = scene({ changes, health });
  expect(alone(unsettled)).toBe(false);
  const by_version = [version('v42', 0.08), version('v41', 0.001)];
  const rolling = scene({
    changes: [own(timed('v41', 480, 420)), own(timed('v42', 240, null, { status: 'started' }))],
    health,
  });
  expect(alone({ ...rolling, by_version })).toBe(true);
});

test('if all versions are bad, every change has that reason', () => {
  const by_version = [version('v42', 0.05), version('v41', 0.04)];
  const { doubts, verdict } = correlate(whileRollingOut({ health, by_version }));
  expect(doubts).toEqual([{ code: 'all_versions_bad', text: 'v42 is at 0.05, v41 at 0.04: all versions are bad' }]);
  expect(verdict).toBe('no_change');
});

test('versions that served only before the onset are weak evidence', () => {
  const by_version = [version('v42', 0.08), version('v41', 0.001)];
  expect(weights(afterDeploy({ health, by_version }))).toMatchObject({ only_it_seems_bad: WEIGHTS.only_it_seems_bad });
  const shared = [version('v42', 0.08, 0.9), version('v41', 0.001, 0.1)];
  const settled = scene({ changes: [own(timed('v42', 1500, 1200))], health, by_version: shared });
  expect(weights(settled)).toMatchObject({ only_its_version_bad: 4 });
});

test('versions that do not account for all errors prove nothing: any of them can have the others', () => {
  const by_version = [version('v42', 0.08, 0.5), version('v41', 0.001, 0.5)];
  const proofOf = (all: number) => suspectIn(correlate(whileRollingOut({ health: step(0.002, all), by_version })));
  expect(proofOf(0.04).proof).not.toBeNull();
  const { proof, factors } = proofOf(0.06);
  expect(proof).toBeNull();
  expect(factors.find(({ name }) => name === 'only_it_seems_bad')?.missing).toMatch(
    /^3\d % of the errors name no version/,
  );
});

test('a record of a rollout does not show that both versions serve: its end can be reported late', () => {
  const by_version = [version('v42', 0.08), version('v41', 0.001)].map((one) =>
    one.version === 'v41' ? { ...one, curve: one.curve.filter(([at]) => at <= before(-1)) } : one,
  );
  const suspect = suspectIn(correlate(whileRollingOut({ health: { ...health, window: 120 }, by_version })));
  expect(suspect.proof).toBeNull();
});

describe('a healthy version beside it', () => {
  /** Without the samples of more than some minutes before noon. */
  const from = (minutes: number, one: Versions[number]): Versions[number] => {
    const isIn = ([at]: readonly [string, number]): boolean => at >= before(minutes);
    return { ...one, curve: one.curve.filter(isIn), traffic: one.traffic?.filter(isIn) ?? null };
  };
  const bad = version('v42', 0.08, 0.6);
  const good = version('v41', 0.001, 0.4);

  test.each<[string, Versions]>([
    ['served before', [from(4, bad), good]],
    ['has samples for as long, because monitoring began then', [from(1.5, bad), from(1.5, good)]],
    ['has samples for as long, up to a scrape', [from(2, bad), from(1.5, good)]],
  ])('is compared if it %s', (_, by_version) => {
    expect(weights(whileRollingOut({ health, by_version }))).toMatchObject({ only_its_version_bad: 4 });
  });

  test('does not excuse a version that failed before another bad one was deployed over it, however soon', () => {
    const served = (name: string, value: number, since: number, until: number): Versions[number] => {
      const during = (each: number) => curve((minutes) => (minutes <= since && minutes >= until ? each : null));
      return { version: name, curve: during(value), traffic: during(100) };
    };
    const changes = [own(timed('v42', 70, 60)), own(timed('v43', 30, 20))];
    const [v41, v43] = [served('v41', 0.001, 60, 1), served('v43', 0.5, 0.5, -2)];
    const scenario = (value: number) =>
      scene({ changes, health: step(0.002, 0.4), by_version: [v41, served('v42', value, 1, -0.5), v43] });
    expect(weights(scenario(0.3))).not.toHaveProperty('all_versions_bad');
    expect(weights(scenario(0.3), 'v43')).toHaveProperty('all_versions_bad');
    expect(weights(scenario(0.001))).toHaveProperty('its_version_healthy');
  });

  test('proves nothing if it came later: it is a fix, or its record is late', () => {
    const evidence = whileRollingOut({ health, by_version: [from(4, bad), from(2, good)] });
    expect(weights(evidence)).not.toHaveProperty('only_its_version_bad');
    expect(suspectIn(correlate(evidence)).reasons.join('; ')).toContain('v41 came later than v42');
  });
});

test('an alert that names the version is no evidence once the version takes all traffic', () => {
  expect(weights(afterDeploy({ alert_versions: ['v42'] }))).toMatchObject({ alert_names_it: 0 });
});

describe('the alerts name', () => {
  const without = confidence(whileRollingOut());
  test.each([
    ['its version', ['v42'], 'alert_names_it', 2],
    ['its version without the v, twice', ['42', 'v42'], 'alert_names_it', 2],
    ['old and new', ['v42', 'v41'], 'alert_names_others_too', -3],
    ['only others', ['v41', 'v40'], 'alert_names_others', -3],
  ])('%s', (_, alert_versions, name, weight) => {
    const evidence = whileRollingOut({ alert_versions });
    expect(weights(evidence)).toMatchObject({ [name]: weight });
    expect(Math.sign(confidence(evidence) - without)).toBe(Math.sign(weight));
    if (weight < 0) expect(alone(evidence)).toBe(false);
  });

  test('only other versions, in words', () => {
    const { reasons } = suspectIn(correlate(whileRollingOut({ alert_versions: ['v41', 'v40'] })));
    expect(reasons[1]).toBe('against it: the alerts name v40 and v41, not v42');
  });
});

test('versions do not affect a flag or another service', () => {
  const by_version = [version('v42', 0.08), version('v41', 0.001)];
  const changes = [own(v42({ kind: 'flag' })), of('payments', 'dependency', timed('v41', 180, 60))];
  const evidence = scene({ changes, by_version, alert_versions: ['v41'] });
  for (const name of ['v42', 'v41'])
    expect(Object.keys(weights(evidence, name)).filter((one) => /version|alert/.test(one))).toEqual([]);
});

test('the reasons are in the order of weight', () => {
  const by_version = [version('v42', 0.08), version('v41', 0.001)];
  const { reasons } = suspectIn(correlate(whileRollingOut({ health, by_version, alert_versions: ['v42'] })));
  expect(reasons.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
    'v42 is',
    'the alerts',
    'the health',
    'deploy of',
  ]);
});

test('a version without traffic is not a reason to ask', () => {
  const by_version = [version('v42', 0.9, 0), version('v41', 0.04, 1)];
  expect(confidence(whileRollingOut({ by_version }))).toBeLessThan(MIN_CONFIDENCE_TO_ASK);
});

test('a version with too few samples since the problem began is not one without traffic', () => {
  const began = before(1);
  const [bad, other] = [version('v42', 0.9, 0.02), version('v41', 0.001, 0.98)];
  const newest = (errors: Versions[number]['curve']) => errors.filter(([at]) => at > began).slice(-1);
  const changes = [own(timed('v41', 6000, 5900)), own(timed('v42', 240, null, { status: 'started' }))];
  const canary = { ...bad, curve: newest(bad.curve), traffic: newest(bad.traffic ?? []) };
  expect(weights(scene({ changes, health, by_version: [canary, other] }))).not.toHaveProperty('no_traffic');
  const gone = {
    ...bad,
    curve: bad.curve.filter(([at]) => at < began),
    traffic: (bad.traffic ?? []).filter(([at]) => at < began),
  };
  expect(weights(scene({ changes, health, by_version: [gone, other] }))).not.toHaveProperty('no_traffic');
});

describe('a version without traffic is not exonerated', () => {
  const changes = [own(timed('v41', 6000, 5900)), own(timed('v42', 240, null, { status: 'started' }))];
  const stable = version('v41', 0.04, 0.5);
  const judged = (by_version: Versions, more: Partial<Evidence> = {}) =>
    suspectIn(correlate(scene({ changes, health, by_version, ...more })));

  test('if it has served since its rollout and ended, as if it crashed', () => {
    const served = version('v42', 0.9, 0.5);
    const isIn = ([at]: readonly [string, number]): boolean => at >= before(3.5) && at <= before(1);
    const crashed = { ...served, curve: served.curve.filter(isIn), traffic: served.traffic?.filter(isIn) ?? null };
    const { factors } = judged([stable, crashed]);
    expect(factors.map(({ name }) => name)).not.toContain('no_traffic');
    expect(factors.map(({ text }) => text).join()).toMatch(
      /v42 has served, and reports nothing any more since .*: its instances may crash/,
    );
    const replaced = judged([stable, crashed], { changes: [...changes, own(timed('v43', 60, 30))] });
    expect(replaced.factors.map(({ text }) => text).join()).toMatch(
      /v42 has served, and reports nothing any more since .*: v43 was deployed since/,
    );
  });

  test('if requests name no version since its rollout: its label is lost', () => {
    const half = { ...stable, traffic: curve((m) => (m > 4 ? 100 : 50)) };
    const { factors } = judged([half], { traffic: curve(() => 100) });
    expect(factors.map(({ name }) => name)).not.toContain('no_traffic');
    expect(factors.map(({ text }) => text)).toContain(
      '50 % of the requests name no version since its rollout, so v42 may serve without its label',
    );
  });

  test('unless all requests name other versions, or as many named none before', () => {
    // The last ones are counted at another place, and more than all requests.
    for (const rates of [() => 100, () => 50, (minutes: number) => (minutes > 4 ? 300 : 200)])
      expect(
        judged([{ ...stable, traffic: curve(rates) }], { traffic: curve(() => 100) }).factors.map(({ name }) => name),
      ).toContain('no_traffic');
  });
});

test.each([
  ['of a canary proves nothing, because its next errors may be missing', 0.1],
  ['of another roll-out can hide the first errors of the stable version', null],
] as const)('a young series without requests beside that %s', (_, canary_weight) => {
  const young: Versions = [version('v42', 0.9), version('v41', 0)].map((one) => ({
    ...one,
    traffic: null,
    curve: one.curve.filter(([at]) => at > before(0)),
  }));
  const changes = [own(timed('v42', 240, null, { status: 'started', canary_weight }))];
  expect(weights(scene({ changes, health, by_version: young }))).toHaveProperty('only_it_seems_bad');
  const counted = young.map((one, index) => ({
    ...one,
    traffic: one.curve.map(([at]): (typeof one.curve)[number] => [at, index + 1]),
  }));
  expect(weights(scene({ changes, health, by_version: counted }))).toHaveProperty('canary_bad');
});

describe('a version that monitoring has seen', () => {
  const evidence = (first: number, more: Partial<Change> = {}): Evidence => {
    const seen = versionAt('v42', 0.08);
    const others = versionAt('v41', 0.08);
    return scene({
      changes: [own(timed('v42', 240, 200, more))],
      health,
      by_version: [{ ...seen, curve: seen.curve.filter(([at]) => at >= before(first)) }, others],
    });
  };

  test('only after the errors began has not caused them', () => {
    expect(weights(evidence(-1))).toMatchObject({ served_later: WEIGHTS.served_later });
    expect(weights(evidence(4))).not.toHaveProperty('served_later');
  });

  test('later can have caused them by its migration', () => {
    expect(weights(evidence(-1, { has_migration: true }))).not.toHaveProperty('served_later');
  });
});

test('a deploy finishes when the versions of before have no requests any more, whatever its record says', () => {
  const [older, newer] = [versionAt('v41', 0.001, 0.5), versionAt('v42', 0.001, 0.5)];
  const traffic = (older.traffic ?? []).filter(([at]) => at < before(2));
  const evidence = (measured: Evidence['by_version']): Evidence =>
    scene({ changes: [own(timed('v42', 1500, 1400))], health, by_version: measured });
  expect(confidence(evidence([{ ...older, traffic }, newer]))).toBeGreaterThan(
    confidence(evidence([{ ...older, traffic: traffic.filter(([at]) => at < before(24)) }, newer])),
  );
});

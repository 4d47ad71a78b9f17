import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lowerBound, upperBound } from '../../evaluation/bounds.ts';
import { type Case, type Facts, type Label, NEGATIVES, POSITIVES } from '../../evaluation/case.ts';
import { looksLike } from '../../evaluation/clear.ts';
import { factsOf } from '../../evaluation/facts.ts';
import {
  casesOfKind,
  DEFAULT_SEED,
  FURTHER_SEEDS,
  NEGATIVES_PER_KIND,
  POSITIVES_PER_KIND,
} from '../../evaluation/generate.ts';
import type { Judgement } from '../../evaluation/judge.ts';
import { nearestEarlierDeploy, newestAboveLimit } from '../../evaluation/nearest.ts';
import { firstBad, onsetMillis } from '../../evaluation/observables.ts';
import { evaluationTable } from '../../evaluation/print.ts';
import { random, seedOf } from '../../evaluation/random.ts';
import { replays } from '../../evaluation/replays/index.ts';
import { evaluate, questionOf } from '../../evaluation/report.ts';
import type { Evidence, RelatedChange } from '../../../../core/domain/correlation/evidence.ts';
import { Change } from '../../../../schemas/changes/change.ts';
import { millisOf, plusSeconds, secondsBetween, Timestamp } from '../../../../schemas/time/time.ts';

const EACH = 12;
const some = new Map([...NEGATIVES, ...POSITIVES].map((kind) => [kind, [...casesOfKind(DEFAULT_SEED, kind, EACH)]]));
const all = [...some.values()].flat();
const of = (...kinds: readonly Case['kind'][]) => kinds.flatMap((kind) => some.get(kind) ?? []);
const causeOf = ({ evidence, label }: Case): RelatedChange | undefined =>
  evidence.changes.find(({ change }) => change.id === label.cause);

describe('the generator', () => {
  test('generates the same cases for the same seed', () => {
    const again = [...casesOfKind(DEFAULT_SEED, 'coincidence', 3)];
    const known = (cases: readonly Case[]) => cases.map((one) => [{ ...one, later: null }, one.later?.(60)]);
    expect(known(again)).toEqual(known(of('coincidence').slice(0, 3)));
  });

  test('shows the same incident a minute later', () => {
    for (const { evidence, later } of all) {
      const then = later?.(60).evidence;
      expect(then).toMatchObject({ incident_id: evidence.incident_id, onset: evidence.onset });
      expect(secondsBetween(evidence.at, then?.at ?? evidence.at)).toBe(60);
    }
  });

  test('generates other cases for another seed', () => {
    const [one] = casesOfKind(FURTHER_SEEDS[0], 'coincidence', 1);
    expect(one?.evidence).not.toEqual(of('coincidence')[0]?.evidence);
  });

  test('generates at least 3,000 negatives and 1,000 positives, of every kind', () => {
    expect(NEGATIVES.length * NEGATIVES_PER_KIND).toBeGreaterThanOrEqual(3000);
    expect(Object.values(POSITIVES_PER_KIND).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(1000);
    expect([...some].filter(([kind, made]) => made.length !== EACH || made.some((one) => one.kind !== kind))).toEqual(
      [],
    );
  });

  test('gives only evidence that the product could have seen at the time of the decision', () => {
    for (const { evidence, history } of all) {
      const onset = onsetMillis(evidence);
      expect(evidence.onset.alertStartedAt < evidence.at).toBe(true);
      const close = evidence.by_version_close?.versions.map(({ curve }) => curve) ?? [];
      for (const curve of [evidence.health?.curve ?? [], evidence.traffic ?? [], ...close]) {
        const times = curve.map(([at]) => at);
        expect(times).toEqual(times.toSorted());
        expect(times.every((at) => at <= evidence.at && at >= plusSeconds(evidence.at, -7200))).toBe(true);
        expect(curve.every(([, value]) => value >= 0)).toBe(true);
      }
      for (const { change } of evidence.changes) {
        expect(Change.safeParse(change).success).toBe(true);
        expect(change.recorded_at <= evidence.at).toBe(true);
        expect(millisOf(change.started_at)).toBeGreaterThanOrEqual(onset - 7_200_000);
      }
      expect(evidence.failing.every(({ since }) => since <= evidence.at)).toBe(true);
      expect(history.length).toBeGreaterThan(0);
      expect(history.every((change) => millisOf(change.started_at) < onset - 7_200_000)).toBe(true);
    }
  });

  test('gives an onset at which the health query is above its limit', () => {
    const measured = all.filter(({ evidence }) => firstBad(evidence) !== null);
    expect(measured.length).toBeGreaterThan(all.length / 2);
    for (const { evidence } of measured) {
      const around = (evidence.health?.curve ?? []).filter(
        ([at]) => at >= plusSeconds(firstBad(evidence) ?? at, -1) && at <= evidence.onset.alertStartedAt,
      );
      expect(around.every(([, value]) => value > (evidence.health?.max ?? 0))).toBe(true);
    }
  });

  test('generates services with different monitoring', () => {
    const share = (holds: (evidence: Evidence) => boolean) =>
      all.filter(({ evidence }) => holds(evidence)).length / all.length;
    expect(share(({ by_version: versions }) => versions !== null)).toBeGreaterThan(0.35);
    expect(share(({ by_version: versions }) => versions !== null)).toBeLessThan(0.65);
    expect(share(({ health }) => health === null)).toBeGreaterThan(0);
    expect(share(({ traffic }) => traffic === null)).toBeGreaterThan(0.05);
    expect(share(({ onset: { rule } }) => rule === null)).toBeGreaterThan(0.1);
    expect(share(({ alert_versions: named }) => named.length > 0)).toBeGreaterThan(0.02);
  });

  test('does not depend on the judged engine', () => {
    const folder = join(import.meta.dirname, '../../evaluation');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !name.startsWith('monitored/'), // has a test of its own
    );
    const imports = files.flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/from '([^']+)'/g)].map((match) => match[1] ?? ''),
    );
    const ofDomain = new Set(
      imports.filter((path) => /\/core\/domain\/(?!ports\/)/.test(path)).map((path) => path.replace(/^[./]+/, '')),
    );
    expect([...ofDomain].toSorted()).toEqual(['core/domain/correlation/evidence.ts', 'core/domain/judge/evidence.ts']);
  });
});

describe('labels', () => {
  test('of negatives never want an automatic rollback', () => {
    expect(of(...NEGATIVES).filter(({ label }) => label.right === 'roll_back')).toEqual([]);
  });

  test('name a change of the evidence, or none', () => {
    expect(all.filter((one) => one.label.cause !== null && causeOf(one) === undefined)).toEqual([]);
  });

  test('name no change if the cause is external', () => {
    const outside = of(
      ...(['dependency_failure', 'coincidence', 'slow_leak', 'traffic_spike', 'third_party', 'noisy_alert'] as const),
    );
    expect(new Set(outside.map(({ label }) => label.cause))).toEqual(new Set([null]));
  });

  test('of a coincidence: a deploy was made in the two hours before', () => {
    const own = ({ evidence }: Case) =>
      evidence.changes.some(({ change, relation }) => relation === 'same' && change.kind === 'deploy');
    // A roll-out of a system that tells at its end only may still be going on.
    expect(of('coincidence').filter(own).length).toBeGreaterThan(EACH * 0.8);
  });

  test('of a skewed clock: the deploy is recorded after the onset, by up to 90 s', () => {
    const later = ({ evidence }: Case) =>
      evidence.changes
        .filter(({ change, relation }) => relation === 'same' && change.kind === 'deploy')
        .map(({ change }) => (millisOf(change.started_at) - onsetMillis(evidence)) / 1000);
    for (const one of of('clock_skew')) expect(later(one).some((seconds) => seconds > 0 && seconds <= 90)).toBe(true);
    expect(new Set(of('clock_skew').map(({ label }) => label.right))).toEqual(new Set(['ask', 'do_not_roll_back']));
  });

  test('of two deploys: another change is near the cause, and a person is asked', () => {
    for (const one of of('two_deploys')) {
      const cause = causeOf(one)?.change;
      const near = one.evidence.changes.filter(
        ({ change }) =>
          change.id !== cause?.id &&
          Math.abs(millisOf(change.started_at) - millisOf(cause?.started_at ?? change.started_at)) < 1_300_000,
      );
      expect(near.length).toBeGreaterThan(0);
      expect(one.label.right).toBe('ask');
    }
  });

  test('of a shipped fix: a newer change than the cause is live', () => {
    for (const one of of('fix_shipped')) {
      const cause = causeOf(one)?.change.started_at ?? Timestamp.parse('');
      const newer = one.evidence.changes.filter(
        ({ change, relation }) =>
          relation === 'same' && ['deploy', 'hotfix', 'rollback'].includes(change.kind) && change.started_at > cause,
      );
      expect(newer.length).toBeGreaterThan(0);
    }
  });

  test('of positives always name a cause, which began before the onset if a rollback is wanted', () => {
    for (const one of of(...POSITIVES)) {
      const cause = causeOf(one)?.change;
      expect(cause).toBeDefined();
      if (one.label.right !== 'roll_back') continue;
      expect(millisOf(cause?.started_at ?? one.evidence.at)).toBeLessThanOrEqual(onsetMillis(one.evidence));
    }
    expect(of('with_migration').map((one) => causeOf(one)?.change.has_migration)).not.toContain(false);
    expect(of('dependency_deploy').map((one) => causeOf(one)?.relation)).not.toContain('same');
  });
});

const NOON = '2026-01-05T12:00:00.000Z' as Timestamp;
const deployed = (seconds: number, more: Partial<Change> = {}): RelatedChange => ({
  change: {
    ...Change.parse({
      id: `chg_${random(seedOf(seconds)).hex(26)}`,
      service: 'checkout',
      environment: 'production',
      version: `v${seconds}`,
      kind: 'deploy',
      status: 'succeeded',
      commit: null,
      committed_at: null,
      commits: [],
      started_at: plusSeconds(NOON, seconds),
      finished_at: plusSeconds(NOON, seconds + 60),
      author: null,
      url: null,
      has_migration: false,
      rollback_safe_to: null,
      previous_version: null,
      canary_weight: null,
      rolled_back_by: null,
      made_for: null,
      recorded_at: plusSeconds(NOON, seconds),
    }),
    ...more,
  },
  relation: 'same',
  distance: 0,
});

/** A version with a constant level and share of ten requests per second. */
const level = (version: string, value: number, share: number) => {
  const constant = (amount: number) =>
    Array.from({ length: 60 }, (_, index) => [plusSeconds(NOON, 300 - 30 * (59 - index)), amount] as const);
  return { version, curve: constant(value), traffic: constant(10 * share) };
};

/** A canary that starts a minute before noon and fails from noon on, seen five minutes later. */
const canary = deployed(-60, { status: 'started', finished_at: null });
const plain: Evidence = {
  incident_id: 'plain',
  service: 'checkout',
  environment: 'production',
  at: plusSeconds(NOON, 300),
  onset: { alertStartedAt: plusSeconds(NOON, 240), rule: null },
  changes: [canary],
  health: {
    max: 0.01,
    curve: Array.from({ length: 241 }, (_, index) => {
      const at = plusSeconds(NOON, 300 - 7200 + index * 30);
      return [at, at >= NOON ? 0.08 : 0.002] as const;
    }),
  },
  traffic: null,
  by_version: [level('v-60', 0.8, 0.1), level('before', 0.002, 0.9)],
  alert_versions: [],
  failing: [],
};
const other = { service: 'orders', since: NOON, changed_at: null };
const dependency = { ...deployed(-300), relation: 'dependency' as const, distance: 1 };
const rush = (plain.health?.curve ?? []).map(([at]) => [at, at >= NOON ? 30 : 10] as const);
const alike = [level('v-60', 0.8, 0.1), level('before', 0.7, 0.9)];
const done = { status: 'succeeded' as const, finished_at: NOON };

describe('a clear case', () => {
  test('monitoring distinguishes versions, and only the new one fails', () => {
    expect(looksLike(plain)).toEqual({ change: canary.change, by: 'versions' });
    expect(looksLike({ ...plain, changes: [canary, dependency] })?.by).toBe('versions');
  });

  test('or the alerts name the version during its rollout', () => {
    expect(looksLike({ ...plain, by_version: null, alert_versions: ['v-60'] })?.by).toBe('alert');
  });

  test.each<[string, Partial<Evidence>]>([
    ['versions are not told apart', { by_version: null }],
    ['only the new version runs', { by_version: [level('v-60', 0.8, 1)] }],
    ['the older one was gone before the onset', { changes: [deployed(-60, done)] }],
    [
      'an alert names what has been rolled out',
      { by_version: null, alert_versions: ['v-60'], changes: [deployed(-60, done)] },
    ],
    ['a few requests', { traffic: rush.map(([at]) => [at, 0.5] as const) }],
  ])('%s: no more than a time', (_name, differently) => {
    expect(looksLike({ ...plain, ...differently })?.by).toBe('time');
  });

  test.each<[string, Partial<Evidence>]>([
    ['without a health query', { health: null }],
    ['without a measured onset', { onset: { ...plain.onset, alertStartedAt: plusSeconds(NOON, -30) } }],
    ['with a migration', { changes: [deployed(-60, { has_migration: true })] }],
    ['with an unknown migration status', { changes: [deployed(-60, { has_migration: null })] }],
    ['when the deploy came later', { changes: [deployed(10)] }],
    ['when it was long before', { changes: [deployed(-1200)] }],
    ['when the service was changed twice', { changes: [canary, deployed(-600, { kind: 'config' })] }],
    ['when a dependency was changed, too, and only time speaks', { by_version: null, changes: [canary, dependency] }],
    ['when another service fails', { failing: [{ ...other, relation: 'unrelated' }] }],
    ['when traffic trebles', { traffic: rush }],
    ['when the older version fails as well', { by_version: alike }],
    ['when an alert names another version', { alert_versions: ['before'] }],
    ['when it is over', { health: { max: 0.1, curve: plain.health?.curve ?? [] } }],
  ])('not %s', (_name, differently) => {
    expect(looksLike({ ...plain, ...differently })).toBeNull();
  });

  test('a dependent service can also fail', () => {
    expect(looksLike({ ...plain, failing: [{ ...other, relation: 'dependent' }] })?.by).toBe('versions');
  });

  test('counts as clear only if the deploy is the cause', () => {
    const truth: Label = { cause: canary.change.id, right: 'roll_back' };
    expect(factsOf(plain, truth)).toMatchObject({ clear: true, deceives: false, undecidable: false });
    const nothing: Label = { cause: null, right: 'do_not_roll_back' };
    expect(factsOf(plain, nothing)).toMatchObject({ clear: false, deceives: true, undecidable: true });
  });
});

describe('bounds', () => {
  test.each([
    [0, 10, 0.2589],
    [1, 10, 0.3942],
    [0, 3000, 0.000998],
    [3, 1000, 0.00774],
  ])('%d of %d may in truth be %d', (hits, trials, expected) => {
    expect(upperBound(hits, trials)).toBeCloseTo(expected, 4);
  });

  test('the bounds for all and for none are symmetric', () => {
    expect(lowerBound(10, 10)).toBeCloseTo(1 - 0.2589, 4);
    expect(lowerBound(9, 10)).toBeCloseTo(1 - 0.3942, 4);
  });

  test('without trials, the bounds are 0 and 1', () => {
    expect([upperBound(0, 0), lowerBound(0, 0)]).toEqual([1, 0]);
  });

  test('more hits than trials are refused', () => {
    expect(() => upperBound(2, 1)).toThrow(RangeError);
  });
});

describe('the report', async () => {
  const facts: Facts = {
    newest_own_deploy_seconds: 60,
    traces: [],
    looks: null,
    clear: false,
    deceives: false,
    undecidable: false,
  };
  const made = (id: string, kind: Case['kind'], label: Label, more: Partial<Facts> = {}): Case => ({
    id,
    kind,
    label,
    facts: { ...facts, ...more },
    evidence: plain,
    history: [],
    policy: { mode: 'act', unknownMigration: 'approve' },
  });
  const judged = (action: Judgement['action'], ranked: string[]): Judgement => ({
    action,
    ranked,
    change_id: ranked[0] ?? null,
    confidence: 0.9,
  });
  const wanted: Label = { cause: 'a', right: 'roll_back' };
  const nothing: Label = { cause: null, right: 'do_not_roll_back' };
  const table: [Case, Judgement][] = [
    [made('right', 'bad_deploy', wanted, { clear: true, looks: 'versions' }), judged('roll_back', ['a'])],
    [made('wrong one', 'bad_deploy', wanted, { clear: true, looks: 'versions' }), judged('roll_back', ['b', 'a'])],
    [made('asked', 'bad_deploy', wanted), judged('ask', ['c', 'b', 'a'])],
    [made('person first', 'with_migration', { cause: 'a', right: 'ask' }), judged('roll_back', ['a'])],
    [
      made('deceived', 'coincidence', nothing, { deceives: true, looks: 'time', undecidable: true }),
      judged('roll_back', ['a']),
    ],
    [made('left', 'coincidence', nothing), judged('none', [])],
    [made('asked of it', 'coincidence', nothing), judged('ask', ['a'])],
  ];
  const answers = new Map(table.map(([{ id }, judgement]) => [id, judgement]));
  const report = await evaluate(
    table.map(([one]) => one),
    ({ id }) => answers.get(id) ?? judged('none', []),
  );

  test('counts right and wrong decisions by kind and label', () => {
    const row = (kind: Case['kind']) => report.matrix.find((one) => one.kind === kind);
    expect(row('bad_deploy')).toMatchObject({
      cases: 3,
      outcomes: { rolled_back_right: 1, rolled_back_wrong: 1, asked_of_other: 1, left_wrong: 0 },
    });
    expect(row('with_migration')?.outcomes.rolled_back_wrong).toBe(1);
    expect(row('coincidence')).toMatchObject({
      cases: 3,
      undecidable: 1,
      outcomes: { rolled_back_wrong: 1, left_right: 1, asked_of_other: 1 },
    });
  });

  test('counts and names wrong rollbacks, with the bound for negatives', () => {
    expect(report.wrong_negatives).toMatchObject({ hits: 1, of: 3 });
    expect(report.wrong_negatives.bound).toBeCloseTo(upperBound(1, 3), 10);
    expect(report.wrong_positives).toMatchObject({ hits: 2, of: 4 });
    expect(report.wrong).toEqual(['wrong one', 'person first', 'deceived']);
  });

  test('counts clear cases with a right action, and cases that look like one', () => {
    expect(report.clear).toMatchObject({ hits: 1, of: 2, share: 0.5 });
    expect(report.automatic).toMatchObject({ hits: 1, of: 3 });
    expect(report.looks).toEqual([
      { by: 'versions', is: 2, acted_rightly: 1, deceives: 0, acted_wrongly: 0 },
      { by: 'alert', is: 0, acted_rightly: 0, deceives: 0, acted_wrongly: 0 },
      { by: 'time', is: 0, acted_rightly: 0, deceives: 1, acted_wrongly: 1 },
    ]);
  });

  test('shows the rank of the cause, and whether "no change" was concluded', () => {
    expect(report.ranking.first).toMatchObject({ hits: 2, of: 4 });
    expect(report.ranking.first_three).toMatchObject({ hits: 4, of: 4 });
    expect(report.ranking.precision).toMatchObject({ hits: 2, of: 6 });
    expect(report.no_change).toEqual({ cases: 3, said: 1, asked: 1, rolled_back: 1 });
  });

  test('compares the results with the targets', () => {
    expect(report.targets.map(({ met }) => met)).toEqual([false, false, false]);
  });

  test('is data, and can be printed', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    const text = evaluationTable({ sets: [{ seed: 1, report, nearest: report }], replays: [] });
    expect(text).toContain('wrong automatic rollbacks, negatives');
    expect(text).toMatch(/coincidence +do not roll back +3 +1/);
  });

  test('the judge does not see the label', () => {
    const [one] = of('bad_deploy');
    if (one === undefined) throw new Error('there is no case');
    expect(Object.keys(questionOf(one)).toSorted()).toEqual(['evidence', 'history', 'id', 'later', 'policy']);
  });
});

describe('the nearest earlier deploy', () => {
  const judge = (changes: RelatedChange[]) =>
    nearestEarlierDeploy({
      id: 'x',
      evidence: { ...plain, changes },
      history: [],
      policy: { mode: 'act', unknownMigration: 'act' },
    });

  test('of several deploys, the newest is rolled back', () => {
    expect(judge([deployed(-900), deployed(-60)])).toMatchObject({
      action: 'roll_back',
      change_id: deployed(-60).change.id,
    });
  });

  test.each([
    ['half an hour and more before', deployed(-1801)],
    ['after the onset', deployed(1)],
    ['of a dependency', dependency],
    ['a flag', deployed(-60, { kind: 'flag' })],
    ['cancelled', deployed(-60, { status: 'cancelled' })],
  ])('is none when it is %s', (_name, change) => {
    expect(judge([change])).toEqual({ action: 'none', change_id: null, confidence: 0, ranked: [] });
  });
});

test.each<[name: string, more: Partial<Evidence>, action: string]>([
  ['its version is above the limit', {}, 'roll_back'],
  ['its version is not', { by_version: [level('v-60', 0.005, 0.1), level('before', 0.8, 0.9)] }, 'none'],
  ['its version has no metrics', { by_version: [level('before', 0.8, 0.9)] }, 'none'],
  ['no version is measured, and the service is above the limit', { by_version: null }, 'roll_back'],
  ['nothing is measured', { by_version: null, health: null }, 'none'],
])('the newest deploy above the limit: %s', (_name, more, action) => {
  expect(newestAboveLimit({ evidence: { ...plain, changes: [deployed(-60)], ...more } }).action).toBe(action);
});

describe('replays', () => {
  test('cover at least eight public incidents, each with its source', () => {
    expect(replays.length).toBeGreaterThanOrEqual(8);
    expect(new Set(replays.map(({ id }) => id)).size).toBe(replays.length);
    for (const { source, facts: told, assumed } of replays) {
      expect(source.url).toMatch(/^https:\/\//);
      expect(source.date).toMatch(/^\d{4}-\d{2}(-\d{2})?$/);
      expect(Math.min(source.title.length, source.publisher.length, told.length, assumed.length)).toBeGreaterThan(0);
    }
  });

  test.each(replays.map((replay) => [replay.id, replay] as const))(
    '%s can be judged',
    (_id, { evidence, label, history }) => {
      expect(firstBad(evidence)).not.toBeNull();
      expect(evidence.onset.alertStartedAt < evidence.at).toBe(true);
      expect(evidence.changes.every(({ change }) => Change.safeParse(change).success)).toBe(true);
      expect(evidence.changes.every(({ change }) => change.started_at <= evidence.at)).toBe(true);
      const cause = evidence.changes.find(({ change }) => change.id === label.cause);
      expect(cause === undefined).toBe(label.cause === null);
      expect(label.right === 'roll_back' && label.cause === null).toBe(false);
      expect(history).toHaveLength(1);
    },
  );
});

describe('random numbers', () => {
  test('binomial and Poisson distributions have the right means', () => {
    const r = random(1);
    const mean = (draw: () => number) =>
      Array.from({ length: 4000 }, draw).reduce((sum, value) => sum + value, 0) / 4000;
    expect(mean(() => r.binomial(40, 0.1))).toBeCloseTo(4, 0);
    expect(mean(() => r.binomial(4000, 0.9)) / 3600).toBeCloseTo(1, 2);
    expect(mean(() => r.poisson(0.3))).toBeCloseTo(0.3, 1);
    expect(mean(() => r.poisson(300)) / 300).toBeCloseTo(1, 2);
    expect(r.binomial(0, 0.5)).toBe(0);
    expect(r.binomial(7, 1)).toBe(7);
  });
});

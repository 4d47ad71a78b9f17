import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { delivered, firingsOf } from '../../evaluation/monitored/alerting.ts';
import { monitoredCase, MONITORED_SEED } from '../../evaluation/monitored/case.ts';
import { evaluate } from '../../evaluation/monitored/evaluate.ts';
import {
  ADDED_CLASS_NAMES,
  CLASS_NAMES,
  CLASSES,
  CONFOUNDER_CLASS_NAMES,
  isNegative,
  type Label,
  LABELS,
} from '../../evaluation/monitored/labels.ts';
import { portsAt } from '../../evaluation/monitored/ports.ts';
import { BUCKETS, REQUESTS } from '../../evaluation/monitored/telemetry/queries.ts';
import { casesTable } from '../../evaluation/monitored/print.ts';
import { recordAt } from '../../evaluation/monitored/records.ts';
import {
  calibrationOf,
  monitoredReport,
  type Outcome,
  outcomeOf,
  outcomeWithLimit,
  QUESTION_LIMITS,
  type Seen,
  seenOf,
  type Verdict,
} from '../../evaluation/monitored/report.ts';
import { instancesOf, type Rollout, versionShares } from '../../evaluation/monitored/scenes/rollouts.ts';
import { type Labels, NAME, type Series, sourceOf } from '../../evaluation/monitored/telemetry/series.ts';
import { timestamp } from '../../../../schemas/time/time.ts';

type Sample = readonly [time: number, value: number | 'stale'];

const series = (name: string, labels: Labels, samples: readonly Sample[], delay = 0): Series => ({
  labels: { [NAME]: name, ...labels },
  times: samples.map(([time]) => time),
  values: samples.map(([, value]) => (value === 'stale' ? NaN : value)),
  stale: samples.map(([, value]) => Number(value === 'stale')),
  delay,
});

/** Returns the samples of all series at a time: labels as text, and the value. */
function at(query: string, time: number, all: readonly Series[], now: number | null = null): Record<string, number> {
  const results = evaluate(query, { start: time, step: 1, count: 1, now }, sourceOf(all));
  return Object.fromEntries(
    results
      .filter(({ present }) => present[0] === 1)
      .map(({ labels, values }) => [
        Object.entries(labels)
          .map(([name, value]) => `${name}=${value}`)
          .toSorted()
          .join(','),
        values[0] ?? NaN,
      ]),
  );
}

const counter = (...values: (number | 'stale')[]): Series =>
  series(
    'c',
    {},
    values.map((value, index) => [15 * (index + 1), value]),
  );

describe('rate and increase', () => {
  test('extrapolate to both ends of the range', () => {
    // 30 in the 45 s between the first and the last sample; both ends are within 1.1 times the distance of samples.
    expect(at('increase(c[1m])', 60, [counter(100, 110, 120, 130)])).toEqual({ '': 40 });
    expect(at('rate(c[1m])', 60, [counter(100, 110, 120, 130)])['']).toBeCloseTo(40 / 60, 12);
  });

  test('exclude a sample at the start of the range, and include one at its end', () => {
    expect(at('increase(c[30s])', 45, [counter(0, 100, 120)])['']).toBeCloseTo(20 * (30 / 15), 12);
  });

  test('count a reset from zero', () => {
    expect(at('increase(c[1m])', 60, [counter(100, 110, 5, 15)])['']).toBeCloseTo((10 + 5 + 10) * (60 / 45), 12);
  });

  test('extrapolate by half a distance where the series begins or ends within the range', () => {
    const short = series('c', {}, [
      [100, 50],
      [110, 60],
      [120, 70],
    ]);
    expect(at('increase(c[5m])', 240, [short])['']).toBeCloseTo(20 * ((20 + 5 + 5) / 20), 12);
  });

  test('do not extrapolate a counter below zero', () => {
    const young = series('c', {}, [
      [100, 1],
      [110, 11],
      [120, 21],
    ]);
    // Its line reaches zero one second before the first sample.
    expect(at('increase(c[1m])', 130, [young])['']).toBeCloseTo(20 * ((20 + 1 + 10) / 20), 12);
  });

  test('need two samples, so that the first one of a new series does not count', () => {
    expect(at('rate(c[1m])', 20, [counter(7)])).toEqual({});
    expect(at('increase(c[1m])', 35, [counter(7, 7)])).toEqual({ '': 0 });
  });

  test('skip staleness markers', () => {
    expect(at('increase(c[1m])', 60, [counter(100, 'stale', 120, 130)])).toEqual({ '': 40 });
  });

  test('see no sample before it has arrived', () => {
    const late = { ...counter(100, 110, 120, 130), delay: 20 };
    expect(at('c', 60, [late], 60)).toEqual({ [`${NAME}=c`]: 110 });
    expect(at('c', 60, [late], 80)).toEqual({ [`${NAME}=c`]: 130 });
    expect(at('c', 60, [late])).toEqual({ [`${NAME}=c`]: 110 });
  });
});

describe('instant selectors', () => {
  const one = [series('c', {}, [[10, 1]])];
  test('return the last sample for less than five minutes', () => {
    expect(Object.values(at('c', 309.999, one))).toEqual([1]);
    expect(at('c', 310, one)).toEqual({});
    expect(at('c', 9, one)).toEqual({});
  });

  test('end at a staleness marker', () => {
    expect(at('c', 40, [counter(1, 'stale', 3)])).toEqual({});
    expect(Object.values(at('c', 46, [counter(1, 'stale', 3)]))).toEqual([3]);
  });

  test('can look back', () => {
    expect(Object.values(at('c offset 1m', 100, [counter(1, 2, 3)]))).toEqual([2]);
  });
});

describe('operators and functions', () => {
  const requests = (code: string, version: string, perScrape: number): Series =>
    series(
      'r',
      { service: 'a', code, version },
      Array.from({ length: 8 }, (_, index) => [15 * (index + 1), 1000 + perScrape * index]),
    );
  const all = [
    requests('200', 'v1', 27),
    requests('500', 'v1', 3),
    requests('200', 'v2', 10),
    requests('500', 'v2', 10),
  ];

  test('a ratio, for all and by version', () => {
    const errors = 'sum(rate(r{code=~"5.."}[1m])) / sum(rate(r[1m]))';
    expect(at(errors, 120, all)['']).toBeCloseTo(13 / 50, 12);
    const byVersion = 'sum by (version) (rate(r{code=~"5.."}[1m])) / sum by (version) (rate(r[1m]))';
    expect(at(byVersion, 120, all)['version=v1']).toBeCloseTo(0.1, 12);
    expect(at(byVersion, 120, all)['version=v2']).toBeCloseTo(0.5, 12);
    expect(at('sum without (code) (rate(r[1m]))', 120, all)).toEqual({
      'service=a,version=v1': 2,
      'service=a,version=v2': expect.closeTo(20 / 15, 12),
    });
  });

  test('errors that do not exist are no zero, unless the query says so', () => {
    const none = [requests('200', 'v1', 27)];
    expect(at('sum(rate(r{code=~"5.."}[1m])) / sum(rate(r[1m]))', 120, none)).toEqual({});
    expect(at('(sum(rate(r{code=~"5.."}[1m])) or vector(0)) / sum(rate(r[1m]))', 120, none)).toEqual({ '': 0 });
  });

  test('no requests are no number', () => {
    const idle = [requests('200', 'v1', 0), requests('500', 'v1', 0)];
    expect(at('sum(rate(r{code=~"5.."}[1m])) / sum(rate(r[1m]))', 120, idle)).toEqual({ '': NaN });
  });

  test('comparisons keep what is true, and `and` and `unless` what has a partner', () => {
    expect(at('sum by (version) (r) > 2200', 120, all)).toEqual({ 'version=v1': 2210 });
    expect(at('sum by (version) (r) > bool 2200', 120, all)).toEqual({ 'version=v1': 1, 'version=v2': 0 });
    expect(at('sum by (version) (r) and sum by (version) (r) > 2200', 120, all)).toEqual({ 'version=v1': 2210 });
    expect(at('sum by (version) (r) unless sum by (version) (r) > 2200', 120, all)).toEqual({ 'version=v2': 2140 });
    expect(at('sum by (version) (r) * on (version) sum by (version, service) (r)', 120, all)['version=v2']).toBe(
      2140 ** 2,
    );
    expect(at('max(r) - min(r) + count(r) - avg(r)', 120, all)['']).toBe(1189 - 1021 + 4 - 1087.5);
  });

  test('absent() names the equalities of its selector', () => {
    expect(at('absent(r{service="b",code=~"5.."})', 120, all)).toEqual({ 'service=b': 1 });
    expect(at('absent(r{service="a"})', 120, all)).toEqual({});
  });

  test('a quantile is interpolated within its bucket', () => {
    const bucket = (le: string, value: number) => series('b', { le }, [[10, value]]);
    const buckets = [bucket('0.1', 50), bucket('0.5', 90), bucket('1', 100), bucket('+Inf', 100)];
    expect(at('histogram_quantile(0.7, b)', 20, buckets)['']).toBeCloseTo(0.1 + 0.4 * (20 / 40), 12);
    expect(at('histogram_quantile(0.25, b)', 20, buckets)['']).toBeCloseTo(0.05, 12);
    const above = [bucket('0.1', 50), bucket('0.5', 60), bucket('+Inf', 100)];
    expect(at('histogram_quantile(0.99, b)', 20, above)['']).toBe(0.5);
    expect(at('histogram_quantile(0.99, b)', 20, [bucket('0.1', 0), bucket('+Inf', 0)])).toEqual({ '': NaN });
  });

  test.each(['topk(1, r)', 'rate(r)', 'r[5m]', 'deriv(r[5m])', 'sum(', ''])('%s is refused', (query) => {
    expect(() => at(query, 120, all)).toThrow(/cannot evaluate|not evaluated|needs|needed|empty/);
  });
});

describe('alerting', () => {
  test('a rule fires once its expression has been true for long enough, and a gap begins anew', () => {
    const high = series('x', {}, [
      [10, 1],
      [130, 0],
      [190, 1],
      [500, 0],
    ]);
    const rule = { expression: 'x > 0.5', forSeconds: 60, intervalSeconds: 30 };
    expect(firingsOf(rule, sourceOf([high]), { from: 0, until: 600 })).toEqual([
      { labels: { [NAME]: 'x' }, activeAt: 30, firedAt: 90, resolvedAt: 150 },
      { labels: { [NAME]: 'x' }, activeAt: 210, firedAt: 270, resolvedAt: 510 },
    ]);
  });

  test('alerts of a group wait for its next notification', () => {
    const alert = (service: string, firedAt: number) => ({
      service,
      alertname: 'Errors',
      labels: {},
      activeAt: firedAt,
      firedAt,
      resolvedAt: Infinity,
    });
    const alerts = [alert('a', 100), alert('b', 115), alert('c', 140)];
    const manager = { groupWait: 30, groupInterval: 300, latency: 0 };
    const times = (groupBy: 'alertname' | 'service') =>
      delivered(alerts, { ...manager, groupBy }).map(({ service, at: time }) => [service, time]);
    expect(times('alertname')).toEqual([
      ['a', 130],
      ['b', 130],
      ['c', 430],
    ]);
    expect(times('service')).toEqual([
      ['a', 130],
      ['b', 145],
      ['c', 170],
    ]);
  });
});

describe('the monitored world', () => {
  const cases = [...CLASS_NAMES, ...ADDED_CLASS_NAMES, ...CONFOUNDER_CLASS_NAMES].map((name) =>
    monitoredCase(MONITORED_SEED, name, 0),
  );

  test('has at least 30 classes, 3,000 negatives, and 1,500 positives', () => {
    const count = (is: boolean) =>
      CLASS_NAMES.filter((name) => isNegative(name) === is).reduce((sum, name) => sum + CLASSES[name].cases, 0);
    expect(CLASS_NAMES.length).toBeGreaterThanOrEqual(30);
    expect(count(true)).toBeGreaterThanOrEqual(3000);
    expect(count(false)).toBeGreaterThanOrEqual(1500);
  });

  test('is the same for the same seed, whatever is read first, and another one for another seed', () => {
    const summary = ({ label, facts, alert, at: time, world: { services, rollouts } }: (typeof cases)[number]) =>
      JSON.stringify({ label, facts, alert, time, services, rollouts });
    for (const one of cases.filter((_, index) => index % 24 === 0)) {
      const again = monitoredCase(MONITORED_SEED, one.name, 0);
      again.telemetry.select(BUCKETS, []);
      expect(summary(again)).toBe(summary(one));
      expect(again.telemetry.select(REQUESTS, [])).toEqual(one.telemetry.select(REQUESTS, []));
      expect(summary(monitoredCase(1, one.name, 0))).not.toBe(summary(one));
    }
  });

  test('shows the watch of the deploy that its alert is about, and judges an open incident once a deploy is measured', () => {
    for (const { name, watch, stage, alert, at: time, label } of cases) {
      expect(watch !== undefined).toBe(name.startsWith('watch_degraded'));
      if (watch === undefined) continue;
      expect(watch.metrics).toMatchObject([{ verdict: 'degraded', comparison: 'before' }]);
      expect(stage.rollouts.some(({ id }) => id === watch.change_id)).toBe(true);
      expect(label.cause === null || label.cause === watch.change_id).toBe(true);
      expect(alert.at).toBeLessThan(time);
    }
    for (const { name, stage, alert, at: time } of cases.filter((one) => one.name.startsWith('worsened'))) {
      const later = stage.rollouts.findLast(({ service }) => service === stage.focus.name);
      expect([name, (later?.start ?? 0) > alert.at, (later?.finish ?? Infinity) + 420 <= time]).toEqual([
        name,
        true,
        true,
      ]);
    }
  });

  test('counts upwards, at increasing times, with resets only where a process restarts', () => {
    for (const { telemetry, stage, name } of cases) {
      const { focus, rollouts, restarts: others } = stage;
      const own = [{ label: 'service', equals: focus.name, matches: (of: string) => of === focus.name }];
      for (const { times, values, stale } of telemetry.select(REQUESTS, own)) {
        let [time, value, resets] = [-1, 0, 0];
        for (let index = 0; index < times.length; index += 1) {
          if ((times[index] ?? 0) <= time) throw new Error(`${name}: a sample comes twice, or late`);
          time = times[index] ?? 0;
          if (stale?.[index] === 1) continue;
          if ((values[index] ?? 0) < value) resets += 1;
          value = values[index] ?? 0;
        }
        const restarts = [...rollouts, ...others].filter(({ service }) => service === focus.name).length;
        const allowed = name === 'crash' ? Infinity : focus.identity === 'pods' ? 0 : restarts;
        expect(resets).toBeLessThanOrEqual(allowed);
      }
    }
  });

  test('has labels that the records can show', () => {
    for (const { name, label, stage, at: time } of cases) {
      expect(label.wants).toBe(LABELS[name].wants);
      expect(label.cause === null).toBe(LABELS[name].cause === 'none');
      const cause = stage.recorded.find(({ id }) => id === label.cause);
      expect(cause === undefined).toBe(label.cause === null);
      if (cause === undefined) continue;
      expect(recordAt(cause, stage.delivery, time, () => timestamp(0))).toBeDefined();
      expect(cause.service === stage.focus.name && cause.kind === 'deploy').toBe(
        LABELS[name].cause === 'own_deploy' || name === 'fix_shipped',
      );
    }
  });

  test('is decided by rules that hold alike for cases with and without a bad deploy', () => {
    const found = new Map<string | null, Set<string>>();
    for (const { facts, label } of cases) {
      found.set(facts.undecidable, (found.get(facts.undecidable) ?? new Set()).add(label.wants));
      if (facts.undecidable !== null) expect(facts.isClear).toBe(false);
    }
    expect(found.get(null)).toEqual(new Set(['roll_back', 'ask', 'leave']));
    expect(found.get('innocent_deploy')).toContain('leave');
    expect(found.get('confounded')).toContain('leave');
  });

  test('judges after the alert has fired and has been delivered', () => {
    for (const { alert, at: time, others } of cases) {
      expect(alert.activeAt <= alert.firedAt && alert.firedAt < alert.at && alert.at < time).toBe(true);
      expect(others.every(({ service }) => service !== alert.service)).toBe(true);
    }
  });

  test('does not answer what it does not simulate', () => {
    const [one] = cases;
    if (one === undefined) throw new Error('there is no case');
    const { deps } = portsAt(one, one.at);
    expect(() => deps.chat).toThrow('the monitored world has no deps.chat');
    expect(() => deps.incidents.view).toThrow('the monitored world has no deps.incidents.view');
  });

  test('knows nothing of the engine but its ports', () => {
    const folder = join(import.meta.dirname, '../../evaluation/monitored');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
    const imports = files.flatMap((name) =>
      [...readFileSync(join(folder, name), 'utf8').matchAll(/from '([^']+)'/g)].map(([, path = '']) =>
        path.startsWith('.') ? relative(join(folder, '../../../..'), join(folder, dirname(name), path)) : path,
      ),
    );
    expect(
      imports.filter(
        (path) =>
          !/^(packages\/lab\/evaluation\/(monitored\/|(random|bounds)\.ts)|schemas\/|core\/domain\/ports\/|@prometheus-io\/)/.test(
            path,
          ),
      ),
    ).toEqual([]);
  });
});

describe('rollouts', () => {
  const service = monitoredCase(MONITORED_SEED, 'bad_data', 0).stage.focus;
  const four = { ...service, instances: 4, identity: 'pods' as const };
  const base = { id: 'x', service: service.name, version: 'v2', start: 100 };
  const shares = (rollout: Rollout, time: number) =>
    Object.fromEntries(versionShares(instancesOf(four, [rollout], 'v1'), [rollout], time));

  test('a rolling deploy replaces one instance after another', () => {
    const rolling: Rollout = { ...base, mode: 'rolling', finish: 200 };
    expect(shares(rolling, 110)).toEqual({ v1: 1 });
    expect(shares(rolling, 130)).toEqual({ v1: 0.75, v2: 0.25 });
    expect(shares(rolling, 200)).toEqual({ v2: 1 });
  });

  test('a canary gets its share, and then everything', () => {
    const steps = [
      { at: 110, share: 0.1 },
      { at: 150, share: 0.5 },
    ];
    const canary: Rollout = { ...base, mode: 'canary', steps, finish: 200 };
    expect(shares(canary, 120)).toEqual({ v1: expect.closeTo(0.9, 12), v2: 0.1 });
    expect(shares(canary, 160)).toEqual({ v1: 0.5, v2: 0.5 });
    expect(shares(canary, 210)).toEqual({ v2: 1 });
  });
});

describe('the report', () => {
  const wanted: Label = { cause: 'a', wants: 'roll_back' };
  const verdict = (action: Verdict['action'], change: string | null): Verdict => ({
    action,
    acts: [{ change, to: null }],
    named: change,
    top: null,
    askedUpTo: 0.55,
    isBelowLimit: false,
  });
  const chosen = (...changes: string[]) => changes.map((change) => ({ change, to: null }));
  test.each<[string, Label, Verdict, Outcome]>([
    ['the cause is rolled back', wanted, verdict('roll_back', 'a'), 'right'],
    ['another change is rolled back', wanted, verdict('roll_back', 'b'), 'wrong'],
    ['a person is asked about the cause', wanted, verdict('ask', 'a'), 'asked_rightly'],
    ['a person is asked about another change', wanted, verdict('ask', 'b'), 'asked_wrongly'],
    ['a person can choose the cause', wanted, { ...verdict('ask', 'b'), acts: chosen('b', 'a') }, 'asked_rightly'],
    ['a person can choose between others', wanted, { ...verdict('ask', 'b'), acts: chosen('b', 'c') }, 'asked_wrongly'],
    ['nothing is done', wanted, verdict('none', null), 'left_out'],
    ['what a person should decide is done', { cause: 'a', wants: 'ask' }, verdict('roll_back', 'a'), 'wrong'],
    ['the cause is named that no rollback undoes', { cause: 'a', wants: 'ask' }, verdict('none', 'a'), 'asked_rightly'],
    [
      'nothing is to be done, and a person is asked',
      { cause: null, wants: 'leave' },
      verdict('ask', 'b'),
      'asked_wrongly',
    ],
    ['nothing is to be done, and nothing is', { cause: null, wants: 'leave' }, verdict('none', 'b'), 'right'],
    ['the good version is rolled back', { cause: 'a', wants: 'leave' }, verdict('roll_back', 'a'), 'wrong'],
  ])('%s', (_name, label, judged, expected) => {
    expect(outcomeOf(label, judged)).toBe(expected);
  });

  test('a newer deploy that is rolled back to before the cause undoes it', () => {
    const twoDeploys = monitoredCase(MONITORED_SEED, 'first_of_two_bad', 0);
    const { stage, label } = twoDeploys;
    const own = stage.recorded
      .filter(({ service, kind }) => service === stage.focus.name && kind === 'deploy')
      .toSorted((a, b) => a.start - b.start);
    const cause = own.findIndex(({ id }) => id === label.cause);
    const outcome = (to: string) => {
      const acts = [{ change: own[cause + 1]?.id ?? '', to }];
      return seenOf(twoDeploys, { ...verdict('roll_back', null), acts }).outcome;
    };
    expect(outcome(own[cause - 1]?.version ?? '')).toBe('right');
    expect(outcome(own[cause]?.version ?? '')).toBe('wrong');
  });

  const top = (change: string) => ({ top: { change, confidence: 0.35 }, askedUpTo: 0.35 });
  const unsure = (change: string, acts = chosen(change)): Verdict => ({
    ...verdict('none', null),
    ...top(change),
    acts,
    isBelowLimit: true,
  });
  const leave: Label = { cause: null, wants: 'leave' };
  test.each<[string, Label, Verdict, readonly Outcome[]]>([
    ['a rollback stays', wanted, verdict('roll_back', 'a'), Array(6).fill('right')],
    [
      'a question ends with its confidence',
      wanted,
      verdict('ask', 'a'),
      [...Array(5).fill('asked_rightly'), 'left_out'],
    ],
    ['a wrong question ends, too', leave, verdict('ask', 'a'), [...Array(5).fill('asked_wrongly'), 'right']],
    [
      'a cause below the limit is asked about with a lower one',
      wanted,
      unsure('a'),
      [...Array(3).fill('asked_rightly'), ...Array(3).fill('left_out')],
    ],
    ['so is another change', leave, unsure('b'), [...Array(3).fill('asked_wrongly'), ...Array(3).fill('right')]],
    [
      'and a cause that ties with it',
      wanted,
      unsure('b', chosen('b', 'a')),
      [...Array(3).fill('asked_rightly'), ...Array(3).fill('left_out')],
    ],
    ['a change that no question can offer to undo is only named', leave, unsure('config'), Array(6).fill('right')],
    [
      'also if it is the cause',
      { cause: 'config', wants: 'ask' },
      unsure('config'),
      [...Array(3).fill('asked_rightly'), ...Array(3).fill('left_out')],
    ],
    ['what is refused for another reason stays refused', wanted, verdict('none', 'a'), Array(6).fill('left_out')],
  ])('with another limit for questions: %s', (_name, label, judged, expected) => {
    const kindOf = (change: string) => (change === 'config' ? 'config' : 'deploy');
    expect(QUESTION_LIMITS.map((limit) => outcomeWithLimit(limit, label, judged, kindOf))).toEqual(expected);
  });

  test('names and wrong questions are counted for each limit, and what is missed by class', () => {
    const facts = {
      areVersionsVisible: false,
      areVersionsDistinct: false,
      undecidable: null,
      isClear: true,
      traffic: 'above 20/s',
      evidence: 'health',
    } as const;
    const seen = (name: Seen['name'], label: Label, judged: Verdict): Seen => ({
      id: `${name}-0`,
      name,
      label,
      facts: { ...facts, isClear: label.wants === 'roll_back' },
      verdict: judged,
      outcome: outcomeOf(label, judged),
      withLimits: QUESTION_LIMITS.map((limit) => outcomeWithLimit(limit, label, judged, () => 'deploy')),
    });
    const report = monitoredReport([
      seen('deploy_at_once', wanted, verdict('ask', 'a')),
      seen('crash', wanted, unsure('a')),
      seen('slow_leak', leave, unsure('b')),
      seen('machine', leave, verdict('ask', 'b')),
    ]);
    const rows = report.by_limit.map(({ limit, named, asked_wrongly: wrong }) => [limit, named.hits, wrong.hits]);
    expect(rows).toEqual([
      [0.1, 2, 2],
      [0.2, 2, 2],
      [0.3, 2, 2],
      [0.4, 1, 1],
      [0.5, 1, 1],
      [0.6, 0, 0],
    ]);
    expect(report.by_limit[0]).toMatchObject({ named: { of: 2 }, asked_wrongly: { of: 4 } });
    expect(report).toMatchObject({
      questions_wrong_of_all: { hits: 1, of: 4 },
      questions_wrong_of_all_asked: { hits: 1, of: 2 },
      clear_acted: { hits: 0, of: 2 },
    });
    expect(casesTable(report)).toMatch(/deploy at once +roll back +1 +0 +0 +0 +0 +1 +0\n/);
    expect(report.missed).toEqual({
      clear_versions_acted: {},
      clear_others_named: { crash: 1 },
      questions_wrong: { machine: 1 },
    });
  });

  test('the calibration error is the mean distance of confidence and truth', () => {
    const seen = (confidence: number, isTrue: boolean) => ({
      label: { cause: isTrue ? 'a' : null, wants: 'leave' as const },
      verdict: { ...verdict('none', null), top: { change: 'a', confidence } },
    });
    const { error, bins, cases } = calibrationOf([
      seen(0.95, true),
      seen(0.97, true),
      seen(0.75, true),
      seen(0.75, false),
    ]);
    expect(cases).toBe(4);
    expect(error).toBeCloseTo((2 * 0.04 + 2 * 0.25) / 4, 12);
    expect(bins.map(({ cases: inside }) => inside)).toEqual([0, 0, 0, 0, 0, 0, 0, 2, 0, 2]);
  });
});

import { healthyIfExcluded, type Numbers } from '../../../../core/domain/judge/comparison.ts';
import { describe, expect, test } from 'vitest';
import type { CanaryEvidence, MetricEvidence } from '../../../../core/domain/judge/evidence.ts';
import { judge } from '../../../../core/domain/judge/judge.ts';

const SETTINGS = { minRequests: 100, stepSeconds: 30, tolerance: 1.25 };
const START = 1_000_000;
const LOOKS = 10;

type Rates = { total: number; ratio: number | ((index: number) => number) };

const counts = ({ total, ratio }: Rates, length = LOOKS, from = START) =>
  Array.from({ length }, (_, index) => ({
    at: from + 30 * (index + 1),
    total,
    bad: total * (typeof ratio === 'number' ? ratio : ratio(index)),
  }));

const history = ({ total, ratio }: Rates) =>
  counts({ total: 2 * total, ratio }, 60, START - 3600).map((window, index) => ({
    ...window,
    at: START - 3600 + 60 * (index + 1),
  }));

const ratioMetric = (
  version: Rates | null,
  baseline: Rates | null,
  before: Rates | null,
  more: object = {},
): MetricEvidence => ({
  kind: 'ratio',
  name: 'errors',
  max: null,
  ignoreBelow: 0.002,
  version: version === null ? [] : counts(version),
  baseline: baseline === null ? [] : counts(baseline),
  history: before === null ? [] : history(before),
  ...more,
});

const evidence = (metrics: MetricEvidence[], more: Partial<CanaryEvidence> = {}): CanaryEvidence => ({
  version: 'v42',
  baseline: 'v41',
  look: LOOKS,
  metrics,
  ...more,
});

const verdictOf = (metrics: MetricEvidence[], more: Partial<CanaryEvidence> = {}) =>
  judge(evidence(metrics, more), SETTINGS);

describe('a share of errors', () => {
  const stable = { total: 1425, ratio: 0.005 };

  test('3 % of a canary with 5 % of the traffic are degraded', () => {
    const { verdict, metrics } = verdictOf([ratioMetric({ total: 75, ratio: 0.03 }, stable, stable)]);
    expect(verdict).toBe('degraded');
    expect(metrics[0]).toMatchObject({
      name: 'errors',
      version: expect.closeTo(0.03),
      baseline: expect.closeTo(0.005),
      change: expect.closeTo(6),
      comparison: 'beside',
    });
    expect(metrics[0]?.p).toBeLessThan(1e-6);
    expect(metrics[0]?.reason).toBe(
      '3 % of 750 requests; v41 at the same time: 0.5 % of 14,250 requests, probability by chance below 0.0001 %',
    );
  });

  test('an equal version is healthy', () => {
    expect(verdictOf([ratioMetric({ total: 750, ratio: 0.005 }, { total: 750, ratio: 0.005 }, stable)]).verdict).toBe(
      'healthy',
    );
  });

  test('an equal version with few requests is inconclusive', () => {
    const { verdict, metrics } = verdictOf([ratioMetric({ total: 20, ratio: 0.005 }, stable, stable)]);
    expect(verdict).toBe('inconclusive');
    expect(metrics[0]?.reason).toContain('too little data to exclude twice as much');
    expect(verdictOf([ratioMetric({ total: 5, ratio: 0.5 }, stable, stable)]).metrics[0]).toMatchObject({
      verdict: 'inconclusive',
      p: null,
      reason:
        'too little traffic: 50 requests of v42, 14,250 requests of v41 at the same time; at least 100 requests are needed',
    });
  });

  test('a difference that is not significant yet is not called "not worse"', () => {
    const frame = { text: '3.6 %; at the same time 0 %', limit: 'above the limit of 1 %' };
    const reasonOf = (isExcluded: boolean) => healthyIfExcluded({} as Numbers, { ...frame, isExcluded }).reason;
    expect(reasonOf(true)).toContain(': not worse than its baseline, but above');
    expect(reasonOf(false)).toContain(': not significantly worse than its baseline yet, but above');
  });

  test('a problem of both versions is not that of the new one', () => {
    const outage = { ratio: (index: number) => (index > 4 ? 0.3 : 0.005) };
    const { verdict } = verdictOf([ratioMetric({ total: 750, ...outage }, { total: 750, ...outage }, stable)]);
    expect(verdict).toBe('healthy');
    const limited = verdictOf([
      ratioMetric({ total: 750, ...outage }, { total: 750, ...outage }, stable, { max: 0.01 }),
    ]);
    expect(limited.verdict).toBe('inconclusive');
    expect(limited.metrics[0]?.reason).toContain('not worse than its baseline, but above the limit of 1 %');
  });

  test('a problem of both versions does not hide that of the new one', () => {
    const problem = (index: number) => (index >= 2 && index < 6 ? 0.3 : 0.002);
    const { verdict, metrics } = verdictOf([
      ratioMetric(
        { total: 750, ratio: (index) => problem(index) * (index % 2 === 0 ? 0.9 : 1.1) + 0.01 },
        { total: 750, ratio: problem },
        { total: 750, ratio: (index) => (index % 9 === 0 ? 0.3 : 0.002) },
      ),
    ]);
    expect(verdict).toBe('degraded');
    expect(metrics[0]?.reason).toMatch(
      /^1\.2 % of 4,500 requests; v41 at the same time, without the problem that both had: 0\.2 % of/,
    );
  });

  test('a problem of both versions at all times leaves nothing to compare without it', () => {
    const both = { total: 750, ratio: 0.3 };
    const { verdict, metrics } = verdictOf([ratioMetric(both, both, { total: 750, ratio: 0.002 })]);
    expect(verdict).not.toBe('degraded');
    expect(metrics[0]?.reason).toMatch(/^30 % of 7,500 requests; v41 at the same time: 30 %/);
  });

  test('a short burst is no regression', () => {
    const burst = { total: 750, ratio: (index: number) => (index === 6 ? 0.2 : 0.005) };
    expect(verdictOf([ratioMetric(burst, { total: 750, ratio: 0.005 }, stable)])).toMatchObject({
      verdict: 'inconclusive',
    });
  });

  test('a burst of the last 40 seconds counts as one event, and the reason says so', () => {
    const burst = { total: 698, ratio: (index: number) => (index === 9 ? 0.15 : index === 10 ? 0.245 : 0) };
    const sides = { version: counts(burst, 11), baseline: counts({ total: 699, ratio: 0 }, 11) };
    const quiet = { total: 699, ratio: 0 };
    const errors = ratioMetric(null, null, quiet, { ...sides, max: 0.01 });
    const other = ratioMetric(quiet, quiet, quiet, { name: 'other' });
    const { metrics } = verdictOf([errors, other], { look: 11 });
    expect(metrics[0]).toMatchObject({
      verdict: 'inconclusive',
      reason:
        '3.6 % of 7,678 requests; v41 at the same time: 0 % of 7,689 requests: not significantly worse than its baseline yet ' +
        '(100 % of it came within 2 of 11 windows, and a short burst counts as one event), but above the limit of 1 %',
    });
    // Independent errors would be proof; two windows that overlap are not.
    expect(metrics[0]?.p).toBeGreaterThan(0.01);
  });

  const hour = 120;
  const lately = (total: number, ratio: number, newest: number) =>
    counts({ total, ratio: (index) => (index < hour - 2 ? ratio : newest) }, hour);
  const newestOf = (version: number, baseline: number, max: number | null = null) =>
    verdictOf(
      [
        ratioMetric(null, null, stable, {
          version: lately(750, 0.005, version),
          baseline: lately(750, 0.005, baseline),
          max,
        }),
      ],
      { look: hour },
    );

  test('a version that was good for an hour and fails now is not healthy', () => {
    const { verdict, metrics } = newestOf(0.15, 0.005);
    expect(verdict).toBe('inconclusive');
    expect(metrics[0]?.reason).toMatch(
      /; but 15 % of 1,500 requests in the newest 2 windows; v41 at the same time: 0\.5 % of/,
    );
    expect(newestOf(0.006, 0.005).verdict).toBe('healthy');
    expect(newestOf(0.15, 0.15).verdict).toBe('healthy');
    expect(newestOf(0.15, 0.15, 0.02).metrics[0]?.reason).toMatch(/in the newest 2 windows, above the limit of 2 %$/);
  });

  test('without a baseline, the newest windows are within the limit, too', () => {
    const version = lately(750, 0.005, 0.15);
    const { verdict, metrics } = verdictOf([ratioMetric(null, null, null, { version, max: 0.02 })], {
      look: hour,
      baseline: null,
    });
    expect(verdict).toBe('inconclusive');
    expect(metrics[0]?.reason).toMatch(/in the newest 2 windows, above the limit of 2 %$/);
  });

  test('a certain but irrelevant difference is not degraded', () => {
    const { verdict, metrics } = verdictOf([
      ratioMetric({ total: 1_000_000, ratio: 0.0055 }, { total: 1_000_000, ratio: 0.005 }, stable),
    ]);
    expect(metrics[0]?.p).toBeLessThan(0.001);
    expect(verdict).toBe('healthy');
  });

  test('is compared with the time before once the baseline is gone', () => {
    const { verdict, metrics } = verdictOf([ratioMetric({ total: 1500, ratio: 0.02 }, null, stable)]);
    expect(verdict).toBe('degraded');
    expect(metrics[0]?.reason).toContain('v41 before: 0.5 % of 171,000 requests');
    expect(metrics[0]?.comparison).toBe('before');
    expect(verdictOf([ratioMetric({ total: 1500, ratio: 0.005 }, null, stable)]).verdict).toBe('healthy');
  });

  test('has only its limit if there is no baseline', () => {
    const alone = (ratio: number, max: number | null) =>
      verdictOf([ratioMetric({ total: 750, ratio }, null, null, { max })], { baseline: null }).verdict;
    expect(alone(0.001, 0.01)).toBe('healthy');
    expect(alone(0.02, 0.01)).toBe('degraded');
    expect(alone(0.01, 0.01)).toBe('inconclusive');
    expect(alone(0.001, null)).toBe('inconclusive');
  });
});

describe('a latency', () => {
  /** Shares of requests within 0.1, 0.25, 0.5, 1, and 2.5 seconds. */
  const FAST = [0.7, 0.9, 0.96, 0.99, 1];
  const SLOW = [0.4, 0.65, 0.85, 0.96, 1];
  const bounds = [0.1, 0.25, 0.5, 1, 2.5];

  const windows = (shares: readonly number[], total: number, length = LOOKS, from = START, step = 30) =>
    Array.from({ length }, (_, index) => ({
      at: from + step * (index + 1),
      buckets: [...bounds.map((bound, at) => [bound, total * (shares[at] ?? 1)] as const), [Infinity, total] as const],
    }));

  const latency = (version: readonly number[], total: number, more: object = {}): MetricEvidence => ({
    kind: 'latency',
    name: 'p95',
    quantile: 0.95,
    max: null,
    ignoreBelow: 0,
    version: windows(version, total),
    baseline: windows(FAST, 1425),
    history: windows(FAST, 3000, 60, START - 3600, 60),
    ...more,
  });

  test('that doubles is degraded', () => {
    const { verdict, metrics } = verdictOf([latency(SLOW, 75)]);
    expect(verdict).toBe('degraded');
    expect(metrics[0]?.version).toBeCloseTo(0.955, 2);
    expect(metrics[0]?.baseline).toBeCloseTo(0.458, 2);
    expect(metrics[0]?.reason).toMatch(/^the 95 % quantile of 750 requests is 0\.95.*; v41 at the same time: 0\.46 of/);
  });

  test('that is equal is healthy, and inconclusive above its limit', () => {
    expect(verdictOf([latency(FAST, 300)]).verdict).toBe('healthy');
    expect(verdictOf([latency(FAST, 300, { max: 0.3 })]).verdict).toBe('inconclusive');
  });

  test('cannot be excluded with few requests', () => {
    expect(verdictOf([latency([0.6, 0.85, 0.93, 0.97, 1], 12)]).verdict).toBe('inconclusive');
    expect(verdictOf([latency(SLOW, 2)]).metrics[0]?.reason).toContain('too little traffic: 20 requests');
  });

  test('that was equal for an hour and doubles now is not healthy', () => {
    const version = [...windows(FAST, 300, 118), ...windows(SLOW, 300, 2, START + 118 * 30)];
    const baseline = windows(FAST, 1425, 120);
    const { verdict, metrics } = verdictOf([latency(FAST, 300, { version, baseline })], { look: 120 });
    expect(verdict).toBe('inconclusive');
    expect(metrics[0]?.reason).toMatch(/; but 15 % of 600 requests took longer than 0\.5 in the newest 2 windows; v41/);
    const slow = { version, baseline: [...windows(FAST, 1425, 118), ...windows(SLOW, 1425, 2, START + 118 * 30)] };
    expect(verdictOf([latency(FAST, 300, slow)], { look: 120 }).verdict).toBe('healthy');
    expect(verdictOf([latency(FAST, 300, { ...slow, max: 0.5 })], { look: 120 }).metrics[0]?.reason).toMatch(
      /in the newest 2 windows, with the 95 % quantile above the limit of 0\.5$/,
    );
  });

  test('has only its limit if there is no baseline', () => {
    const alone = (shares: readonly number[], max: number) =>
      verdictOf([latency(shares, 300, { max, baseline: [], history: [] })], { baseline: null }).verdict;
    expect(alone(FAST, 1)).toBe('healthy');
    expect(alone(SLOW, 0.5)).toBe('degraded');
  });
});

describe('a value', () => {
  const values = (of: (index: number) => number, length = LOOKS) =>
    Array.from({ length }, (_, index) => ({ at: START + 60 * (index + 1), value: of(index) }));
  const wavy = (level: number) => (index: number) => level * (1 + 0.05 * Math.sin(index * 2));
  const metric = (version: number, baseline: number, more: object = {}): MetricEvidence => ({
    kind: 'value',
    name: 'lag',
    worse: 'higher',
    max: null,
    ignoreBelow: 0,
    version: values(wavy(version)),
    baseline: values(wavy(baseline)),
    history: [],
    ...more,
  });

  test('that doubles is degraded, that is equal is healthy', () => {
    expect(verdictOf([metric(200, 100)], { look: 20 }).verdict).toBe('degraded');
    expect(verdictOf([metric(100, 100)], { look: 20 }).verdict).toBe('healthy');
    expect(verdictOf([metric(115, 100)], { look: 20 }).verdict).toBe('healthy');
  });

  test('that doubles in its newest windows is not healthy', () => {
    const late = (index: number) => (index < 8 ? wavy(100)(index) : 200);
    const { metrics } = verdictOf([metric(100, 100, { version: values(late) })], { look: 20 });
    expect(metrics[0]).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringMatching(/; but 200 and 200 in the newest 2$/),
    });
    expect(verdictOf([metric(100, 100, { version: values(late), baseline: values(late) })], { look: 20 }).verdict).toBe(
      'healthy',
    );
  });

  test('can be worse if it is lower', () => {
    expect(verdictOf([metric(50, 100, { worse: 'lower' })], { look: 20 }).verdict).toBe('degraded');
    expect(verdictOf([metric(200, 100, { worse: 'lower' })], { look: 20 }).verdict).toBe('healthy');
  });

  test('needs enough windows', () => {
    const few = metric(200, 100, { version: values(wavy(200), 4) });
    expect(verdictOf([few], { look: 8 }).verdict).toBe('inconclusive');
  });
});

describe('a value with a limit in a row', () => {
  const at = (values: readonly number[]) => values.map((value, index) => ({ at: START + 30 * index, value }));
  const probe = (version: readonly number[], baseline: readonly number[] = [], more: object = {}): MetricEvidence => ({
    kind: 'value',
    name: 'probe',
    worse: 'higher',
    max: 0,
    ignoreBelow: 0.5,
    failures: 3,
    version: at(version),
    baseline: at(baseline),
    history: [],
    ...more,
  });
  const verdict = (metric: MetricEvidence) => verdictOf([metric], { baseline: null, look: 4 }).verdict;

  test('is degraded once as many checks are beyond it', () => {
    expect(verdict(probe([0, 1, 1]))).toBe('inconclusive');
    expect(verdictOf([probe([0, 1, 1, 1])], { baseline: null }).metrics[0]).toMatchObject({
      verdict: 'degraded',
      reason: '1, above the limit of 0 in the newest 3 checks',
    });
    expect(verdict(probe([1, 1, 1, 0]))).toBe('inconclusive');
    expect(verdict(probe([0, 0, 0, 0]))).toBe('healthy');
    expect(verdict(probe([5, 3, 2, 1], [], { worse: 'lower', max: 4 }))).toBe('degraded');
  });

  test('says what decided', () => {
    const judged = (of: readonly number[], more: object = {}) => {
      const { verdict: found, reason } = verdictOf([probe(of, [], more)], { baseline: null }).metrics[0] ?? {};
      return [found, reason];
    };
    const last = new Date((START + 30 * 3) * 1000).toISOString().slice(11, 16);
    expect(judged([1, 0, 0, 1, 0, 0, 0, 0, 0])).toEqual([
      'inconclusive',
      `above the limit of 0 in 2 of 9 checks, last 1 at ${last} UTC`,
    ]);
    expect(judged([5, 5, 5, 3, 5], { worse: 'lower', max: 4 })).toEqual([
      'inconclusive',
      `below the limit of 4 in 1 of 5 checks, last 3 at ${last} UTC`,
    ]);
    const failed = at([0, 0, 0, 1, 0]).map((one) => (one.value === 1 ? { ...one, detail: 'answered 500' } : one));
    expect(judged([], { version: failed })).toEqual([
      'inconclusive',
      `above the limit of 0 in 1 of 5 checks, last 1 at ${last} UTC: answered 500`,
    ]);
    expect(judged([0, 0])).toEqual(['inconclusive', '0 in 2 of the 3 checks that are needed; the limit is 0']);
    expect(judged([0, 0, 0])).toEqual(['healthy', '0; the limit is 0']);
  });

  test('is not degraded while the baseline is beyond it, too', () => {
    expect(verdict(probe([1, 1, 1, 1], [1, 0, 1, 0]))).toBe('inconclusive');
    expect(verdict(probe([1, 1, 1, 1], [1, 0, 0, 0]))).toBe('degraded');
  });

  test('without failures of both, it is healthy beside its baseline', () => {
    expect(verdict(probe([0, 0, 0, 0], [0, 0, 0, 0]))).toBe('healthy');
  });
});

test('one degraded metric suffices, and a missing one prevents healthy', () => {
  const stable = { total: 750, ratio: 0.005 };
  const good = ratioMetric(stable, stable, stable);
  const bad = ratioMetric({ total: 750, ratio: 0.03 }, stable, stable);
  const missing: MetricEvidence = { kind: 'missing', name: 'p95', because: 'Prometheus returned no series' };
  expect(verdictOf([good, bad]).verdict).toBe('degraded');
  expect(verdictOf([good, missing])).toMatchObject({
    verdict: 'inconclusive',
    metrics: [{ verdict: 'healthy' }, { verdict: 'inconclusive', reason: 'Prometheus returned no series' }],
  });
  expect(verdictOf([bad, missing]).verdict).toBe('degraded');
  expect(verdictOf([]).verdict).toBe('inconclusive');
});

test('more looks and more metrics require more proof', () => {
  const stable = { total: 750, ratio: 0.005 };
  const metric = ratioMetric({ total: 750, ratio: 0.0075 }, stable, stable);
  const p = (metrics: MetricEvidence[], look: number) => verdictOf(metrics, { look }).metrics[0]?.p ?? 0;
  expect(p([metric, metric], LOOKS)).toBeCloseTo(2 * p([metric], LOOKS), 6);
  expect(p([metric], 20)).toBeGreaterThan(p([metric], LOOKS));
});

import { describe, expect, test } from 'vitest';
import { evidenceOf, type Measured, type PromMetric } from '../../../../core/domain/judge/measured-evidence.ts';
import { type HttpMetric, JudgeMetric } from '../../../../schemas/judge/judge-config.ts';
import type { HttpSample } from '../../../../schemas/judge/judgement.ts';

const UNTIL = 1_800_000_000;
const STEP = 30;
const GRID = { step: STEP, until: UNTIL };

/** Returns a series with a value at each step between two numbers of steps before the end. */
const series = (labels: Record<string, string>, value: number, fromSteps: number, untilSteps = 0) => ({
  labels,
  values: Array.from({ length: fromSteps - untilSteps + 1 }, (_, index): [number, number] => [
    UNTIL - (fromSteps - index) * STEP,
    value,
  ]),
});

const metricOf = (given: object) => JudgeMetric.parse(given) as PromMetric;
const ratio = metricOf({ kind: 'ratio', name: 'errors', bad: 'bad', total: 'total' });
const question = { version: 'v42', baseline: null, startedAt: null, label: 'version' };

const counts = (first: ReturnType<typeof series>[], second: ReturnType<typeof series>[]): Measured => ({
  metric: ratio,
  read: { first, second },
});

describe('what was measured', () => {
  test('becomes windows: half of two rates beside each other, and every second rate before', () => {
    const measured = counts(
      [series({ version: 'v42' }, 1, 9), series({ version: '41' }, 2, 200)],
      [series({ version: 'v42' }, 10, 9), series({ version: '41' }, 40, 200)],
    );
    const { evidence, since } = evidenceOf([measured], GRID, question);
    expect(since).toBe(UNTIL - 9 * STEP);
    expect(evidence).toMatchObject({ version: 'v42', baseline: '41', look: 10 });
    const [metric] = evidence.metrics;
    if (metric?.kind !== 'ratio') throw new Error('not a ratio');
    expect(metric.version).toHaveLength(10);
    expect(metric.version.at(-1)).toEqual({ at: UNTIL, total: 300, bad: 30 });
    expect(metric.baseline[0]).toEqual({ at: UNTIL - 9 * STEP, total: 1200, bad: 60 });
    expect(metric.history).toHaveLength(60);
    // The last window before the start ends where the first one of the version begins.
    expect(metric.history.at(-1)).toEqual({ at: UNTIL - 10 * STEP, total: 2400, bad: 120 });
  });

  test('the baseline is the version that serves now, else the one before', () => {
    const all = [series({ version: 'v42' }, 10, 20), series({ version: 'v40' }, 500, 200, 100)];
    const beside = [...all, series({ version: 'v41' }, 5, 200)];
    expect(evidenceOf([counts([], beside)], GRID, question).evidence.baseline).toBe('v41');
    expect(evidenceOf([counts([], all)], GRID, question).evidence.baseline).toBe('v40');
    expect(evidenceOf([counts([], all)], GRID, { ...question, baseline: 'v39' }).evidence.baseline).toBe('v39');
    expect(evidenceOf([counts([], all.slice(0, 1))], GRID, question).evidence.baseline).toBeNull();
  });

  test('no series of bad events means none', () => {
    const { evidence } = evidenceOf([counts([], [series({ version: 'v42' }, 10, 3)])], GRID, question);
    expect(evidence.metrics[0]).toMatchObject({ version: [{ total: 300, bad: 0 }, {}, {}, {}] });
  });

  test('a version that comes again starts again, as does one that is recorded again', () => {
    const twice = [series({ version: 'v42' }, 10, 100, 60), series({ version: 'v42' }, 10, 5)];
    const rolledBack = evidenceOf([counts([], twice)], GRID, question);
    expect(rolledBack.evidence.look).toBe(6);
    const redeployed = evidenceOf([counts([], [series({ version: 'v42' }, 10, 100)])], GRID, {
      ...question,
      startedAt: UNTIL - 4 * STEP,
    });
    expect(redeployed.evidence.look).toBe(4);
  });

  test('a query without data is missing, whatever is recorded', () => {
    for (const deploy of [undefined, { startedAt: UNTIL - 20 * STEP, endedAt: null, previous: 'v41' }])
      expect(evidenceOf([counts([], [])], GRID, { ...question, ...(deploy && { deploy }) }).evidence.metrics).toEqual([
        { kind: 'missing', name: 'errors', because: 'the query has no data' },
      ]);
  });

  test('a version without series is missing, with the label', () => {
    const { evidence, since } = evidenceOf([counts([], [series({ version: 'v41' }, 10, 100)])], GRID, question);
    expect(since).toBeNull();
    expect(evidence.metrics).toEqual([
      { kind: 'missing', name: 'errors', because: 'no series has the label version="v42"' },
    ]);
  });

  describe('series that do not name versions', () => {
    const deploy = { startedAt: UNTIL - 20 * STEP, endedAt: UNTIL - 10 * STEP, previous: 'v41' };
    const unnamed = counts([series({}, 1, 200)], [series({}, 10, 200)]);

    test('are split at the recorded deploy, without the time in which both served', () => {
      const { evidence, since } = evidenceOf([unnamed], GRID, { ...question, deploy });
      expect(since).toBe(UNTIL - 9 * STEP);
      expect(evidence).toMatchObject({ version: 'v42', baseline: 'v41', look: 10 });
      expect(evidence.isPartial).toBeUndefined();
      const [metric] = evidence.metrics;
      if (metric?.kind !== 'ratio') throw new Error('not a ratio');
      expect(metric.version).toHaveLength(10);
      expect(metric.baseline).toEqual([]);
      expect(metric.history.at(-1)?.at).toBeLessThanOrEqual(deploy.startedAt);
    });

    test('contain the requests of both versions until the deploy has ended', () => {
      const { evidence } = evidenceOf([unnamed], GRID, { ...question, deploy: { ...deploy, endedAt: null } });
      expect(evidence).toMatchObject({ isPartial: true, look: 20 });
    });

    test('say nothing where others name another version, or without a recorded deploy', () => {
      const named = counts([], [series({ version: 'v41' }, 10, 200), series({}, 10, 200)]);
      const [metric] = evidenceOf([named], GRID, { ...question, deploy }).evidence.metrics;
      expect(metric).toMatchObject({ kind: 'missing' });
      expect(evidenceOf([unnamed], GRID, question).evidence.metrics).toMatchObject([
        { because: 'no deploy of v42 is recorded, and no series has the label version' },
      ]);
    });
  });

  test('buckets become histograms, and values are taken from every second window', () => {
    const latency = metricOf({ kind: 'latency', name: 'p95', buckets: 'b' });
    const buckets = [
      series({ version: 'v42', le: '+Inf' }, 10, 3),
      series({ version: 'v42', le: '0.5' }, 9, 3),
      series({ version: 'v42', le: '0.1' }, 5, 3),
    ];
    const value = metricOf({ kind: 'value', name: 'lag', query: 'l' });
    const { evidence } = evidenceOf(
      [
        { metric: latency, read: { first: buckets, second: [] } },
        { metric: value, read: { first: [series({ version: 'v42' }, 7, 3)], second: [] } },
      ],
      GRID,
      question,
    );
    expect(evidence.metrics[0]).toMatchObject({
      kind: 'latency',
      quantile: 0.95,
      version: [
        {
          buckets: [
            [0.1, 150],
            [0.5, 270],
            [Infinity, 300],
          ],
        },
        {},
        {},
        {},
      ],
    });
    expect(evidence.metrics[1]).toMatchObject({
      version: [
        { at: UNTIL - 2 * STEP, value: 7 },
        { at: UNTIL, value: 7 },
      ],
    });
  });

  describe('over HTTP', () => {
    const probe = JudgeMetric.parse({
      kind: 'http',
      name: 'probe',
      url: 'https://shop.test/{{.version}}',
    }) as HttpMetric;
    const sample = (version: string, at: number, value: number | null, detail = ''): HttpSample => ({
      metric: 'probe',
      version,
      at,
      value,
      detail,
    });
    const evidence = (read: readonly HttpSample[]) => evidenceOf([{ metric: probe, read }], GRID, question).evidence;

    test('becomes a value for each check, beside that of the baseline', () => {
      const found = evidence([
        sample('v42', 1, 0),
        sample('v41', 1, 0),
        sample('v42', 2, 1, 'answered 500'),
        sample('v42', 3, null, 'x'),
      ]);
      expect(found).toMatchObject({ baseline: 'v41', look: 3 });
      expect(found.metrics).toMatchObject([
        {
          kind: 'value',
          // A failure is a failure: no other limit makes sense.
          max: 0,
          ignoreBelow: 0.5,
          failures: 3,
          version: [
            { at: 1, value: 0 },
            { at: 2, value: 1, detail: 'answered 500' },
          ],
          baseline: [{ at: 1, value: 0 }],
        },
      ]);
    });

    test('failures before the first success are the start-up, unless there is none', () => {
      const values = (...given: number[]) => {
        const [metric] = evidence(given.map((value, at) => sample('v42', at, value))).metrics;
        return metric?.kind === 'value' ? metric.version.map(({ value }) => value) : null;
      };
      expect(values(1, 1, 0, 1, 0)).toEqual([0, 1, 0]);
      expect(values(1, 1, 1)).toEqual([1, 1, 1]);
    });

    test('is missing without a value, with the newest reason', () => {
      expect(evidence([sample('v42', 1, null, 'no answer in time')]).metrics).toEqual([
        { kind: 'missing', name: 'probe', because: 'no answer in time' },
      ]);
      expect(evidence([]).metrics).toEqual([{ kind: 'missing', name: 'probe', because: 'not measured yet' }]);
    });
  });
});

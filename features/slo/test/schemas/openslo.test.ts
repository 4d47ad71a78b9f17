import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { objectivesOf } from '../../decisions/objectives.ts';
import { SCHEMA_FILE, sloSchema } from '../../slo-schema.ts';
import { Config, emptyConfig } from '../../../../schemas/config/config.ts';
import { anatomyOf } from '../../../../schemas/parsing/promql-anatomy.ts';
import { Objective, targetOf } from '../../schemas/openslo/objective.ts';
import { normalizedQuery, PromqlError, tokensOf } from '../../../../schemas/parsing/promql.ts';
import { TimeWindow } from '../../schemas/openslo/time-window.ts';
import { OpenSlo } from '../../schemas/openslo.ts';
import { anyCharacter } from '../../../../test/support/any-character.ts';
import { runs } from '../../../../test/support/runs.ts';

const said = (schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('a time window', () => {
  const DAY = 24 * 3600;

  test.each<[string, object, number]>([
    ['28 days', { duration: '28d', isRolling: true }, 28 * DAY],
    ['four weeks, rolling by default', { duration: '4w' }, 28 * DAY],
    ['an hour', { duration: '1h' }, 3600],
    ['minutes', { duration: '90m', calendar: null }, 5400],
    ['a month is 30 days', { duration: '1M', isRolling: true }, 30 * DAY],
    ['a quarter is 90', { duration: '1Q', isRolling: true }, 90 * DAY],
    ['a year is 365', { duration: '1Y', isRolling: true }, 365 * DAY],
  ])('rolls: %s', (_, window, seconds) => {
    expect(TimeWindow.parse(window)).toEqual({ kind: 'rolling', seconds });
  });

  test.each([
    ['1d', 'day', 1],
    ['2w', 'week', 2],
    ['1M', 'month', 1],
    ['4Q', 'quarter', 4],
    ['1Y', 'year', 1],
  ])('by the calendar: %s', (duration, unit, count) => {
    const calendar = { startTime: '2026-01-21 12:30:00', timeZone: 'America/New_York' };
    const window = { kind: 'calendar', unit, count, timeZone: 'America/New_York', start: '2026-01-21T12:30:00' };
    expect(TimeWindow.parse({ duration, calendar })).toEqual(window);
    expect(TimeWindow.parse({ duration, isRolling: false, calendar })).toEqual(window);
  });

  const calendar = { startTime: '2026-01-01', timeZone: 'UTC' };
  test.each<[string, object, RegExp]>([
    ['no duration', {}, /^duration: /],
    ['a number', { duration: 28 }, /^duration: must be text$/],
    ['an unknown unit', { duration: '28D' }, /^duration: must be a number and one of m, h, d, w/],
    ['nothing', { duration: '0d' }, /^duration: /],
    ['a fraction', { duration: '1.5d' }, /^duration: /],
    ['minutes instead of months', { duration: '1m' }, /^duration: must be at least one hour .*M means months/],
    ['calendar minutes', { duration: '1m', calendar }, /^duration: a calendar window uses d, w, M, Q, or Y/],
    ['not a multiple of five minutes', { duration: '61m' }, /^duration: .*five minutes/],
    ['more than a year', { duration: '53w' }, /^duration: must be at most 366 days/],
    ['more than a year of a calendar', { duration: '2Y', calendar }, /^duration: must be at most 366 days/],
    ['neither rolling nor calendar', { duration: '1d', isRolling: false }, /^isRolling: .*requires "calendar"/],
    ['both', { duration: '1d', isRolling: true, calendar }, /^isRolling: .*requires isRolling: false/],
    [
      'an offset',
      { duration: '1d', calendar: { ...calendar, startTime: '2026-01-01T00:00Z' } },
      /startTime: must not have an offset/,
    ],
    [
      'an invalid time',
      { duration: '1d', calendar: { ...calendar, startTime: '2026-02-30' } },
      /startTime: .*is not a time/,
    ],
    ['an unknown time zone', { duration: '1d', calendar: { ...calendar, timeZone: 'Mars' } }, /timeZone: unknown/],
  ])('cannot be %s', (_, window, problem) => {
    expect(said(TimeWindow, window)).toEqual([expect.stringMatching(problem)]);
  });
});

describe('a target', () => {
  test.each<[object, number]>([
    [{ target: 0.9995 }, 0.9995],
    [{ targetPercent: 99.95 }, 0.9995],
    [{ targetPercent: 99.9 }, 0.999],
    [{ targetPercent: 99.99 }, 0.9999],
    [{ targetPercent: 0.07 }, 0.0007],
  ])('%j means %d', (objective, target) => {
    expect(targetOf(Objective.parse(objective))).toBe(target);
  });

  test.each<[object, RegExp]>([
    [{}, /^: "target" or "targetPercent" is missing/],
    [{ target: 0.9, targetPercent: 90 }, /^: set either "target" or "targetPercent"/],
    [{ target: 1 }, /^target: a target of 100% leaves no budget/],
    [{ target: 99.9 }, /^target: 99\.9 is above 1 \(for a percentage use targetPercent: 99\.9\)/],
    [{ target: 0 }, /^target: 0 must be above 0/],
    [{ target: -0.5 }, /^target: -0\.5 must be above 0/],
    [{ targetPercent: 100 }, /^targetPercent: a target of 100% leaves no budget/],
    [{ targetPercent: 99.99999999999999 }, /^targetPercent: a target of 100% leaves no budget/],
    [{ targetPercent: 101 }, /^targetPercent: 101 must be above 0 and below 100/],
    [{ target: '0.99' }, /^target: must be a number \(remove the quotes\)$/],
  ])('%j is refused', (objective, problem) => {
    expect(said(Objective, objective)[0]).toMatch(problem);
  });

  test.each([
    [5, 300],
    ['5m', 300],
    [60, 3600],
    ['1h', 3600],
    ['1d', 86_400],
    [1, 60],
    ['1m', 60],
  ])('a slice of %j', (slice, seconds) => {
    expect(Objective.parse({ target: 0.9, timeSliceWindow: slice }).timeSliceWindow).toBe(seconds);
  });

  test.each(['2m', '7m', '2d', 0, -5, 2.5])('a slice of %j is refused', (slice) => {
    expect(said(Objective, { target: 0.9, timeSliceWindow: slice })).toEqual([
      expect.stringMatching(/^timeSliceWindow: must be 1m, or a multiple of five minutes/),
    ]);
  });
});

describe('a query', () => {
  test.each([
    ['rate(x_total[{{ .window }}])', 'rate(x_total[{{.window}}])'],
    [
      'rate(x_total[{{.window}}]) / rate(y_total[{{-  .window -}}])',
      'rate(x_total[{{.window}}]) / rate(y_total[{{.window}}])',
    ],
    ['  sum(x) # all of them\n', 'sum(x)'],
    ['x{path="/#a"} # b', 'x{path="/#a"}'],
    ["x{path='/#a'}\n# b\n+ y", "x{path='/#a'}\n\n+ y"],
    ['job:errors:rate{{ .window }}', 'job:errors:rate{{.window}}'],
  ])('%j is stored as %j', (written, kept) => {
    expect(normalizedQuery(written)).toBe(kept);
    expect(() => tokensOf(kept)).not.toThrow();
  });

  test.each([
    ['sum(rate(x[5m])', '( is not closed'],
    ['sum(rate(x[5m)])', '[ is closed by )'],
    ['x}', 'unmatched }'],
    ['x{code="5..}', 'the quote before "5..}" is not closed'],
    ['rate(x[$__rate_interval])', 'the placeholder $__rate_interval is not supported (use {{.window}} for the window)'],
    ['rate(x[${window}])', 'the placeholder ${window} is not supported (use {{.window}} for the window)'],
    ['rate(x[{{ .Window }}])', 'the placeholder {{ .Window }} is not supported (use {{.window}} for the window)'],
    ['sum:requests{*}.as_count()', '"." is not valid in PromQL'],
    ['x & y', '"&" is not valid in PromQL'],
    ['', 'the query is empty'],
  ])('%j is not PromQL: %s', (text, problem) => {
    expect(() => tokensOf(text)).toThrow(new PromqlError(problem));
  });

  test.each([
    ['up', ['up'], [], []],
    ['sum by (code, le) (rate(x_total{code=~"5..", job="a:b"}[5m] offset 1h))', ['x_total'], ['sum', 'rate'], ['5m']],
    ['sum(rate(x[{{.window}}])) without (pod)', ['x'], ['sum', 'rate'], ['{{.window}}']],
    ['a / on (service) group_left (team) b', ['a', 'b'], [], []],
    [
      'max_over_time(sum(job:x:rate5m)[1h:5m] @ end()) > bool 0.5',
      ['job:x:rate5m'],
      ['max_over_time', 'sum', 'end'],
      ['1h'],
    ],
    ['rate({__name__="x_total", code!="500"}[5m])', ['x_total'], ['rate'], ['5m']],
    ['rate({"http.requests", code="500"}[5m])', ['http.requests'], ['rate'], ['5m']],
    [
      'histogram_quantile(0.99, sum(rate(x_bucket[5m])) by (le)) or vector(1e-3)',
      ['x_bucket'],
      ['histogram_quantile', 'sum', 'rate', 'vector'],
      ['5m'],
    ],
    ['count and ignoring(a) sum{a="b"}', ['count', 'sum'], [], []],
    ['SUM BY (a) (rate(x[5m])) AND (y > bool (2))', ['x', 'y'], ['sum', 'rate'], ['5m']],
  ])('the parts of %j', (query, metrics, calls, ranges) => {
    expect(anatomyOf(query)).toEqual({ metrics, calls, ranges });
  });
});

describe('the JSON Schema for editors', () => {
  test('is up to date (node features/slo/slo-schema.ts)', () => {
    expect(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'))).toEqual(JSON.parse(JSON.stringify(sloSchema())));
  });

  test('accepts valid documents, and refuses misspelled keys', () => {
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')));
    const metric = { metricSource: { type: 'Prometheus', spec: { query: 'x', step: 30 } } };
    const good = {
      apiVersion: 'openslo/v1',
      kind: 'SLO',
      metadata: { name: 'a', labels: { team: ['b', 'c'] } },
      spec: {
        service: 'a',
        indicator: { spec: { ratioMetric: { good: metric, total: metric } } },
        timeWindow: [{ duration: '28d' }],
        objectives: [{ target: 0.9, timeSliceWindow: 5 }],
      },
    };
    expect(schema.safeParse(good).error).toBeUndefined();
    expect(schema.safeParse([good]).error).toBeUndefined();
    expect(schema.safeParse({ ...good, kind: 'SLOs' }).success).toBe(false);
    expect(schema.safeParse({ ...good, spec: { ...good.spec, servce: 'a' } }).success).toBe(false);
  });
});

const metric = fc
  .constantFrom('x_total', 'rate(x_total[{{.window}}])', 'sum(rate(x{a="ü\\n"}[5m]))', 'up\n  /\n1')
  .map((query) => ({ metricSource: { type: 'Prometheus', spec: { query } } }));

const text = fc.string({ unit: anyCharacter, maxLength: 40 });

const indicator = fc.oneof(
  fc.record({ thresholdMetric: metric }),
  fc.record({ ratioMetric: fc.record({ raw: metric, rawType: fc.constantFrom('success', 'failure') }) }),
  fc
    .record({ counter: fc.boolean(), one: metric, of: fc.constantFrom('good', 'bad') })
    .map(({ counter, one, of }) => ({ ratioMetric: { counter, [of]: one, total: one } })),
);

const timeWindow = fc.oneof(
  fc.record({ duration: fc.constantFrom('1h', '28d', '4w', '1Y') }),
  fc.record({
    duration: fc.constantFrom('1d', '2w', '1M', '1Q'),
    calendar: fc.record({
      startTime: fc.constantFrom('2026-01-01', '2024-02-29 23:59:59', '2026-03-29 02:30'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', '+02:00'),
    }),
  }),
);

const objective = fc.record({
  displayName: fc.option(text),
  op: fc.constantFrom('lt', 'lte', 'gt', 'gte'),
  value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  target: fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true }),
  timeSliceTarget: fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true }),
  timeSliceWindow: fc.constantFrom(5, '5m', '30m'),
});

const document = fc.record({
  apiVersion: fc.constant('openslo/v1'),
  kind: fc.constant('SLO'),
  metadata: fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$/),
    displayName: fc.option(text),
    labels: fc.option(fc.record({ environment: fc.oneof(fc.constant('staging'), fc.constant(['eu-1'])) })),
  }),
  spec: fc.record({
    description: fc.option(text),
    service: fc.string({ minLength: 1, maxLength: 40 }),
    indicator: indicator.map((spec) => ({ spec })),
    timeWindow: fc.option(timeWindow.map((window) => [window])),
    budgetingMethod: fc.constantFrom('Occurrences', 'Timeslices', null),
    objectives: fc.array(objective, { minLength: 1, maxLength: 3 }),
  }),
});

test('every parsed objective survives publishing', () => {
  fc.assert(
    fc.property(document, (written) => {
      const value = OpenSlo.parse(written);
      const { slos, problems } = objectivesOf([{ value, at: () => ({ file: 'a.yaml', line: 1 }) }]);
      expect([problems, slos.length]).toEqual([[], written.spec.objectives.length]);
      const config = { ...emptyConfig, slos: slos.map(({ slo }) => slo) };
      expect(Config.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }),
    { numRuns: runs(60) },
  );
});

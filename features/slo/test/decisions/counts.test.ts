import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readingsOf, recordedReadings } from '../../decisions/measurement/counts.ts';
import { bucketOf, type Reading, stateOf } from '../../decisions/measurement/reading.ts';
import { type Cells, formOf, samplesFor } from '../../decisions/measurement/series.ts';
import type { Indicator } from '../../../../schemas/slo/slo.ts';
import type { Series } from '../../../../core/domain/ports/metrics.ts';

/** 2026-11-20T12:00:00Z, in epoch seconds. */
const NOON = 1_795_176_000;

/** End of the last 300 seconds, between two boundaries. */
const NOW = NOON + 61.234;
const LAST: Cells = { from: NOW - 300, count: 1 };

const series = (values: [number, number][], labels: Record<string, string> = {}): Series => ({ labels, values });
/** Returns an instant query result: one sample now. */
const one = (value: number, labels: Record<string, string> = {}): Series[] => [series([[NOW, value]], labels)];
const NONE: Series[] = [];

type Ratio = Indicator & { kind: 'ratio' };
const rates = (of: 'good' | 'bad'): Ratio => ({
  kind: 'ratio',
  counter: true,
  of,
  numerator: 'sum(rate(part_total[{{.window}}]))',
  total: 'sum(rate(all_total[{{.window}}]))',
});

/** Reads the last 300 seconds. */
function last(indicator: Indicator, numerator: Series[], total: Series[], goodSeen = false): Reading {
  const [reading] = readingsOf(indicator, { numerator, total }, LAST, goodSeen);
  return reading ?? { kind: 'unclear', why: 'no reading' };
}

const ok = (events: number, errors: number): Reading => ({ kind: 'ok', bucket: { events, errors } });
const unclear = (why: string): unknown => ({ kind: 'unclear', why: expect.stringContaining(why) });
const NO_TRAFFIC = { kind: 'no_traffic', bucket: { events: 0, errors: 0 } };

describe('rates over the window', () => {
  test.each<[string, 'good' | 'bad', Series[], Series[], unknown]>([
    ['are counts of 300 seconds', 'bad', one(0.5), one(10), ok(3000, 150)],
    ['of good events are what is left of all', 'good', one(9.5), one(10), ok(3000, 150)],
    ['of several series are added up', 'bad', [...one(0.25), ...one(0.5)], [...one(4), ...one(6)], ok(3000, 225)],
    [
      'are no errors where there are as many good as all, but for rounding',
      'good',
      one(10 - 1e-12),
      one(10),
      ok(3000, 0),
    ],
    ['have no data without any series', 'bad', NONE, NONE, { kind: 'no_data' }],
    ['have no traffic at zero', 'bad', one(0), one(0), NO_TRAFFIC],
    ['have no traffic at zero, with no series of a part either', 'good', NONE, one(0), NO_TRAFFIC],
    ['have no traffic at 0/0', 'good', one(NaN), one(NaN), NO_TRAFFIC],
    ['have no traffic at 0/0 of all', 'bad', NONE, one(NaN), NO_TRAFFIC],
    ['leave out what is NaN of several', 'bad', one(1), [...one(NaN), ...one(10)], ok(3000, 300)],
    ['have no errors where bad events have no series', 'bad', NONE, one(10), ok(3000, 0)],
    ['are unclear where good events never had a series', 'good', NONE, one(10), unclear('never had any')],
    ['are unclear where only a part has series', 'good', one(10), NONE, unclear('all events has no series')],
    ['are unclear where a part is NaN and the rest is not', 'good', one(NaN), one(10), unclear('NaN')],
    ['are unclear at infinity', 'bad', one(1), one(Infinity), unclear('Infinity')],
    ['are unclear below zero', 'bad', one(-0.5), one(10), unclear('-0.5')],
    ['may end a little below zero by rounding', 'bad', one(-1e-12), one(10), ok(3000, 0)],
    ['are clear even where most of them are good at most', 'good', one(0), one(10), ok(3000, 3000)],
    ['may have a few good ones more than all, as they are extrapolated', 'good', one(10.4), one(10), ok(3000, 0)],
    ['may have a few bad ones more than all', 'bad', one(10.4), one(10), ok(3000, 3000)],
    ['may have two more of very few', 'good', one(3 / 300), one(1 / 300), ok(1, 0)],
    [
      'are unclear with many more of a part than of all',
      'good',
      one(10.6),
      one(10),
      unclear('3180 good events of 3000'),
    ],
    ['are unclear with a part of nothing', 'bad', one(1), one(0), unclear('of 0 in all')],
  ])('%s', (_, of, numerator, total, expected) => {
    const reading = last(rates(of), numerator, total);
    const rounded = 'bucket' in reading ? { ...reading, bucket: roundedOf(reading.bucket) } : reading;
    expect(rounded).toEqual(expected);
  });

  const roundedOf = ({ events, errors }: { events: number; errors: number }) => ({
    events: Number(events.toFixed(6)),
    errors: Number(errors.toFixed(6)),
  });

  test('are all bad without a series of good events if there was one before', () => {
    expect(last(rates('good'), NONE, one(10), true)).toEqual(ok(3000, 3000));
  });

  test('of closed buckets end at their samples and are separate', () => {
    const cells: Cells = { from: NOON - 1500, count: 5 };
    const at = (n: number): number => NOON - 1500 + 300 * n;
    const total = [series([1, 2, 4, 5].map((n) => [at(n), 1]))];
    const good = [series([2, 4].map((n) => [at(n), 0.9]))];
    const kinds = readingsOf(rates('good'), { numerator: good, total }, cells, false);
    expect(kinds).toEqual([
      unclear('never had any'),
      ok(300, expect.closeTo(30, 6) as number),
      { kind: 'no_data' },
      ok(300, expect.closeTo(30, 6) as number),
      ok(300, 300), // good events have disappeared, so all are bad
    ]);
  });

  test('need only one sample per bucket', () => {
    expect(samplesFor('windowed', LAST)).toEqual({ from: NOW, until: NOW, step: 300 });
    expect(samplesFor('windowed', { from: NOON - 1500, count: 5 })).toEqual({
      from: NOON - 1200,
      until: NOON,
      step: 300,
    });
  });
});

describe('recorded series', () => {
  test('count like rates', () => {
    expect(recordedReadings(one(10), one(0.5), LAST)).toEqual([ok(3000, 150)]);
    expect(recordedReadings(one(0), one(0), LAST)).toEqual([NO_TRAFFIC]);
    expect(recordedReadings(NONE, NONE, LAST)).toEqual([{ kind: 'no_data' }]);
  });

  test('are unclear without errors, which are recorded even if there are none', () => {
    expect(recordedReadings(one(10), NONE, LAST)).toEqual([unclear('slo generate')]);
  });
});

describe('raw counters', () => {
  const counter = (of: 'good' | 'bad'): Ratio => ({
    kind: 'ratio',
    counter: true,
    of,
    numerator: 'part',
    total: 'all',
  });
  const NAMED = { __name__: 'requests_total' };
  /** One sample per minute, the first at the start of the 300 seconds. */
  const counted = (values: number[], labels: Record<string, string> = NAMED, from = LAST.from): Series =>
    series(
      values
        .map((value, n) => [from + 60 * n, value])
        .filter((pair): pair is [number, number] => !Number.isNaN(pair[1])),
      labels,
    );

  test('count by their increase', () => {
    const all = [counted([100, 110, 120, 130, 140, 150])];
    const bad = [counted([7, 7, 8, 8, 8, 9])];
    expect(last(counter('bad'), bad, all)).toEqual(ok(50, 2));
    expect(last(counter('good'), all, all)).toEqual(ok(50, 0));
  });

  test('that were reset count from zero, each separately', () => {
    // 20 until the reset, then 5, then 10; the other counter rises by 100.
    const all = [counted([1000, 1010, 1020, 5, 10, 15]), counted([0, 20, 40, 60, 80, 100])];
    expect(last(counter('bad'), NONE, all)).toEqual(ok(20 + 15 + 100, 0));
  });

  test('in a sum that dropped are unclear: the other increases are unknown', () => {
    const all = [counted([1000, 1010, 1020, 5, 10, 15], {})];
    expect(last(counter('bad'), NONE, all)).toEqual(unclear('fell from 1020 to 5'));
    expect(last(counter('bad'), NONE, [counted([1, 2, 3, 4, 5, 6], {})])).toEqual(ok(5, 0));
  });

  test('that do not change mean no traffic', () => {
    expect(last(counter('bad'), NONE, [counted([5, 5, 5, 5, 5, 5])])).toEqual(NO_TRAFFIC);
  });

  test('can be absent or new', () => {
    expect(last(counter('bad'), NONE, NONE)).toEqual({ kind: 'no_data' });
    expect(last(counter('bad'), NONE, [counted([NaN, NaN, NaN, 1, 2, 3])])).toEqual(unclear('just appeared'));
    expect(last(counter('bad'), NONE, [counted([NaN, NaN, NaN, NaN, NaN, 3])])).toEqual(unclear('just appeared'));
  });

  test('that come and go count while present, beside a permanent one', () => {
    const stays = counted([0, 10, 20, 30, 40, 50]);
    const comes = counted([NaN, NaN, 500, 501, 502, 503], { ...NAMED, pod: 'b' });
    const goes = counted([900, 905, NaN, NaN, NaN, NaN], { ...NAMED, pod: 'c' });
    expect(last(counter('bad'), NONE, [stays, comes, goes])).toEqual(ok(50 + 3 + 5, 0));
  });

  test('of the first errors count from their first sample', () => {
    const first = counted([NaN, NaN, NaN, 1, 1, 4], { ...NAMED, code: '500' });
    expect(last(counter('bad'), [first], [counted([0, 10, 20, 30, 40, 50])])).toEqual(ok(50, 3));
  });

  test('of good events that are new are unclear', () => {
    const first = counted([NaN, NaN, NaN, 1, 11, 21]);
    expect(last(counter('good'), [first], [counted([0, 10, 20, 30, 40, 50])], true)).toEqual(unclear('just appeared'));
  });

  test('can have missing samples, but no gap longer than a bucket', () => {
    expect(last(counter('bad'), NONE, [counted([0, NaN, NaN, NaN, NaN, 50])])).toEqual(ok(50, 0));
    const cells: Cells = { from: NOON - 900, count: 3 };
    const gap = [
      series(
        [
          [NOON - 900, 0],
          [NOON - 600, 30],
          [NOON, 90],
        ],
        NAMED,
      ),
    ];
    const readings = readingsOf(counter('bad'), { numerator: NONE, total: gap }, cells, false);
    expect(readings).toEqual([ok(30, 0), { kind: 'no_data' }, unclear('just appeared')]);
  });

  test.each([NaN, Infinity, -3])('are unclear at %d', (odd) => {
    const total = [
      series(
        [
          [NOW - 300, 1],
          [NOW - 150, odd],
          [NOW, 3],
        ],
        NAMED,
      ),
    ];
    expect(last(counter('bad'), NONE, total)).toEqual(unclear(String(odd)));
  });

  test('of closed buckets split an increase across a boundary by time', () => {
    // 100 in 200 seconds, half of them in each bucket.
    const values: [number, number][] = [
      [NOON - 600, 0],
      [NOON - 400, 0],
      [NOON - 200, 100],
      [NOON, 100],
    ];
    const readings = readingsOf(
      counter('bad'),
      { numerator: NONE, total: [series(values, NAMED)] },
      { from: NOON - 600, count: 2 },
      false,
    );
    expect(readings).toEqual([ok(50, 0), ok(50, 0)]);
  });

  test('never lose or add events, wherever the samples are', () => {
    const steps = fc.array(
      fc.record({ seconds: fc.integer({ min: 1, max: 300 }), rise: fc.nat(1000), reset: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(steps, (all) => {
        let [at, value, risen] = [NOON, 0, 0];
        const values: [number, number][] = [[at, value]];
        for (const { seconds, rise, reset } of all) {
          at += seconds;
          value = reset && rise < value ? rise : value + rise;
          risen += rise;
          values.push([at, value]);
        }
        const cells = { from: NOON, count: Math.ceil((at - NOON) / 300) };
        const readings = readingsOf(counter('bad'), { numerator: NONE, total: [series(values, NAMED)] }, cells, false);
        const whole = readings.slice(0, Math.floor((at - NOON + 1) / 300));
        expect(whole.every((reading) => bucketOf(reading) !== null)).toBe(true);
        const sum = readings.reduce((total, reading) => total + (bucketOf(reading)?.events ?? 0), 0);
        expect(sum).toBeLessThanOrEqual(risen + 1e-6);
        if (whole.length === readings.length) expect(sum).toBeCloseTo(risen, 6);
      }),
    );
  });

  test('are requested with the sample at the start', () => {
    expect(samplesFor('counter', LAST)).toEqual({ from: NOW - 300, until: NOW, step: 60 });
    expect(samplesFor('rate', LAST)).toEqual({ from: NOW - 240, until: NOW, step: 60 });
  });
});

test('a query with the window is a rate over it, regardless of other settings', () => {
  expect(formOf('rate(x[{{.window}}])', true)).toBe('windowed');
  expect([formOf('x_total', true), formOf('job:x:rate5m', false)]).toEqual(['counter', 'rate']);
});

describe('current rates', () => {
  const plain: Ratio = {
    kind: 'ratio',
    counter: false,
    of: 'bad',
    numerator: 'job:bad:rate1m',
    total: 'job:all:rate1m',
  };
  const minutes = (values: (number | null)[]): Series[] => [
    series(
      values.flatMap((value, n): [number, number][] => (value === null ? [] : [[LAST.from + 60 * (n + 1), value]])),
    ),
  ];

  test('count by their mean', () => {
    expect(last(plain, minutes([0, 0, 1, 1, 0.5]), minutes([10, 20, 10, 20, 15]))).toEqual(ok(4500, 150));
  });

  test('treat NaN as a moment without traffic', () => {
    expect(last(plain, NONE, minutes([NaN, NaN, 10, 10, 10]))).toEqual(ok(1800, 0));
    expect(last(plain, NONE, minutes([NaN, NaN, NaN, NaN, NaN]))).toEqual(NO_TRAFFIC);
  });

  test('need three of five minutes', () => {
    expect(last(plain, NONE, minutes([null, null, 10, 10, 10]))).toEqual(ok(3000, 0));
    expect(last(plain, NONE, minutes([null, null, null, 10, 10]))).toEqual({ kind: 'no_data' });
  });
});

describe('a value compared each minute', () => {
  const lasts = (indicator: Indicator, ...values: (number | null)[][]): Reading | undefined => {
    const query = values.map((samples) =>
      series(
        samples.flatMap((value, n): [number, number][] => (value === null ? [] : [[LAST.from + 60 * (n + 1), value]])),
      ),
    );
    return readingsOf(indicator, { query }, LAST, false)[0];
  };
  const latency = (op: 'lt' | 'lte' | 'gt' | 'gte'): Indicator => ({ kind: 'threshold', query: 'p99', op, value: 0.3 });
  const share = (of: 'good' | 'bad'): Indicator => ({ kind: 'share', of, query: 'availability' });

  test.each<['lt' | 'lte' | 'gt' | 'gte', number]>([
    ['lt', 180],
    ['lte', 120],
    ['gt', 180],
    ['gte', 120],
  ])('%s a threshold is good, and bad otherwise', (op, bad) => {
    expect(lasts(latency(op), [0.2, 0.4, 0.3, op.startsWith('l') ? 0.5 : 0.1, op.startsWith('l') ? 0.1 : 0.5])).toEqual(
      ok(300, bad),
    );
  });

  test('can be infinite: a quantile beyond the largest bucket', () => {
    expect(lasts(latency('lte'), [Infinity, Infinity, 0, 0, 0])).toEqual(ok(300, 120));
    expect(lasts(latency('gte'), [Infinity, -Infinity, 1, 1, 1])).toEqual(ok(300, 60));
  });

  test('is a share of each minute', () => {
    expect(lasts(share('good'), [1, 1, 0.5, 0.25, 1])).toEqual(ok(300, 75));
    expect(lasts(share('bad'), [0, 0, 0.5, 0.25, 0])).toEqual(ok(300, 45));
  });

  test('means no traffic at NaN, which counts as good', () => {
    expect(lasts(latency('lte'), [NaN, NaN, 0.5, NaN, NaN])).toEqual(ok(300, 60));
    const quiet = { kind: 'no_traffic', bucket: { events: 300, errors: 0 } };
    expect(lasts(share('good'), [NaN, NaN, NaN, NaN, NaN])).toEqual(quiet);
  });

  test('is the worst of several series at each moment', () => {
    expect(lasts(latency('lte'), [0.1, 0.5, 0.1, 0.1, NaN], [0.1, 0.1, 0.5, 0.1, 0.1])).toEqual(ok(300, 120));
    expect(lasts(share('good'), [1, 1, 1, 1, 1], [0.5, 1, 1, 1, 1])).toEqual(ok(300, 30));
  });

  test('counts existing minutes, at least three', () => {
    expect(lasts(latency('lte'), [null, null, 0.1, 0.5, 0.1])).toEqual(ok(180, 60));
    expect(lasts(latency('lte'), [null, null, null, 0.5, 0.1])).toEqual({ kind: 'no_data' });
    expect(lasts(latency('lte'))).toEqual({ kind: 'no_data' });
  });

  test('is unclear if a share is out of range, such as a percentage', () => {
    expect(lasts(share('good'), [99.9, 99.9, 100, 100, 100])).toEqual(unclear('between 0 and 1'));
    expect(lasts(share('good'), [-0.1, 1, 1, 1, 1])).toEqual(unclear('-0.1'));
    expect(lasts(share('good'), [1.0000001, 1, 1, 1, 1])).toEqual(ok(300, 0));
  });

  test('is unclear only in the affected bucket', () => {
    const values: [number, number][] = Array.from({ length: 10 }, (_, n) => [
      NOON - 600 + 60 * (n + 1),
      n === 0 ? 99 : 1,
    ]);
    const readings = readingsOf(share('good'), { query: [series(values)] }, { from: NOON - 600, count: 2 }, false);
    expect(readings).toEqual([unclear('99'), ok(300, 0)]);
  });
});

test('a reading is a bucket if known, and determines the state of the objective', () => {
  const readings: Reading[] = [
    ok(3, 1),
    { kind: 'no_traffic', bucket: { events: 0, errors: 0 } },
    { kind: 'no_data' },
    { kind: 'unclear', why: 'two of one' },
  ];
  expect(readings.map(bucketOf)).toEqual([{ events: 3, errors: 1 }, { events: 0, errors: 0 }, null, null]);
  expect(readings.map(stateOf)).toEqual([
    { state: 'ok', problem: null },
    { state: 'no_traffic', problem: null },
    { state: 'no_data', problem: expect.stringContaining('no series') },
    { state: 'unclear', problem: 'two of one' },
  ]);
});

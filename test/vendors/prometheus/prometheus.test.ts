import { describe, expect, test } from 'vitest';
import type { Metrics } from '../../../core/domain/ports/metrics.ts';
import { prometheus } from '../../../vendors/prometheus/metrics.ts';
import { plusSeconds, timestamp } from '../../../schemas/time/time.ts';
import { exchange } from '../../../packages/sandbox/test/support.ts';
import { impatient } from '../time-limits.ts';
import { nobody, type Reply, vendor } from '../server.ts';
import { serverAt } from '../../../vendors/shared/server.ts';

/** Returns a recorded response. Without its headers, because the body is already decompressed. */
function recorded(name: string): { status: number; body: string } {
  const { status, body } = exchange(`prometheus/${name}`).response;
  return { status, body };
}

async function metricsAnswering(reply: Reply): Promise<{ metrics: Metrics; asked: () => URL | undefined }> {
  const { url, received } = await vendor(reply);
  return {
    metrics: prometheus(async () => serverAt(`${url}/`)),
    asked: () => (received[0] === undefined ? undefined : new URL(received[0].path, url)),
  };
}

const vectorOf = (text: string): string =>
  JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [{ metric: {}, value: [0, text] }] } });

describe('a value', () => {
  test.each([
    ['of several series is the worst of them', 'instant-vector', { kind: 'value', value: 0.2 }],
    ['may be a scalar', 'instant-scalar', { kind: 'value', value: 0.2 }],
    ['may be infinite', 'instant-inf', { kind: 'value', value: Infinity }],
    ['is none without a series, which is not zero', 'instant-empty', { kind: 'no_data' }],
    ['is none for zero by zero', 'instant-nan-0-over-0', { kind: 'no_data' }],
  ])('%s', async (_, fixture, expected) => {
    const { metrics } = await metricsAnswering(recorded(fixture));
    expect(await metrics.value('q')).toEqual(expected);
  });

  test.each([
    'instant-range-selector-matrix',
    'instant-string',
    'error-bad-data-parse',
    'error-execution-many-to-many',
    'error-timeout-503',
    'error-404',
  ])('is unreadable with %s, which is not "healthy"', async (fixture) => {
    const { metrics } = await metricsAnswering(recorded(fixture));
    expect(await metrics.value('q')).toMatchObject({ kind: 'unreadable' });
  });

  test('is requested by its query with any characters', async () => {
    const { metrics, asked } = await metricsAnswering(recorded('instant-vector'));
    const promql = 'sum(rate(http_errors{service="a&b",path=~"/x?.*"}[5m])) / 100 # %+ü';
    await metrics.value(promql);
    expect(asked()?.pathname).toBe('/api/v1/query');
    expect(asked()?.searchParams.get('query')).toBe(promql);
  });

  test('is null without a Prometheus', async () => {
    expect(await prometheus(async () => undefined).value('q')).toBeNull();
  });

  test.each<[string, Reply]>([
    ['an answer in HTML', { body: '<html>' }],
    ['half an answer', { cut: 200 }],
    ['a value that is no number', { body: vectorOf('x') }],
    ['an empty one', { body: vectorOf('') }],
    ['no answer in time', 'hang'],
  ])('is unreadable with %s', async (_, reply) => {
    const limits = impatient();
    const { metrics } = await metricsAnswering(reply);
    expect(await metrics.value('q')).toMatchObject({ kind: 'unreadable' });
    expect(limits).toEqual([4_000]);
  });

  test('is unreadable without a listener at the address', async () => {
    const url = await nobody();
    expect(await prometheus(async () => serverAt(url)).value('q')).toMatchObject({ kind: 'unreadable' });
  });
});

describe('a range', () => {
  const NOON = timestamp(Date.parse('2026-11-20T12:00:00Z'));
  const from = plusSeconds(NOON, -1800);
  const noon = Date.parse(NOON) / 1000;
  const matrix = (...series: [metric: Record<string, string>, ...values: string[]][]): Reply => ({
    body: JSON.stringify({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: series.map(([metric, ...values]) => ({
          metric,
          values: values.map((value, index) => [noon - 30 * (values.length - 1 - index), value]),
        })),
      },
    }),
  });
  const values = async (reply: Reply, combine: 'max' | 'sum' = 'max') =>
    (await (await metricsAnswering(reply)).metrics.range('q', from, NOON, combine))?.map(([, value]) => value);

  test.each<[string, 'max' | 'sum', Reply, number[]]>([
    ['has the samples of one series', 'max', matrix([{}, '0', '0.4']), [0, 0.4]],
    ['has the worst of several series', 'max', matrix([{ a: 'b' }, '0', '0.4'], [{}, '0.1', '0']), [0.1, 0.4]],
    ['has the sum of several series', 'sum', matrix([{ a: 'b' }, '1', '2'], [{}, '1', '3']), [2, 5]],
    ['passes over what is no number', 'max', matrix([{}, '0', 'NaN', '0.5']), [0, 0.5]],
    ['is empty without series', 'max', matrix(), []],
  ])('%s', async (_, combine, reply, expected) => {
    expect(await values(reply, combine)).toEqual(expected);
  });

  test('counts what is infinite as a finite number, because stored JSON has no infinity', async () => {
    expect(await values(matrix([{}, '+Inf']))).toEqual([Number.MAX_VALUE]);
  });

  test.each([
    ['when too many points were asked for', recorded('error-too-many-points')],
    ['when the query is wrong', recorded('error-bad-data-parse')],
    ['when the answer is no matrix', recorded('instant-vector')],
  ])('is null %s', async (_, reply) => {
    const { metrics } = await metricsAnswering(reply);
    expect(await metrics.range('q', from, NOON, 'max')).toBeNull();
    expect(await metrics.rangeByLabel('q', 'version', from, NOON, 'max')).toBeNull();
  });

  test('is read from a real response of Prometheus', async () => {
    expect((await values(recorded('range-matrix')))?.some((value) => value > 0.01)).toBe(true);
  });

  test('is requested for the given period, within the allowed number of points', async () => {
    const { metrics, asked } = await metricsAnswering(recorded('range-matrix'));
    await metrics.range('q', from, NOON, 'max');
    const { searchParams, pathname } = asked() ?? new URL('http://nobody');
    expect(pathname).toBe('/api/v1/query_range');
    expect([Number(searchParams.get('start')), Number(searchParams.get('end'))]).toEqual([noon - 1800, noon]);
    expect(1800 / Number(searchParams.get('step'))).toBeLessThanOrEqual(11_000);
  });

  test('has a curve for each value of a label; series without it are left out', async () => {
    const reply = matrix(
      [{ version: 'v2', pod: 'a' }, '0.1', '0.4'],
      [{ version: 'v2', pod: 'b' }, '0.3', '0'],
      [{ version: 'v1' }, '0', '0'],
      [{}, '1', '1'],
    );
    const { metrics } = await metricsAnswering(reply);
    const found = await metrics.rangeByLabel('q', 'version', from, NOON, 'max');
    expect(found?.map(({ label, curve }) => [label, ...curve.map(([, value]) => value)])).toEqual([
      ['v1', 0, 0],
      ['v2', 0.3, 0.4],
    ]);
    const ofPods = await metrics.rangeByLabel('q', ['version', 'pod'], from, NOON, 'max');
    expect(ofPods?.map(({ label }) => label)).toEqual(['v1\n', 'v2\na', 'v2\nb']);
  });

  test('is null without a listener at the address, without a Prometheus, and once the signal has aborted', async () => {
    const url = await nobody();
    expect(await prometheus(async () => serverAt(url)).range('q', from, NOON, 'max')).toBeNull();
    expect(await prometheus(async () => undefined).range('q', from, NOON, 'max')).toBeNull();
    const { metrics } = await metricsAnswering(matrix([{}, '0']));
    expect(await metrics.range('q', from, NOON, 'max', { signal: AbortSignal.abort() })).toBeNull();
  });
});

describe('a rule', () => {
  test('is found by its alert, with its `for` duration and evaluation interval', async () => {
    const { metrics } = await metricsAnswering(recorded('rules'));
    const { groups } = (
      JSON.parse(recorded('rules').body) as {
        data: { groups: { interval: number; rules: { name: string; duration: number; query: string }[] }[] };
      }
    ).data;
    const [group] = groups;
    expect(await metrics.rule('HighErrorBurnRate')).toEqual({
      forSeconds: group?.rules[0]?.duration,
      intervalSeconds: group?.interval,
      expression: group?.rules[0]?.query,
    });
  });

  test('of several with the same name is the one whose expression, or whose labels, are those of the alert', async () => {
    const one = (service: string, duration: number, expression: string) => ({
      type: 'alerting',
      name: 'HighErrorRatio',
      query: expression,
      duration,
      labels: { service, severity: 'critical' },
    });
    const rules = [
      one('cart', 300, 'cart:ratio > 0.01'),
      one('pay', 60, 'pay:ratio > 0.05'),
      one('pay', 600, 'absent(up)'),
    ];
    const body = JSON.stringify({ status: 'success', data: { groups: [{ interval: 30, rules }] } });
    const { metrics } = await metricsAnswering({ status: 200, body });
    const link = (expression: string): string => `http://prometheus/graph?g0.expr=${encodeURIComponent(expression)}`;
    const secondsOf = async (service: string, generatorUrl: string | null) => {
      const labels: [string, string][] = [
        ['alertname', 'HighErrorRatio'],
        ['service', service],
        ['severity', 'critical'],
      ];
      return (await metrics.rule('HighErrorRatio', { labels, generatorUrl }))?.forSeconds;
    };
    expect(await secondsOf('pay', link('pay:ratio > 0.05'))).toBe(60);
    expect(await secondsOf('pay', link('absent(up)'))).toBe(600);
    expect(await secondsOf('pay', null)).toBe(60);
    expect(await secondsOf('cart', null)).toBe(300);
    expect((await metrics.rule('HighErrorRatio'))?.forSeconds).toBe(300);
  });

  test("that doesn't exist is null", async () => {
    const { metrics } = await metricsAnswering(recorded('rules'));
    expect(await metrics.rule('NoSuchAlert')).toBeNull();
  });

  test.each(['error-404', 'error-timeout-503'])('is null with the response %s', async (fixture) => {
    const { metrics } = await metricsAnswering(recorded(fixture));
    expect(await metrics.rule('HighErrorBurnRate')).toBeNull();
  });

  test('is null without a listener at the address and without a Prometheus', async () => {
    const url = await nobody();
    expect(await prometheus(async () => serverAt(url)).rule('A')).toBeNull();
    expect(await prometheus(async () => undefined).rule('A')).toBeNull();
  });
});

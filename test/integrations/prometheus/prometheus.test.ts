import { describe, expect, test } from 'vitest';
import type { Metrics } from '../../../domain/ports/metrics.ts';
import { prometheus } from '../../../integrations/prometheus/metrics.ts';
import { plusSeconds, timestamp, type Timestamp } from '../../../schemas/time/time.ts';
import { exchange } from '../../sandbox/support.ts';
import { impatient } from '../impatience.ts';
import { nobody, type Reply, vendor } from '../server.ts';

/** Returns a recorded response. Without its headers, because the body is already decompressed. */
function recorded(name: string): { status: number; body: string } {
  const { status, body } = exchange(`prometheus/${name}`).response;
  return { status, body };
}

async function metricsAnswering(reply: Reply): Promise<{ metrics: Metrics; asked: () => URL | undefined }> {
  const { url, received } = await vendor(reply);
  return {
    metrics: prometheus(async () => `${url}/`),
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
    expect(await prometheus(async () => url).value('q')).toMatchObject({ kind: 'unreadable' });
  });
});

describe('the first bad sample', () => {
  const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
  const noon = Date.parse(NOON) / 1000;

  /** Returns samples at intervals of one minute, the last one at noon. */
  const minutes = (...values: string[]) =>
    values.map((value, index) => [noon - 60 * (values.length - 1 - index), value]);
  const matrix = (...series: unknown[][]): Reply => ({
    body: JSON.stringify({
      status: 'success',
      data: { resultType: 'matrix', result: series.map((values) => ({ metric: {}, values })) },
    }),
  });
  const firstAbove = async (reply: Reply): Promise<Timestamp | null> =>
    (await metricsAnswering(reply)).metrics.firstAbove('q', 0.01, NOON, 1800);

  test.each([
    ['begins the run of bad ones that lasts until now', matrix(minutes('0', '0', '0.4', '0.5')), 1],
    ['is not that of trouble that was over', matrix(minutes('0.9', '0', '0', '0.5')), 0],
    ['may be the very first, when it was bad all along', matrix(minutes('0.9', '0.9', '0.9')), 2],
    ['passes over what is no number', matrix(minutes('0', '0.4', 'NaN', '0.5')), 2],
    ['is bad in one series, however well others are', matrix(minutes('0', '0.4', '0.4'), minutes('0', '0', '0')), 1],
    ['counts what is infinite', matrix(minutes('0', '+Inf', '+Inf')), 1],
  ])('%s', async (_, reply, minutesAgo) => {
    expect(await firstAbove(reply)).toBe(plusSeconds(NOON, -60 * minutesAgo));
  });

  test.each([
    ['when all is well', matrix(minutes('0', '0', '0.01'))],
    ['when it has become well', matrix(minutes('0.9', '0.9', '0'))],
    ['when there are no samples', matrix()],
    ['when there are no numbers', matrix(minutes('NaN'))],
    ['when too many points were asked for', recorded('error-too-many-points')],
    ['when the query is wrong', recorded('error-bad-data-parse')],
    ['when the answer is no matrix', recorded('instant-vector')],
  ])('is null %s', async (_, reply) => {
    expect(await firstAbove(reply)).toBeNull();
  });

  test('is found in a real response of Prometheus', async () => {
    const { metrics } = await metricsAnswering(recorded('range-matrix'));
    expect(await metrics.firstAbove('slo:error_ratio:10s', 0.01, NOON, 60)).toBe(timestamp(1795157174844));
  });

  test('is searched for in the given period, within the allowed number of points', async () => {
    const { metrics, asked } = await metricsAnswering(recorded('range-matrix'));
    await metrics.firstAbove('q', 0.01, NOON, 1800);
    const { searchParams, pathname } = asked() ?? new URL('http://nobody');
    expect(pathname).toBe('/api/v1/query_range');
    expect([Number(searchParams.get('start')), Number(searchParams.get('end'))]).toEqual([noon - 1800, noon]);
    expect(1800 / Number(searchParams.get('step'))).toBeLessThanOrEqual(11_000);
  });

  test('is null without a listener at the address and without a Prometheus', async () => {
    const url = await nobody();
    expect(await prometheus(async () => url).firstAbove('q', 1, NOON, 60)).toBeNull();
    expect(await prometheus(async () => undefined).firstAbove('q', 1, NOON, 60)).toBeNull();
  });
});

describe('a rule', () => {
  test('is found by its alert, with its `for` duration and evaluation interval', async () => {
    const { metrics } = await metricsAnswering(recorded('rules'));
    const { groups } = (
      JSON.parse(recorded('rules').body) as {
        data: { groups: { interval: number; rules: { name: string; duration: number }[] }[] };
      }
    ).data;
    const [group] = groups;
    expect(await metrics.rule('HighErrorBurnRate')).toEqual({
      forSeconds: group?.rules[0]?.duration,
      intervalSeconds: group?.interval,
    });
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
    expect(await prometheus(async () => url).rule('A')).toBeNull();
    expect(await prometheus(async () => undefined).rule('A')).toBeNull();
  });
});

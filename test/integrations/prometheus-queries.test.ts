import { describe, expect, test } from 'vitest';
import { prometheusQueries } from '../../integrations/prometheus/queries.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { exchange } from '../local/standins/support.ts';
import { nobody, type Reply, vendor } from './server.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
const EARLIER = '2026-11-20T11:00:00.000Z' as Timestamp;

const recorded = (name: string): Reply => {
  const { status, body } = exchange(`prometheus/${name}`).response;
  return { status, body };
};

async function answering(reply: Reply) {
  const { url, received } = await vendor(reply);
  return { queries: prometheusQueries(async () => `${url}/`), received, url };
}

describe('a query at one moment', () => {
  test('gives each series with its labels and value', async () => {
    const { queries } = await answering(recorded('instant-vector'));
    const answer = await queries.instant('q', NOON, 1000);
    expect(answer).toMatchObject({ kind: 'series' });
    for (const { labels, values } of answer?.kind === 'series' ? answer.series : []) {
      expect(Object.keys(labels).length).toBeGreaterThan(0);
      expect(values).toEqual([[expect.any(Number), expect.any(Number)]]);
    }
  });

  test('tells no series, 0/0 and infinity apart', async () => {
    const read = async (name: string) => (await answering(recorded(name))).queries.instant('q', NOON, 1000);
    expect(await read('instant-empty')).toEqual({ kind: 'series', series: [] });
    expect(await read('instant-nan-0-over-0')).toMatchObject({
      series: [{ values: [[expect.any(Number), Number.NaN]] }],
    });
    expect(await read('instant-inf')).toMatchObject({ series: [{ values: [[expect.any(Number), Infinity]] }] });
    expect(await read('instant-scalar')).toMatchObject({
      series: [{ labels: {}, values: [[expect.any(Number), 0.2]] }],
    });
  });

  test('is asked for this moment, and not for longer than the caller waits', async () => {
    const { queries, received, url } = await answering(recorded('instant-vector'));
    await queries.instant('sum(rate(x{a="b&c"}[5m]))', NOON, 2500);
    const asked = new URL(received[0]?.path ?? '', url);
    expect(asked.pathname).toBe('/api/v1/query');
    expect(Object.fromEntries(asked.searchParams)).toEqual({
      query: 'sum(rate(x{a="b&c"}[5m]))',
      time: String(Date.parse(NOON) / 1000),
      timeout: '3s',
    });
  });

  test('goes as a form where it does not fit an address', async () => {
    const { queries, received } = await answering(recorded('instant-vector'));
    const query = `x{a=~"${'b|'.repeat(4000)}"}`;
    await queries.instant(query, NOON, 1000);
    expect(received[0]).toMatchObject({ method: 'POST', path: '/api/v1/query' });
    expect(new URLSearchParams(received[0]?.body).get('query')).toBe(query);
  });

  test.each(['error-bad-data-parse', 'error-timeout-503', 'error-404'])('cannot be read from %s', async (name) => {
    const { queries } = await answering(recorded(name));
    expect(await queries.instant('q', NOON, 1000)).toMatchObject({
      kind: 'unreadable',
      detail: expect.stringMatching(/^Prometheus answered \d{3}: ./),
    });
  });

  test.each([
    ['some store API failed', 'unreadable'],
    ['results truncated due to limit', 'unreadable'],
    ['PromQL info: metric might not be a counter: "requests" (1:5)', 'series'],
    ['PromQL warning: quantile value should be between 0 and 1 (1:5)', 'series'],
  ])('with the warning "%s" is %s', async (warning, kind) => {
    const body = { status: 'success', data: { resultType: 'vector', result: [] }, warnings: [warning] };
    const { queries } = await answering({ body: JSON.stringify(body) });
    expect(await queries.instant('q', NOON, 1000)).toMatchObject({ kind });
  });

  test('cannot be read where nobody answers, nor in time', async () => {
    const gone = await nobody();
    const away = prometheusQueries(async () => gone);
    expect(await away.instant('q', NOON, 1000)).toMatchObject({ kind: 'unreadable' });
    const { queries } = await answering('hang');
    expect(await queries.instant('q', NOON, 50)).toMatchObject({
      kind: 'unreadable',
      detail: expect.stringContaining('no answer in time'),
    });
  });

  test('is null where no Prometheus is connected', async () => {
    expect(await prometheusQueries(async () => undefined).instant('q', NOON, 1000)).toBeNull();
  });
});

test('a range is asked for from, until and in steps', async () => {
  const { queries, received, url } = await answering(recorded('range-matrix'));
  const answer = await queries.range('q', EARLIER, NOON, 300, 1000);
  expect(answer).toMatchObject({ kind: 'series' });
  const asked = new URL(received[0]?.path ?? '', url);
  expect(asked.pathname).toBe('/api/v1/query_range');
  expect(Object.fromEntries(asked.searchParams)).toMatchObject({
    start: String(Date.parse(EARLIER) / 1000),
    end: String(Date.parse(NOON) / 1000),
    step: '300',
  });
});

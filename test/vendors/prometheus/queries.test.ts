import { describe, expect, test } from 'vitest';
import { prometheusQueries } from '../../../vendors/prometheus/queries.ts';
import { type Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { exchange } from '../../../packages/sandbox/test/support.ts';
import { nobody, type Reply, vendor } from '../server.ts';
import { serverAt } from '../../../vendors/shared/server.ts';

const NOON = '2026-11-20T12:00:00.000Z' as Timestamp;
/** Only against hanging. */
const LIMIT_MS = 60_000;
const EARLIER = '2026-11-20T11:00:00.000Z' as Timestamp;

const recorded = (name: string): Reply => {
  const { status, body } = exchange(`prometheus/${name}`).response;
  return { status, body };
};

async function answering(reply: Reply) {
  const { url, received } = await vendor(reply);
  return { queries: prometheusQueries(async () => serverAt(`${url}/`)), received, url };
}

describe('an instant query', () => {
  test('returns each series with its labels and value', async () => {
    const { queries } = await answering(recorded('instant-vector'));
    const answer = await queries.instant('q', NOON, LIMIT_MS);
    expect(answer).toMatchObject({ kind: 'series' });
    for (const { labels, values } of answer?.kind === 'series' ? answer.series : []) {
      expect(Object.keys(labels).length).toBeGreaterThan(0);
      expect(values).toEqual([[expect.any(Number), expect.any(Number)]]);
    }
  });

  test('distinguishes no series, 0/0, and infinity', async () => {
    const read = async (name: string) => (await answering(recorded(name))).queries.instant('q', NOON, LIMIT_MS);
    expect(await read('instant-empty')).toEqual({ kind: 'series', series: [] });
    expect(await read('instant-nan-0-over-0')).toMatchObject({
      series: [{ values: [[expect.any(Number), Number.NaN]] }],
    });
    expect(await read('instant-inf')).toMatchObject({ series: [{ values: [[expect.any(Number), Infinity]] }] });
    expect(await read('instant-scalar')).toMatchObject({
      series: [{ labels: {}, values: [[expect.any(Number), 0.2]] }],
    });
  });

  test("is sent with its time and the caller's time limit", async () => {
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

  test('is sent as a form if it is too long for a URL', async () => {
    const { queries, received } = await answering(recorded('instant-vector'));
    const query = `x{a=~"${'b|'.repeat(4000)}"}`;
    await queries.instant(query, NOON, LIMIT_MS);
    expect(received[0]).toMatchObject({ method: 'POST', path: '/api/v1/query' });
    expect(new URLSearchParams(received[0]?.body).get('query')).toBe(query);
  });

  test.each(['error-bad-data-parse', 'error-timeout-503', 'error-404'])('is unreadable with %s', async (name) => {
    const { queries } = await answering(recorded(name));
    expect(await queries.instant('q', NOON, LIMIT_MS)).toMatchObject({
      kind: 'unreadable',
      detail: expect.stringMatching(/^Prometheus answered \d{3}: ./),
    });
  });

  test('is unreadable without a listener at the address or a response in time', async () => {
    const gone = await nobody();
    const away = prometheusQueries(async () => serverAt(gone));
    expect(await away.instant('q', NOON, LIMIT_MS)).toMatchObject({ kind: 'unreadable' });
    const { queries } = await answering('hang');
    expect(await queries.instant('q', NOON, 50)).toMatchObject({
      kind: 'unreadable',
      detail: expect.stringContaining('no answer in time'),
    });
  });

  test('is null without a Prometheus', async () => {
    expect(await prometheusQueries(async () => undefined).instant('q', NOON, LIMIT_MS)).toBeNull();
  });
});

test('a range query is sent with its start, end, and step', async () => {
  const { queries, received, url } = await answering(recorded('range-matrix'));
  const [from, until] = [timestamp(1795157171844), timestamp(1795157177844)];
  const answer = await queries.range('q', from, until, 1, LIMIT_MS);
  expect(answer).toMatchObject({ kind: 'series', series: [{ values: { length: 4 } }, { values: { length: 4 } }] });
  const asked = new URL(received[0]?.path ?? '', url);
  expect(asked.pathname).toBe('/api/v1/query_range');
  expect(Object.fromEntries(asked.searchParams)).toMatchObject({
    start: '1795157171.844',
    end: '1795157177.844',
    step: '1',
  });
});

const success = (resultType: string, result: unknown): Reply => ({
  body: JSON.stringify({ status: 'success', data: { resultType, result } }),
});

const NUMBER = /a value is ".*", which is not a number/;

describe('an invalid response to an instant query is unreadable:', () => {
  const vector = (...value: unknown[]) => success('vector', [{ metric: {}, value }]);
  const at = Date.parse(NOON) / 1000;
  test.each<[string, Reply, RegExp]>([
    ['a matrix', success('matrix', [{ metric: {}, values: [[at, '1']] }]), /"matrix".*"vector" or "scalar"/],
    ['a text', recorded('instant-string'), /"string".*"vector" or "scalar"/],
    ['a word as a value', vector(at, 'x'), NUMBER],
    ['a scalar that is none', success('scalar', [at, '']), NUMBER],
    ['nothing as a value', vector(at, ' '), NUMBER],
    ['a number as Prometheus does not write it', vector(at, '0x10'), NUMBER],
    ['infinity as Prometheus does not write it', vector(at, 'Infinity'), NUMBER],
    ['a time that is none', vector(String(at), '1'), /^Prometheus answered 200: /],
    ['a value that is no text', vector(at, 1), /^Prometheus answered 200: /],
  ])('%s', async (_, reply, detail) => {
    const { queries } = await answering(reply);
    expect(await queries.instant('q', NOON, LIMIT_MS)).toEqual({
      kind: 'unreadable',
      detail: expect.stringMatching(detail),
    });
  });
});

describe('the response to a range query', () => {
  const FROM = Date.parse(EARLIER) / 1000;
  const STEP = 300;
  const matrix = (...values: [number, string][]) => success('matrix', [{ metric: {}, values }]);
  const asked = async (reply: Reply, from = EARLIER) =>
    (await answering(reply)).queries.range('q', from, NOON, STEP, LIMIT_MS);

  test.each<[string, Reply]>([
    ['nothing', success('matrix', [])],
    ['its first and its last moment', matrix([FROM, '1'], [FROM + 3600, '1e-9'])],
    ['not all of its moments', matrix([FROM + STEP, '-1.5'], [FROM + 4 * STEP, '2E+3'])],
    ['no numbers, as Prometheus writes them', matrix([FROM, 'NaN'], [FROM + STEP, '+Inf'], [FROM + 2 * STEP, '-Inf'])],
    ['moments in whole seconds', matrix([FROM + 0.4, '1'])],
  ])('can have %s', async (_, reply) => {
    expect(await asked(reply)).toMatchObject({ kind: 'series' });
  });

  test('can use multiples of the step, to which query frontends align the range', async () => {
    const from = timestamp((FROM - 100) * 1000);
    const rounded = matrix([FROM - STEP, '1'], [FROM, '1'], [FROM + STEP, '1']);
    expect(await asked(rounded, from)).toMatchObject({ kind: 'series', series: [{ values: { length: 3 } }] });
  });

  test.each<[string, Reply, RegExp]>([
    ['is a vector', success('vector', [{ metric: {}, value: [FROM, '7'] }]), /"vector".*"matrix"/],
    ['is a scalar', success('scalar', [FROM, '1']), /"scalar".*"matrix"/],
    ['has a word as a value', matrix([FROM, 'x']), NUMBER],
    ['has it somewhere', matrix([FROM, '1'], [FROM + STEP, '']), NUMBER],
    ['is of an earlier time', matrix([FROM - 2 * STEP, '1']), /was not requested/],
    ['is of a later time', matrix([FROM, '1'], [FROM + 3600 + 2 * STEP, '1']), /was not requested/],
    ['is of the first day of all', matrix([1, '1']), /the time 1 was not requested/],
    ['is in milliseconds', matrix([FROM * 1000, '1']), /was not requested/],
    ['is in another step', matrix([FROM, '1'], [FROM + 60, '1']), /was not requested/],
    ['goes back', matrix([FROM + STEP, '1'], [FROM, '1']), /is not after the one before/],
    ['has a moment twice', matrix([FROM, '1'], [FROM, '2']), /is not after the one before/],
  ])('is unreadable if it %s', async (_, reply, detail) => {
    expect(await asked(reply)).toEqual({ kind: 'unreadable', detail: expect.stringMatching(detail) });
  });
});

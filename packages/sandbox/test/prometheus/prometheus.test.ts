import { describe, expect, test } from 'vitest';
import type { StandIns } from '../../core/index.ts';
import { clock, exchange, sandbox, setFault, start, type Exchange } from '../support.ts';

type Sample = [number, string];
type Answer = {
  status: string;
  error?: string;
  data: { resultType: string; result: { metric: Record<string, string>; value?: Sample; values?: Sample[] }[] };
};

/** Time of the recorded exchanges, in milliseconds since the Unix epoch. */
const RECORDED_AT = 1_795_157_177_846;
const recordedClock = () => {
  const time = clock();
  time.forward(RECORDED_AT - time.now());
  return time;
};

const give = (standIns: StandIns, series: object): Promise<unknown> =>
  sandbox(standIns, 'PUT', '/prometheus/series', series);

const at = (millis: number): string => new Date(millis).toISOString();

/** Sends a recorded request. Returns the response without headers about compression and time. */
async function replay({ urls }: StandIns, { request: { method, path, headers, body } }: Exchange) {
  const response = await fetch(urls.prometheus + path, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}
const recorded = ({ response: { status, headers, body } }: Exchange) => ({
  status,
  type: headers['content-type'],
  body,
});

const query = async ({ urls }: StandIns, parameters: Record<string, string>, path = 'query'): Promise<Answer> => {
  const response = await fetch(`${urls.prometheus}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
  return (await response.json()) as Answer;
};

const valuesOf = async (standIns: StandIns, parameters: Record<string, string>): Promise<string[]> =>
  (await query(standIns, parameters)).data.result.map(({ value }) => value?.[1] ?? '');

describe('recorded exchanges', () => {
  test.each([
    'instant-empty',
    'error-missing-query',
    'error-bad-data-parse',
    'error-bad-timeout-param',
    'error-too-many-points',
    'error-404',
  ])('%s', async (name) => {
    const documented = exchange(`prometheus/${name}`);
    expect(await replay(await start(), documented)).toEqual(recorded(documented));
  });

  test.each([
    ['instant-vector', 'slo:error_ratio:10s{env="production"}'],
    ['instant-vector-post', 'slo:error_ratio:10s{service="checkout-api"} / 0.001'],
    ['instant-inf', 'up/0'],
    ['instant-nan-0-over-0', '0/0 * up'],
  ])('%s', async (name, promql) => {
    const documented = exchange(`prometheus/${name}`);
    const { result } = (JSON.parse(documented.response.body) as Answer).data;
    const time = recordedClock();
    const standIns = await start({ now: time.now });
    for (const { metric, value: [seconds, text] = [0, ''] } of result.toReversed()) {
      const value = Number.isFinite(Number(text)) ? Number(text) : text;
      await give(standIns, { query: promql, labels: metric, points: [{ at: at(seconds * 1000 - 10_000), value }] });
      time.forward(Math.round(seconds * 1000) - time.now());
    }
    expect(await replay(standIns, documented)).toEqual(recorded(documented));
  });

  test('range-matrix', async () => {
    const documented = exchange('prometheus/range-matrix');
    const standIns = await start();
    for (const { metric, values = [] } of (JSON.parse(documented.response.body) as Answer).data.result) {
      const points = values.map(([seconds, value]) => ({ at: at(Math.round(seconds * 1000)), value: Number(value) }));
      await give(standIns, { query: 'slo:error_ratio:10s', labels: metric, points });
    }
    expect(await replay(standIns, documented)).toEqual(recorded(documented));
  });

  test('rules and alerts-active', async () => {
    const time = recordedClock();
    const standIns = await start({ now: time.now });
    const rules = exchange('prometheus/rules');
    const { data } = JSON.parse(rules.response.body) as { data: { groups: { rules: { query: string }[] }[] } };
    await sandbox(standIns, 'PUT', '/prometheus/rules', data);
    const labels = { __name__: 'slo:error_ratio:10s', env: 'production', service: 'checkout-api' };
    const points = [{ at: '2026-11-20T06:46:14.812Z', value: 0.2 }];
    await give(standIns, { query: data.groups[0]?.rules[0]?.query, labels, points });

    /** Replaces times, and keeps the templates of annotations, which the stand-in does not expand. */
    const normal = (text: string): unknown =>
      JSON.parse(text, (name, value: unknown) => {
        if (name === 'annotations') return {};
        return /Time$|^activeAt$|^lastEvaluation$/.test(name) ? '…' : value;
      });
    for (const documented of [rules, exchange('prometheus/alerts-active')]) {
      const answer = await replay(standIns, documented);
      expect(answer.status).toBe(200);
      expect(normal(answer.body)).toEqual(normal(documented.response.body));
    }
  });

  test.each(['error-timeout-503', 'error-execution-many-to-many'])('%s is a fault', async (name) => {
    const standIns = await start();
    const documented = exchange(`prometheus/${name}`);
    const { status } = documented.response;
    const body = JSON.parse(documented.response.body) as Record<string, string>;
    await setFault(standIns, { vendor: 'prometheus', fault: { kind: 'status', status, body } });
    expect(await replay(standIns, documented)).toEqual(recorded(documented));
  });
});

describe('samples', () => {
  test('are a step function: nothing before the first point, each value until the next point', async () => {
    const time = clock();
    const standIns = await start({ now: time.now });
    const now = time.now();
    await give(standIns, {
      query: 'errors',
      points: [
        { at: at(now - 60_000), value: 0 },
        { at: at(now), value: 0.25 },
        { at: at(now + 60_000), value: null },
      ],
    });
    const seen = (millis: number) => valuesOf(standIns, { query: 'errors', time: String(millis / 1000) });
    expect(await seen(now - 60_001)).toEqual([]);
    expect(await seen(now - 60_000)).toEqual(['0']);
    expect(await seen(now - 1)).toEqual(['0']);
    expect(await valuesOf(standIns, { query: 'errors' })).toEqual(['0.25']);
    expect(await valuesOf(standIns, { query: 'errors', time: at(now + 59_999) })).toEqual(['0.25']);
    expect(await seen(now + 60_000)).toEqual([]);
  });

  test('belong to the exact text of the query', async () => {
    const standIns = await start();
    await give(standIns, { query: 'rate(errors[5m])', steps: [{ after_seconds: -1, value: 1 }] });
    expect(await valuesOf(standIns, { query: 'rate(errors[5m])' })).toEqual(['1']);
    expect(await valuesOf(standIns, { query: 'rate( errors[5m] )' })).toEqual([]);
  });

  test.each([
    [{ query: 'q' }, 'set either points or steps'],
    [{ query: 'q', points: [] }, 'set at least one point'],
    [{ query: 'q', steps: [{ after_seconds: 0, value: 'many' }] }, 'steps.0.value'],
    [{ query: 'q', labels: { '1': 'x' }, steps: [{ after_seconds: 0, value: 1 }] }, 'labels'],
  ])('%j is refused', async (series, detail) => {
    await expect(give(await start(), series)).rejects.toThrow(detail);
  });
});

describe('ranges', () => {
  test('have at most 11,000 steps', async () => {
    const standIns = await start();
    await give(standIns, { query: 'q', points: [{ at: '1970-01-01T00:00:00Z', value: 1 }] });
    const range = (end: string) => query(standIns, { query: 'q', start: '0', end, step: '1s' }, 'query_range');
    expect((await range('11000')).data.result[0]?.values).toHaveLength(11_001);
    expect((await range('11001')).error).toContain('exceeded maximum resolution of 11,000 points');
  });

  test.each([
    [{ query: 'q', end: '1', step: '1' }, 'invalid parameter "start": cannot parse "" to a valid timestamp'],
    [
      { query: 'q', start: '2', end: '1', step: '1' },
      'invalid parameter "end": end timestamp must not be before start time',
    ],
    [
      { query: 'q', start: '0', end: '1', step: '1x' },
      'invalid parameter "step": cannot parse "1x" to a valid duration',
    ],
    [{ query: 'q', start: '0', end: '1', step: '0' }, 'invalid parameter "step": zero or negative'],
    [
      { query: 'a))', start: '0', end: '1', step: '1' },
      'invalid parameter "query": 1:2: parse error: unexpected right parenthesis \')\'',
    ],
  ])('%j', async (parameters, error) => {
    const answer = await query(await start(), parameters, 'query_range');
    expect(answer).toMatchObject({
      status: 'error',
      errorType: 'bad_data',
      error: expect.stringContaining(error) as string,
    });
  });
});

describe('rules', () => {
  const rule = { name: 'HighErrors', query: 'errors > 0.1', duration: 60, labels: { severity: 'critical' } };
  const groups = [
    { name: 'slo', interval: 15, rules: [rule, { type: 'recording', name: 'r', query: 'q' }] },
    { name: 'empty', rules: [] },
  ];
  const requested = async ({ urls }: StandIns, path: string) => {
    const response = await fetch(`${urls.prometheus}/api/v1/${path}`);
    return {
      status: response.status,
      body: (await response.json()) as { data: { groups: object[]; alerts: object[] } },
    };
  };

  test('create alerts from the samples of their query: pending, firing, and gone with the sample', async () => {
    const time = clock();
    const standIns = await start({ now: time.now, timeScale: 10 });
    await sandbox(standIns, 'PUT', '/prometheus/rules', { groups });
    const value = (given: number | null) =>
      give(standIns, { query: rule.query, labels: { service: 'cart' }, steps: [{ after_seconds: 0, value: given }] });
    const alerts = async () => (await requested(standIns, 'alerts')).body.data.alerts;
    await value(0.5);
    const labels = { alertname: 'HighErrors', service: 'cart', severity: 'critical' };
    expect(await alerts()).toMatchObject([{ labels, state: 'pending', value: '5e-01', activeAt: at(time.now()) }]);
    time.forward(5999);
    expect(await alerts()).toMatchObject([{ state: 'pending' }]);
    time.forward(1);
    expect(await alerts()).toMatchObject([{ state: 'firing' }]);
    await value(null);
    expect(await alerts()).toEqual([]);
    time.forward(1000);
    await value(0.4);
    expect(await alerts()).toMatchObject([{ state: 'pending', activeAt: at(time.now()) }]);
  });

  test('without samples give an error, since no alerts would mean that all are over', async () => {
    const standIns = await start();
    await give(standIns, { query: 'errors', steps: [{ after_seconds: 0, value: 1 }] });
    expect((await requested(standIns, 'alerts')).status).toBe(503);
    await sandbox(standIns, 'PUT', '/prometheus/rules', { groups });
    expect((await requested(standIns, 'alerts')).status).toBe(503);
  });
});

import { describe, expect, test } from 'vitest';
import { lint } from '../../decisions/lint/lint.ts';
import { ServicesFile } from '../../../../schemas/config/config.ts';
import { Slo } from '../../../../schemas/slo/slo.ts';
import type { LocatedSlo } from '../../decisions/objectives.ts';

type SloFields = Partial<Record<keyof Slo, unknown>>;

const GOOD = {
  kind: 'ratio',
  counter: false,
  of: 'bad',
  numerator: 'sum(rate(requests_total{code=~"5.."}[{{.window}}]))',
  total: 'sum(rate(requests_total[{{.window}}]))',
};

const FILE = 'a.yaml';

/** Builds an objective whose parts are on separate lines. */
function located(fields: SloFields = {}): LocatedSlo {
  const slo = Slo.parse({
    id: 'a',
    displayName: 'A',
    description: '',
    service: 'checkout',
    environment: 'production',
    target: 0.999,
    window: { kind: 'rolling', seconds: 28 * 24 * 3600 },
    budgeting: { kind: 'occurrences' },
    indicator: GOOD,
    ...fields,
  });
  const [name, service, environment, window, target, ...queries] = [1, 2, 3, 4, 5, 6, 7].map((line) => ({
    file: FILE,
    line,
  })) as [Where, Where, Where, Where, Where, ...Where[]];
  return { slo, name, service, environment, window, target, queries };
}

type Where = LocatedSlo['name'];

const findings = (fields: SloFields = {}): string[] =>
  lint([located(fields)]).map(({ line, message }) => `${line} ${message}`);

/** With a numerator that is a counter, too. */
const COUNTER = { counter: true, numerator: 'errors_total' };

const ratio = (query: string, more: object = {}): SloFields => ({ indicator: { ...GOOD, total: query, ...more } });
const threshold = (query: string): SloFields => ({ indicator: { kind: 'threshold', query, op: 'lt', value: 1 } });
const share = (query: string): SloFields => ({ indicator: { kind: 'share', of: 'good', query } });

test('no findings for a ratio of rates over the window', () => {
  expect(findings()).toEqual([]);
});

describe('a weak query is reported with a reason:', () => {
  const CAUSE = /is a cause, not a symptom/;
  const UP = /shows that something answers, not that users are served/;
  const AVERAGE = /an average hides/;
  const NUMBER = /returns a number of events, but a rate per second is expected/;
  const FIXED = /the rate is always over/;
  const GAUGE = /looks like a gauge/;
  test.each<[string, SloFields, number, RegExp]>([
    ['CPU', threshold('1 - sum(rate(node_cpu_seconds_total{mode="idle"}[5m]))'), 6, CAUSE],
    ['memory', threshold('sum(container_memory_working_set_bytes)'), 6, CAUSE],
    ['memory in camel case', threshold('node_memory_MemAvailable_bytes'), 6, CAUSE],
    ['load', threshold('max(node_load15)'), 6, CAUSE],
    ['disks', share('min(node_filesystem_avail_bytes)'), 6, CAUSE],
    ['a name with points', threshold('max({"system.cpu.utilization"})'), 6, CAUSE],
    ['a cause in the total of a ratio', ratio('sum(rate(process_cpu_seconds_total[{{.window}}]))'), 7, CAUSE],
    ['up', share('min(up{job="checkout"})'), 6, UP],
    ['a probe', share('max_over_time(probe_success[{{.window}}])'), 6, UP],
    ['avg', threshold('avg by (job) (request_latency)'), 6, AVERAGE],
    ['avg_over_time', threshold('avg_over_time(request_latency[5m])'), 6, AVERAGE],
    [
      'a sum by its count',
      threshold('rate(latency_seconds_sum[{{.window}}]) / rate(latency_seconds_count[{{.window}}])'),
      6,
      AVERAGE,
    ],
    [
      'a percentile',
      threshold('histogram_quantile(0.99, sum by (le) (rate(latency_bucket[{{.window}}])))'),
      6,
      /a comparison of a percentile/,
    ],
    ['increase', ratio('sum(increase(requests_total[{{.window}}]))'), 7, NUMBER],
    ['a count of samples', ratio('sum(count_over_time(probes[{{.window}}]))'), 7, NUMBER],
    ['a rate over a fixed time', ratio('sum(rate(requests_total[1h]))'), 7, FIXED],
    ['a counter that is taken for a rate', ratio('requests_total'), 7, /^7 "requests_total" is a counter, but its/],
    [
      'a sum of a counter that is taken for a rate',
      ratio('sum(requests_count)'),
      7,
      /^7 "requests_count" is a counter, but its/,
    ],
    ['an unknown kind of metric', ratio('sum(requests)'), 7, /^7 there is neither a window nor "counter"/],
    ['a sum of counters', ratio('sum(requests_total)', COUNTER), 7, /when one instance restarts/],
    ['a gauge as a counter', ratio('requests_in_flight', COUNTER), 7, GAUGE],
    ['a rate of a gauge', ratio('sum(rate(queue_length[{{.window}}]))'), 7, GAUGE],
    ['zero for missing data', ratio('sum(rate(x_total[{{.window}}])) or vector(0)'), 7, /"or vector\(0\)"/],
    [
      'zero for missing data, by labels',
      ratio('sum(rate(x_total[{{.window}}])) or on() vector(0.0)'),
      7,
      /"or vector\(0\)"/,
    ],
  ])('%s', (_, fields, line, message) => {
    expect(findings(fields)).toEqual([expect.stringMatching(message)]);
    expect(findings(fields)[0]).toMatch(new RegExp(`^${line} `));
  });

  test('with an alternative', () => {
    const [numerator] = lint([located(ratio('sum(rate(x_total[30m]))'))]);
    expect(numerator).toEqual({
      file: FILE,
      line: 7,
      level: 'warning',
      message: 'the rate is always over 30m, whatever the requested window, which blurs errors',
      suggestion: 'write [{{.window}}] instead of [30m]',
    });
    const suggested = (fields: SloFields) => lint([located(fields)]).map(({ suggestion }) => suggestion);
    expect(suggested(ratio('requests_total'))).toEqual([
      'write sum(rate(requests_total[{{.window}}])), or "counter: true"',
    ]);
    expect(suggested(ratio('sum(requests_total)', COUNTER))).toEqual([
      'write sum(rate(requests_total[{{.window}}])), without "counter"',
    ]);
  });

  test.each<[string, SloFields]>([
    ['pages that load', ratio('sum(rate(page_load_seconds_count[{{.window}}]))')],
    ['uploads and downloads', ratio('sum(rate(upload_requests_total[{{.window}}]))')],
    ['a member, a memo', ratio('sum(rate(member_memo_total[{{.window}}]))')],
    ['bytes that a counter counts', ratio('sum(rate(network_bytes_total[{{.window}}]))')],
    ['up beside something else', share('sum(rate(x_total[5m])) and on() up')],
    ['a counter by itself', ratio('requests_total{job="x"}', COUNTER)],
    ['an old name of a counter', ratio('http_requests', COUNTER)],
    ['rates that were recorded', ratio('sum(job:requests:rate5m)')],
    ['recorded for each window', ratio('sum(job:requests:irate{{.window}})')],
    ['a sum without its count', ratio('sum(rate(bytes_sum[{{.window}}]))')],
    ['labels and texts that look poor', ratio('sum(rate(x_total{up="avg(node_cpu)",cpu=~".+"}[{{.window}}]))')],
    ['a lag', threshold('max(consumer_lag)')],
    ['a percentile that is counted', ratio('sum(rate(x_bucket{le="0.3"}[{{.window}}]))')],
    ['zero of something else', ratio('sum(rate(x_total[{{.window}}])) or 0 * sum(rate(y_total[{{.window}}]))')],
  ])('no findings for %s', (_, fields) => {
    expect(findings(fields)).toEqual([]);
  });

  test('the same query twice', () => {
    expect(
      findings(ratio(' sum( rate(a_total[{{.window}}]) )', { numerator: 'sum(rate(a_total[{{.window}}]))' })),
    ).toEqual(['6 "bad" and "total" are the same query, so every event is bad']);
  });
});

describe('an unrealistic target', () => {
  const DAY = 24 * 3600;
  const calendar = (unit: string, count: number) => ({
    kind: 'calendar',
    unit,
    count,
    timeZone: 'UTC',
    start: '2026-01-01T00:00:00',
  });

  // 28 days are 2,419,200 s: 99.999 % leaves 24.2 s, 99.99 % leaves 242 s.
  test.each<[string, SloFields, string[]]>([
    [
      'five nines of 28 days',
      { target: 0.99999 },
      ['5 the whole budget is 24 s of outage: it is spent before a person can act'],
    ],
    ['four nines of 28 days', { target: 0.9999 }, []],
    [
      'four nines of a day',
      { target: 0.9999, window: { kind: 'rolling', seconds: DAY } },
      [expect.stringMatching(/^5 .* 8\.6 s/)],
    ],
    [
      'four nines of a calendar day',
      { target: 0.9999, window: calendar('day', 1) },
      [expect.stringMatching(/^5 .* 8\.6 s/)],
    ],
    ['five nines of a quarter', { target: 0.99999, window: calendar('quarter', 1) }, []],
    [
      'a window of hours',
      { target: 0.9, window: { kind: 'rolling', seconds: 6 * 3600 } },
      [expect.stringMatching(/^4 a window shorter than a day/)],
    ],
    ['a window of a day', { target: 0.9, window: { kind: 'rolling', seconds: DAY } }, []],
    ['half of it', { target: 0.5 }, []],
    ['little', { target: 0.4 }, ['5 the target 40 % is low']],
  ])('%s', (_, fields, expected) => {
    expect(findings(fields)).toEqual(expected);
  });

  test('a share written as a percentage', () => {
    expect(lint([located({ target: 0.00999 })])).toMatchObject([{ suggestion: 'did you mean target: 0.999?' }]);
  });
});

describe('names that the catalogue lacks', () => {
  const { services } = ServicesFile.parse({
    services: { checkout: { environments: { production: null, staging: null } }, search: null },
  });
  const serviceEnvironments = (service: string, environment: string) =>
    lint([located({ service, environment })], services).map(({ line, message, suggestion }) => [
      line,
      message,
      suggestion,
    ]);

  test.each([
    ['checkout', 'staging'],
    ['search', 'anywhere'],
  ])('are not %s in %s', (service, environment) => {
    expect(serviceEnvironments(service, environment)).toEqual([]);
  });

  test('are reported with suggestions', () => {
    expect(serviceEnvironments('chekout', 'production')).toEqual([
      [2, 'the catalogue has no service "chekout"', 'did you mean "checkout"?'],
    ]);
    expect(serviceEnvironments('toString', 'production')).toEqual([
      [2, 'the catalogue has no service "toString"', null],
    ]);
    expect(serviceEnvironments('checkout', 'stagin')).toEqual([
      [3, 'checkout has no environment "stagin" in the catalogue', 'did you mean "staging"?'],
    ]);
  });

  test('are not checked without a catalogue', () => {
    expect(findings({ service: 'chekout' })).toEqual([]);
  });
});

test('a finding shared by several objectives is reported once', () => {
  const poor = ratio('sum(rate(x_total[1h]))');
  expect(lint([located(poor), located({ ...poor, id: 'b', target: 0.99 })])).toHaveLength(1);
});

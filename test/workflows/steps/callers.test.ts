import { describe, expect, test } from 'vitest';
import { callersQueryOf } from '../../../core/domain/catalogue/callers-query.ts';
import type { HealthQuery } from '../../../core/domain/catalogue/health.ts';
import { onsetOf } from '../../../core/domain/correlation/onset.ts';
import type { Metrics } from '../../../core/domain/ports/metrics.ts';
import { seenByCallers } from '../../../workflows/steps/callers.ts';
import { before, change } from '../../core/arbitraries.ts';
import { curve, scene } from '../../core/domain/correlation/scenes.ts';

const ratio = (by: string, window = '2m') =>
  `sum by (${by}) (rate(failed_total[${window}])) / sum by (${by}) (rate(requests_total[${window}]))`;

const PROMQL = 'sum(rate(errors_total[5m])) / sum(rate(http_total[5m]))';
const LATENCY = 'histogram_quantile(0.99, sum by (le) (rate(seconds_bucket[5m])))';
const SHARE: HealthQuery = {
  promql: PROMQL,
  called: PROMQL,
  max: 0.01,
  callersByVersion: ratio('destination_version'),
};

type Answer = Awaited<ReturnType<Metrics['rangeByLabel']>>;

const ANSWER: NonNullable<Answer> = ['v41', 'v42'].map((label) => ({ label, curve: curve(() => 0.5) }));

/** Reads what callers see. `asked`: the queries by version, with their labels. */
async function read(query: HealthQuery, answer: Answer = ANSWER) {
  const asked: string[] = [];
  const metrics: Metrics = {
    value: async () => null,
    range: async () => curve(() => 8),
    rule: async () => null,
    rangeByLabel: async (promql, label) => {
      asked.push(`${String(label)}: ${promql}`);
      return answer;
    },
  };
  const at = before(-2);
  const own = [change('v41', 240), change('v42', 4)];
  const found = await seenByCallers(metrics, query, { own, onset: onsetOf(scene()), from: before(120), at });
  return { ...found, asked };
}

test('reads errors and requests by the version that is called, also over a shorter window', async () => {
  const { callers, asked } = await read(SHARE);
  expect(callers).toMatchObject({ max: 0.01, whole: 1, window: 120, close: { window: 60 } });
  expect(callers?.versions.map(({ version, traffic }) => [version, traffic?.length])).toEqual([
    ['v41', 245],
    ['v42', 245],
  ]);
  expect(asked).toEqual([
    `destination_version: ${ratio('destination_version')}`,
    'destination_version: sum by (destination_version) (rate(requests_total[2m]))',
    `destination_version: ${ratio('destination_version', '60s')}`,
    'destination_version: sum by (destination_version) (rate(requests_total[60s]))',
  ]);
});

test.each<[label: string, by: string]>([
  ['destination_version', 'version, destination_version'],
  ['server_service_version', 'server_service_version'],
  ['peer_service_version', 'service_version, peer_service_version'],
  ['version', 'version'],
])('finds the label %s', (label, by) => {
  expect(callersQueryOf({ ...SHARE, callersByVersion: ratio(by) })).toMatchObject({ label });
});

test('counts in the unit of the health query', async () => {
  const { callers } = await read({ ...SHARE, promql: `100 * ${PROMQL}`, called: `100 * ${PROMQL}`, max: 1 });
  expect(callers).toMatchObject({ max: 1, whole: 100 });
  expect(callers?.versions[0]?.curve[0]?.[1]).toBe(50);
});

describe('reads nothing', () => {
  test.each<[string, Partial<HealthQuery>]>([
    ['if the health query is a latency', { promql: LATENCY, called: LATENCY }],
    ['if the requests of callers are not in the query', { callersByVersion: 'job:callers:error_ratio_rate5m' }],
    ['if errors and requests have different windows', { callersByVersion: ratio('version').replace('[2m]', '[9m]') }],
    ['without a query', { callersByVersion: undefined }],
  ])('%s', async (_, more) => {
    expect(await read({ ...SHARE, ...more })).toEqual({ asked: [] });
  });

  test.each<[string, Answer]>([
    ['without an answer', null],
    ['without series', []],
  ])('%s', async (_, answer) => {
    expect(await read(SHARE, answer)).not.toHaveProperty('callers');
  });
});

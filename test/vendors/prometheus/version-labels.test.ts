import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { versionLabels } from '../../../vendors/prometheus/version-labels.ts';
import { withoutRecordings } from '../../../vendors/prometheus/recorded-series.ts';
import {
  byVersionQuery,
  selectorsIn,
  trafficByVersionQuery,
  type VersionSource,
} from '../../../vendors/prometheus/version-query.ts';
import { have, programPath } from '../../support/prometheus-stack.ts';
import { vendorThat } from '../server.ts';
import { serverAt } from '../../../vendors/shared/server.ts';

const RATIO =
  'sum(rate(requests_total{service="shop",code=~"5.."}[5m])) / sum(rate(requests_total{service="shop"}[5m]))';
const POD: VersionSource = { label: 'label_version', join: { metric: 'kube_pod_labels', on: ['namespace', 'pod'] } };

const TARGET: VersionSource = { label: 'service_version', join: { metric: 'target_info', on: ['job', 'instance'] } };

/** Series of two versions, of which v1 has no error series. One and nine of ten requests per minute of v2 fail. */
const requests = (first: string, second: string) => ({
  [`requests_total{service="shop",code="200",${first}}`]: '0+60x30',
  [`requests_total{service="shop",code="200",${second}}`]: '0+30x30',
  [`requests_total{service="shop",code="500",${second}}`]: '0+30x30',
});
const RATIOS = { v1: 0, v2: 0.5 };
const TRAFFIC = { v1: 1, v2: 1 };

type Case = [name: string, source: VersionSource, series: Record<string, string>];
const CASES: Case[] = [
  ['the label version', { label: 'version', join: null }, requests('version="v1"', 'version="v2"')],
  ['another label', { label: 'app_version', join: null }, requests('app_version="v1"', 'app_version="v2"')],
  [
    'a label of kube_pod_labels',
    POD,
    {
      ...requests('namespace="n",pod="a"', 'namespace="n",pod="b"'),
      'kube_pod_labels{namespace="n",pod="a",label_version="v1",uid="1"}': '1x30',
      'kube_pod_labels{namespace="n",pod="b",label_version="v2",uid="2"}': '1x30',
    },
  ],
  [
    'a label of kube_pod_labels, of which there are several for a pod',
    POD,
    {
      ...requests('namespace="n",pod="a"', 'namespace="n",pod="b"'),
      'kube_pod_labels{namespace="n",pod="a",label_version="v1",instance="ksm-0"}': '1x30',
      'kube_pod_labels{namespace="n",pod="a",label_version="v1",instance="ksm-1"}': '1x30',
      'kube_pod_labels{namespace="n",pod="b",label_version="v2",instance="ksm-1"}': '1x30',
      'kube_pod_labels{namespace="other",pod="c",label_version="v9",instance="ksm-0"}': '1x30',
      'kube_pod_labels{namespace="other",pod="c",label_version="v9",instance="ksm-1"}': '1x30',
    },
  ],
  [
    'a label of target_info',
    TARGET,
    {
      ...requests('job="j",instance="a"', 'job="j",instance="b"'),
      'target_info{job="j",instance="a",service_version="v1"}': '1x30',
      'target_info{job="j",instance="b",service_version="v2"}': '1x30',
    },
  ],
];

describe('the proposed queries', () => {
  test.runIf(have('promtool'))('return the error ratio and the traffic by version in Prometheus', () => {
    const samples = (values: Record<string, number>) =>
      Object.entries(values).map(([version, value]) => ({ labels: `{version="${version}"}`, value }));
    // Without label_replace, the result has exactly the label version; with it, also the label that it copies.
    const requested = (expr: string, values: Record<string, number>) => ({
      expr: `max by (version) (${expr})`,
      eval_time: '20m',
      exp_samples: samples(values),
    });
    const tests = CASES.map(([name, source, series]) => ({
      name,
      interval: '1m',
      input_series: Object.entries(series).map(([labels, values]) => ({ series: labels, values })),
      promql_expr_test: [
        requested(byVersionQuery(RATIO, source), RATIOS),
        requested(trafficByVersionQuery(RATIO, undefined, source) ?? '', TRAFFIC),
        requested(byVersionQuery(`(${RATIO})`, source), RATIOS),
      ],
    }));
    // The values of instances that have ended last for the window, so what they are joined to has to last as long.
    const joins: [string, VersionSource, first: string, second: string][] = [
      ['pods that have ended', POD, 'namespace="n",pod="a"', 'namespace="n",pod="b"'],
      ['targets that have ended', TARGET, 'job="j",instance="a"', 'job="j",instance="b"'],
    ];
    const ofEnded = joins.map(([name, source, first, second]) => {
      const metric = source.join?.metric;
      const byLabel = { label: 'version', join: null };
      const difference = (query: (of: VersionSource) => string) =>
        `max by (version) (${query(source)}) - on (version) max by (version) (${query(byLabel)})`;
      const same = (expr: string) => ({ expr, eval_time: '20m', exp_samples: samples({ v1: 0, v2: 0 }) });
      return {
        name,
        interval: '1m',
        input_series: Object.entries({
          [`requests_total{service="shop",code="200",${first},version="v1"}`]: '0+60x17 stale',
          [`requests_total{service="shop",code="500",${first},version="v1"}`]: '0+30x17 stale',
          [`requests_total{service="shop",code="200",${second},version="v2"}`]: '0+60x30',
          [`${metric}{${first},${source.label}="v1"}`]: '1x17 stale',
          [`${metric}{${second},${source.label}="v1"}`]: '1x10 stale',
          [`${metric}{${second},${source.label}="v2"}`]: '_x10 1x20',
        }).map(([labels, values]) => ({ series: labels, values })),
        promql_expr_test: [
          same(difference((of) => byVersionQuery(RATIO, of))),
          same(difference((of) => trafficByVersionQuery(RATIO, undefined, of) ?? '')),
        ],
      };
    });
    const folder = mkdtempSync(join(tmpdir(), 'firebreak-promtool-'));
    try {
      const file = join(folder, 'tests.yaml');
      writeFileSync(file, stringify({ rule_files: [], evaluation_interval: '1m', tests: [...tests, ...ofEnded] }));
      const { status, stdout, stderr } = spawnSync(programPath('promtool') ?? '', ['test', 'rules', file], {
        encoding: 'utf8',
      });
      expect(`${stdout}${stderr}`).toContain('SUCCESS');
      expect(status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    [
      'histogram_quantile(0.9, sum(rate(h_bucket[5m])) by (le))',
      'histogram_quantile(0.9, sum(rate(h_bucket[5m])) by (le, version))',
    ],
    ['sum by () (rate(a[5m]))', 'sum by (version) (rate(a[5m]))'],
    ['sum without (pod) (rate(a[5m]))', 'sum without (pod) (rate(a[5m]))'],
    ['job:shop:error_ratio', 'job:shop:error_ratio'],
  ])('keep the version through %s', (given, proposed) => {
    expect(byVersionQuery(given, { label: 'version', join: null })).toBe(proposed);
  });

  test('have their selectors without ranges', () => {
    expect(selectorsIn(RATIO)).toEqual([
      'requests_total{service="shop",code=~"5.."}',
      'requests_total{service="shop"}',
    ]);
    expect(selectorsIn('a offset 5m + b[5m:1m]')).toEqual(['a', 'b']);
  });
});

describe('the search for the version', () => {
  const success = (data: unknown) => ({ status: 200, body: JSON.stringify({ status: 'success', data }) });
  const vector = (...versions: string[]) =>
    success({ resultType: 'vector', result: versions.map((version) => ({ metric: { version }, value: [0, '1'] })) });

  const searching = async (reply: (path: string, query: string) => ReturnType<typeof success>) => {
    const { url } = await vendorThat(({ path }) => {
      const asked = new URL(path, 'http://prometheus.test');
      return reply(asked.pathname, asked.searchParams.get('query') ?? asked.searchParams.get('match[]') ?? '');
    });
    return versionLabels(async () => serverAt(url), Date.now);
  };

  const isRecorded = (value: string): boolean => value === 'v41';

  test.each([
    ['is recorded', { version: 'v1', app_version: 'v41' }, 'app_version'],
    ['has numbers', { release: 'shop', service_version: '2.1', namespace: 'n', pod: 'a' }, 'service_version'],
    ['comes first', { release: 'shop', track: 'stable' }, 'release'],
  ])('prefers the label whose value %s', async (_, labels: Record<string, string>, expected) => {
    const search = await searching((path, query) => {
      if (path === '/api/v1/series') return success([labels]);
      const [, label = ''] = /by \((\w+)\)/.exec(query) ?? [];
      return label in labels ? vector(labels[label] ?? '') : vector();
    });
    expect(await search.propose({ promql: RATIO }, isRecorded)).toMatchObject({ label: expected });
  });

  test('takes the best label that every series has, and whose query returns versions', async () => {
    const search = await searching((path) =>
      path === '/api/v1/series'
        ? success([{ __name__: 'requests_total', app_version: 'v1', pod_template_hash: 'abc' }])
        : vector('v1', 'v2'),
    );
    expect(await search.propose({ promql: RATIO }, isRecorded)).toMatchObject({
      label: 'app_version',
      joined: null,
      values: ['v1', 'v2'],
      byVersion: expect.stringContaining('label_replace('),
      trafficByVersion: expect.stringContaining('by (app_version)'),
    });
  });

  test('joins pods to their labels', async () => {
    const search = await searching((path, query) => {
      if (path === '/api/v1/series') return success([{ namespace: 'n', pod: 'a' }]);
      return query.includes('label_app_kubernetes_io_version') ? vector('v1') : vector();
    });
    expect(await search.propose({ promql: RATIO }, isRecorded)).toMatchObject({
      label: 'label_app_kubernetes_io_version',
      joined: 'kube_pod_labels',
    });
  });

  test('looks behind a recording rule', async () => {
    const search = await searching((path, query) => {
      if (path === '/api/v1/rules')
        return success({ groups: [{ rules: [{ name: 'job:shop:errors', query: RATIO }] }] });
      if (path === '/api/v1/series')
        return success(query.startsWith('requests') ? [{ version: 'v1' }] : [{ job: 'j' }]);
      return vector('v1');
    });
    const found = await search.propose({ promql: 'job:shop:errors{env="live"}' }, isRecorded);
    expect(found).toMatchObject({
      label: 'version',
      byVersion: expect.stringContaining('requests_total{env="live", service="shop"'),
    });
  });

  test('keeps the matchers of the service through each level of recording rules', async () => {
    const rules = [
      { name: 'job:http:error_ratio', query: 'job:http:errors / job:http:requests' },
      { name: 'job:http:errors', query: 'sum by (service) (rate(requests_total{code=~"5.."}[1m]))' },
      { name: 'job:http:requests', query: 'sum by (service) (rate(requests_total[1m]))' },
    ];
    const search = await searching((path, query) => {
      if (path === '/api/v1/rules') return success({ groups: [{ rules }] });
      if (path === '/api/v1/series')
        return success(query.startsWith('requests') ? [{ service: 'shop', version: 'v1' }] : [{ service: 'shop' }]);
      return query.includes('by (service, version)') ? vector('v1') : vector();
    });
    const found = await search.propose({ promql: 'job:http:error_ratio{service="shop"}' }, isRecorded);
    expect(selectorsIn(found?.byVersion ?? '')).toEqual([
      'requests_total{service="shop", code=~"5.."}',
      'requests_total{service="shop"}',
    ]);
    expect(selectorsIn(found?.trafficByVersion ?? '')).toEqual(['requests_total{service="shop"}']);
  });

  test.each([
    ['a rule for each service', 'r{service="b"}', [{ service: 'a' }, { service: 'b' }], '(x2)'],
    ['several rules of one name', 'r{env="live"}', [{}, {}], null],
    ['a rule that renames the label', 'r{svc="a"}', [{ renames: true }], null],
    ['a rule of all', 'r', [{}], '(x1)'],
    ['no recorded series', 'x', [{}], null],
    ['a range of a recorded series', 'avg_over_time(r[5m])', [{}], null],
  ])('of %s is that of the selected series', (_, promql, all, expected) => {
    const rules = all.map(({ renames, ...labels }: Record<string, unknown>, n) => ({
      name: 'r',
      query: renames === true ? 'label_replace(y, "svc", "$1", "job", "(.+)")' : `x${n + 1}`,
      labels: labels as Record<string, string>,
    }));
    expect(withoutRecordings(promql, rules)).toBe(expected);
  });

  test('finds nothing without such a label, and does not know without Prometheus', async () => {
    const search = await searching((path) => (path === '/api/v1/series' ? success([{ code: '500' }]) : vector()));
    expect(await search.propose({ promql: RATIO }, isRecorded)).toBeNull();
    expect(await versionLabels(async () => undefined, Date.now).propose({ promql: RATIO }, isRecorded)).toBeUndefined();
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../../../../packages/demo/free-port.ts';
import { eventually } from '../../../../test/support/firebreak.ts';
import { have, type Recorded, type Running, startPrometheus } from '../../../../test/support/prometheus-stack.ts';
import { kubernetesDashboard, serviceDashboard } from '../../decisions/generate/overview-dashboards.ts';
import type { Dashboard } from '../../decisions/generate/panels.ts';

const MINUTES = 30;
const PLACE = { service: 'checkout', environment: 'production' };
const OBJECTIVE = { ...PLACE, slo: 'availability' };
const POD = { cluster: 'eu', namespace: 'shop', pod: 'checkout-1' };
const CONTAINER = { ...POD, container: 'app', job: 'kubelet', service: 'kubelet', image: 'shop', id: '/kubepods/1' };
const OBJECT = { ...POD, job: 'kube-state-metrics' };
const NODE = { cluster: 'eu', namespace: 'monitoring', pod: 'node-exporter-1', job: 'node-exporter', node: 'n1' };

/** Seconds since the start of the recording. */
const since = (secondsAgo: number): number => MINUTES * 60 - secondsAgo;
const series = (name: string, labels: Record<string, string>, at: Recorded['at']): Recorded => ({
  name,
  labels,
  minutes: MINUTES,
  at,
});
const deployedAt = Math.floor(Date.now() / 1000) - 600;

/** Half of 10 requests per second take at most 0.1 s, all but 4 % at most 0.5 s, and all at most 1 s. */
const HISTOGRAM = Object.entries({ '0.1': 5, '0.5': 9.6, '1': 10, '+Inf': 10 }).map(([le, rate]) =>
  series('http_request_duration_seconds_bucket', { service: 'checkout', le }, (ago) => rate * since(ago)),
);

/** Services without an objective: of one, a tenth of 20 requests per second fail, of one none, and one has no label of the status. */
const UNDECLARED = [
  { service: 'search', code: '200', rate: 18 },
  { service: 'search', code: '503', rate: 2 },
  { service: 'basket', code: '200', rate: 5 },
  { service: 'mail', rate: 3 },
].map(({ rate, ...labels }) =>
  series('http_request_duration_seconds_bucket', { ...labels, le: '+Inf' }, (ago) => rate * since(ago)),
);

/**
 * Half as many conversions are completed with the flag as without it, and none with a variant that fails. Another flag has variants
 * with the same names.
 */
const CONVERSIONS = Object.entries({
  'new-basket on': 1,
  'new-basket off': 2,
  'new-basket broken': null,
  'one-click on': 4,
}).flatMap(([name, completed]) => {
  const [flag = '', variant = ''] = name.split(' ');
  const labels = { service: 'checkout', flag, flag_variant: variant };
  return [
    series('checkout_started_total', labels, (ago) => 4 * since(ago)),
    ...(completed === null ? [] : [series('checkout_completed_total', labels, (ago) => completed * since(ago))]),
  ];
});

/** In another environment, as fast and with more conversions. */
const STAGING = [
  ...['0.1', '+Inf'].map((le) =>
    series(
      'http_request_duration_seconds_bucket',
      { service: 'checkout', environment: 'staging', le },
      (ago) => 90 * since(ago),
    ),
  ),
  ...['started', 'completed'].map((step) =>
    series(
      `checkout_${step}_total`,
      { service: 'checkout', environment: 'staging', flag: 'new-basket', flag_variant: 'on' },
      (ago) => 40 * since(ago),
    ),
  ),
];

/** As the generated rules and Firebreak record them. */
const RECORDED: Recorded[] = [
  ...HISTOGRAM,
  ...UNDECLARED,
  ...CONVERSIONS,
  ...STAGING,
  series('firebreak:slo_events:rate5m', OBJECTIVE, () => 10),
  series('firebreak:slo_error:ratio_rate5m', OBJECTIVE, () => 0.02),
  series('firebreak:slo_error_budget:ratio', OBJECTIVE, () => 0.001),
  series('deployment_success_total', PLACE, (ago) => (ago > 600 ? 4 : 5)),
  // It has no objective.
  series('deployment_success_total', { service: 'cart', environment: 'staging' }, () => 0),
  series('deployment_failure_total', PLACE, () => 1),
  series('firebreak_deployment_timestamp_seconds', { ...PLACE, version: 'v2' }, (ago) =>
    ago > 600 ? deployedAt - 9000 : deployedAt,
  ),
  // Reported late: half an hour, and two days.
  ...[1800, 172_800].map((ago) => ({
    ...series('firebreak_deployment_timestamp_seconds', { ...PLACE, version: `late-${ago}` }, () => deployedAt - ago),
    minutes: 8,
  })),
];

/** Series of cAdvisor, kube-state-metrics, and node_exporter. */
const EXPORTED: Recorded[] = [
  series('container_cpu_usage_seconds_total', CONTAINER, (ago) => 0.5 * since(ago)),
  series('container_memory_working_set_bytes', CONTAINER, () => 3e8),
  series('kube_pod_container_resource_requests', { ...OBJECT, container: 'app', resource: 'cpu' }, () => 2),
  series('kube_pod_container_resource_requests', { ...OBJECT, container: 'app', resource: 'memory' }, () => 1e9),
  series('kube_pod_owner', { ...OBJECT, owner_kind: 'StatefulSet', owner_name: 'checkout' }, () => 1),
  series('kube_pod_info', { ...OBJECT, node: 'n1' }, () => 1),
  series('kube_pod_info', { ...OBJECT, namespace: NODE.namespace, pod: NODE.pod, node: 'n1' }, () => 1),
  ...['0', '1'].map((cpu) =>
    series('node_cpu_seconds_total', { ...NODE, cpu, mode: 'idle' }, (ago) => 0.6 * since(ago)),
  ),
  series('node_memory_MemAvailable_bytes', NODE, () => 6e9),
];

/** The same of a cluster whose node_exporter has no label for the node, as with kube-prometheus. */
const WITHOUT_NODE: Recorded[] = EXPORTED.map((recorded) => {
  const isOfNode = ([label]: [string, string]) => label === 'node' && recorded.name.startsWith('node_');
  const labels = Object.entries(recorded.labels).filter((entry) => !isOfNode(entry));
  return { ...recorded, labels: { ...Object.fromEntries(labels), cluster: 'us' } };
});

const BY_POD = 'on (cluster, namespace, pod) group_left (node) kube_pod_info';
const CPU_OF_CONTAINERS = (rate: string) =>
  `sum by (cluster, namespace, pod, container) (${rate}(container_cpu_usage_seconds_total[5m])) * ${BY_POD}`;
const CPU_OF_CONTAINER = 'node_namespace_pod_container:container_cpu_usage_seconds_total';
const requests = (resource: string) =>
  `sum by (cluster, namespace) (kube_pod_container_resource_requests{resource="${resource}"})`;

/**
 * Rules that record the names and labels of kubernetes-mixin.
 *
 * @see https://github.com/kubernetes-monitoring/kubernetes-mixin, rules/apps.libsonnet and node.libsonnet (read 2026-11)
 */
const MIXIN = stringify({
  groups: [
    {
      name: 'kubernetes-mixin',
      rules: Object.entries({
        [`${CPU_OF_CONTAINER}:sum_rate5m`]: CPU_OF_CONTAINERS('rate'),
        [`${CPU_OF_CONTAINER}:sum_irate`]: CPU_OF_CONTAINERS('irate'),
        'node_namespace_pod_container:container_memory_working_set_bytes': `container_memory_working_set_bytes * ${BY_POD}`,
        'namespace_cpu:kube_pod_container_resource_requests:sum': requests('cpu'),
        'namespace_memory:kube_pod_container_resource_requests:sum': requests('memory'),
        'namespace_workload_pod:kube_pod_owner:relabel':
          'max by (cluster, namespace, workload, pod) (label_replace(kube_pod_owner, "workload", "$1", "owner_name", "(.*)"))',
        'node_namespace_pod:kube_pod_info:': 'max by (cluster, node, namespace, pod) (kube_pod_info)',
        'node:node_num_cpu:sum':
          'count by (cluster, node) (node_cpu_seconds_total{mode="idle"} * on (cluster, namespace, pod) group_left (node) node_namespace_pod:kube_pod_info:)',
        'node:node_cpu_utilization:ratio_rate5m':
          '1 - avg by (cluster, node) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
        'cluster:node_cpu:ratio_rate5m': 'avg by (cluster) (node:node_cpu_utilization:ratio_rate5m)',
        ':node_memory_MemAvailable_bytes:sum': 'sum by (cluster) (node_memory_MemAvailable_bytes)',
      }).map(([record, expr]) => ({ record, expr })),
    },
  ],
});

/** Returns the queries of a dashboard as Grafana sends them, by default with all values of the variables but one environment. */
function queriesOf({ panels, annotations, templating }: Dashboard, environment = 'production'): string[] {
  const { list } = templating as { list: { name: string; type: string; query: unknown }[] };
  const targets = panels.flatMap((panel) => (panel['targets'] as { expr: string }[]).map(({ expr }) => expr));
  const marks = (annotations as { list: { expr: string }[] }).list.map(({ expr }) => expr);
  return [...targets, ...marks].map((query) =>
    list.reduce(
      (text, { name, type, query: value }) =>
        text.replaceAll(
          `$${name}`,
          type === 'textbox' ? String(value) : name === 'environment' ? `(${environment})` : '.*',
        ),
      query,
    ),
  );
}

describe.skipIf(!have('prometheus', 'promtool'))('in a Prometheus', () => {
  let prometheus: Running;

  beforeAll(async () => {
    const port = await freePort();
    prometheus = await startPrometheus({
      port,
      targets: [],
      alertmanagers: [],
      rules: MIXIN,
      history: [...RECORDED, ...EXPORTED, ...WITHOUT_NODE],
    });
  });
  afterAll(() => prometheus?.stop());

  /** Two minutes before the end of what is recorded. */
  const RECORDED_AT = deployedAt + 480;

  const run = async (
    query: string,
    time = RECORDED_AT,
  ): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const response = await fetch(
      `${prometheus.url}/api/v1/query?${new URLSearchParams({ query, time: String(time) }).toString()}`,
    );
    const { status, data, error } = (await response.json()) as { status: string; data: any; error?: string };
    expect([query, status, error]).toEqual([query, 'success', undefined]);
    return data.result;
  };

  const emptyOf = async (queries: readonly string[], time?: number): Promise<string[]> => {
    const results = await Promise.all(queries.map((query) => run(query, time)));
    return queries.filter((_, index) => results[index]?.length === 0);
  };

  test.each([
    ['service overview', serviceDashboard()],
    ['infrastructure overview', kubernetesDashboard()],
  ])('the deploys of the %s are found', async (_, dashboard) => {
    const marks = queriesOf(dashboard).at(-1) ?? '';
    const marked = async (steps: string) =>
      (await run(`count_over_time((${marks})[${steps}:1m])`)).map(({ metric, value }) => [metric['version'], value[1]]);
    const found = new Map((await marked('20m')).map(([version, count]) => [version, count]));
    expect(new Set(found.keys())).toEqual(new Set(['late-1800', 'v2']));
    expect(found.get('late-1800')).toBe('1');
  });

  test('each query of the service overview returns series', async () => {
    expect(await emptyOf(queriesOf(serviceDashboard()).slice(0, -1))).toEqual([]);
  });

  test('each query of the infrastructure overview returns series of the rules', async () => {
    const queries = queriesOf(kubernetesDashboard()).slice(0, -1);
    const now = () => Math.floor(Date.now() / 1000);
    await eventually(async () => (await emptyOf(queries, now())).length === 0, 'the series of the rules');
    const results = await Promise.all(queries.map((query) => run(query, now())));
    // A label that no rule records would be missing here, and a join on it would return nothing.
    expect(new Set(results.flat().flatMap(({ metric }) => Object.keys(metric)))).toEqual(
      new Set(['__name__', 'namespace', 'workload', 'cluster', 'node']),
    );
    const [cpu = []] = results;
    expect(cpu).toHaveLength(1);
    // Half a core in each cluster, counted once.
    expect(Number(cpu[0]?.value[1])).toBeLessThan(1.2);
  });

  test('CPU by node is that of its containers where the node of node_exporter is not known', async () => {
    const query = queriesOf(kubernetesDashboard()).find((one) => one.includes('node_cpu_utilization')) ?? '';
    const now = () => Math.floor(Date.now() / 1000);
    const lastRule = 'cluster:node_cpu:ratio_rate5m';
    await eventually(async () => (await run(lastRule, now())).length === 2, 'the series of both clusters');
    const at = now();
    const byCluster = async (one: string) =>
      Object.fromEntries(
        (await run(one, at)).map(({ metric, value }) => [`${metric['cluster']} ${metric['node']}`, value[1]]),
      );
    const ofNode = await byCluster('node:node_cpu_utilization:ratio_rate5m{cluster="eu"}');
    const ofContainers = await byCluster(`sum by (cluster, node) (${CPU_OF_CONTAINER}:sum_rate5m{cluster="us"}) / 2`);
    expect(Object.keys({ ...ofNode, ...ofContainers })).toEqual(['eu n1', 'us n1']);
    expect(await byCluster(query)).toEqual({ ...ofNode, ...ofContainers });
  });

  test.each([
    [
      'Rate',
      { checkout: [10], search: [expect.closeTo(20, 3)], basket: [expect.closeTo(5, 3)], mail: [expect.closeTo(3, 3)] },
    ],
    ['Errors', { checkout: [0.02, 0.001], search: [expect.closeTo(0.1, 3)], basket: [0] }],
  ])('%s is that of the objective, or of the histogram if there is none', async (title, expected) => {
    const panel = serviceDashboard().panels.find((one) => one['title'] === title);
    const results = await Promise.all(
      queriesOf({ ...serviceDashboard(), panels: [panel ?? {}] })
        .slice(0, -1)
        .map((query) => run(query)),
    );
    const byService = Map.groupBy(results.flat(), ({ metric }) => metric['service']);
    expect(
      Object.fromEntries([...byService].map(([name, all]) => [name, all.map(({ value }) => Number(value[1]))])),
    ).toEqual(expected);
  });

  test('conversions are those of each variant', async () => {
    const query = queriesOf(serviceDashboard()).find((one) => one.includes('flag_variant')) ?? '';
    const rates = (await run(query)).map(({ metric, value }) => [
      `${metric['flag']} ${metric['flag_variant']}`,
      Number(value[1]),
    ]);
    expect(Object.fromEntries(rates)).toEqual({
      'new-basket on': expect.closeTo(0.25, 3),
      'new-basket off': expect.closeTo(0.5, 3),
      'new-basket broken': 0,
      'one-click on': expect.closeTo(1, 3),
    });
  });

  test.each([
    ['service', ['cart', 'checkout']],
    ['environment', ['production', 'staging']],
  ])('the variable %s offers all, with an objective or deploys', async (variable, expected) => {
    const { list } = serviceDashboard()['templating'] as { list: { name: string; query: { query: string } }[] };
    const { query } = list.find(({ name }) => name === variable)?.query ?? expect.unreachable();
    const [, selector = '', label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
    const match = new URLSearchParams({ 'match[]': selector.replaceAll('$service', '.*') });
    const response = await fetch(`${prometheus.url}/api/v1/label/${label}/values?${match.toString()}`);
    expect(await response.json()).toEqual({ status: 'success', data: expected });
  });

  test('quantiles are those of the histogram', async () => {
    const queries = queriesOf(serviceDashboard()).filter((query) => query.startsWith('histogram_quantile'));
    const ofCheckout = async (query: string) =>
      (await run(query)).find(({ metric }) => metric['service'] === PLACE.service)?.value[1];
    const quantiles = (await Promise.all(queries.map(ofCheckout))).map(Number);
    const [p50 = NaN, p95 = NaN, p99 = NaN] = quantiles;
    expect(p50).toBeCloseTo(0.1, 2);
    expect(p95).toBeLessThan(0.5);
    expect(p99).toBeCloseTo(0.875, 2);
  });
});

import { ALLOWED_ERROR_RATIO, errorRatio, EVENTS } from './names.ts';
import { type Dashboard, dashboard, table, timeseries } from './panels.ts';

/** Services with objectives, and those of the catalogue. */
const MEASURED = `__name__=~"${EVENTS}|deployment_success_total"`;

const SERVICE_SELECTOR = '{service=~"$service", environment=~"$environment"}';

/** Of series that the reader names. Those of many applications have no environment, and are shown in each. */
const OF_SERVICE = 'service=~"$service", environment=~"$environment|"';

/** Returns a quantile of the durations by service, from the histogram that the reader of the dashboard names. */
const duration = (quantile: number): string =>
  `histogram_quantile(${quantile}, sum by (service, le) (rate($histogram{${OF_SERVICE}}[5m])))`;

/** Returns the requests per second of services in that histogram: the last bucket counts all. `status`: only of series with this label. */
const requests = (status = ''): string =>
  `sum by (service) (rate($histogram{${OF_SERVICE}, le="+Inf"${status && `, $status${status}`}}[5m]))`;

/** Of a service that has requests with a status, and none that failed, the share is 0. Without that label, it is unknown. */
const FAILED = `(${requests('=~"5.."')} or 0 * ${requests('!=""')}) / ${requests('!=""')}`;

const withoutObjective = (expr: string): string => `(${expr}) unless on (service) ${EVENTS}${SERVICE_SELECTOR}`;

/** Returns the rate of a counter that the reader names, by variant of each flag of a service: flags have variants of the same name. */
const byVariant = (counter: string): string =>
  `sum by (service, flag, flag_variant) (rate($${counter}{${OF_SERVICE}, flag_variant!=""}[5m]))`;

/** A counter of completed conversions starts with the first one: until then, the share is 0. */
const CONVERSION = `(${byVariant('completed')} or 0 * ${byVariant('started')}) / ${byVariant('started')}`;

/** Builds the overview of services: rate, errors, durations, and conversions, with their deploys. */
export function serviceDashboard(): Dashboard {
  const deploys = (result: string) => `sum by (service) (increase(deployment_${result}_total${SERVICE_SELECTOR}[1d]))`;
  return dashboard(
    'firebreak-services',
    'Service overview',
    {
      tags: ['firebreak', 'services'],
      from: 'now-6h',
      variables: [
        ['service', `{${MEASURED}}`],
        ['environment', `{${MEASURED}, service=~"$service"}`],
      ],
      texts: [
        ['histogram', 'Histogram of durations', 'http_request_duration_seconds_bucket'],
        ['status', 'Its label with the HTTP status', 'code'],
        ['started', 'Counter of started conversions', 'checkout_started_total'],
        ['completed', 'Counter of completed conversions', 'checkout_completed_total'],
      ],
      deploysOf: SERVICE_SELECTOR,
    },
    [
      timeseries(
        'Rate',
        'Events per second, by objective; without one, requests in the histogram',
        0,
        0,
        12,
        9,
        'short',
        [
          [`${EVENTS}${SERVICE_SELECTOR}`, '{{service}} {{environment}} {{slo}}'],
          [withoutObjective(requests()), '{{service}}'],
        ],
      ),
      timeseries(
        'Errors',
        'Share of the events of 5 min, and what the objective allows; without one, requests in the histogram with a status of 5xx',
        12,
        0,
        12,
        9,
        'percentunit',
        [
          [`${errorRatio('5m')}${SERVICE_SELECTOR}`, '{{service}} {{environment}} {{slo}}'],
          [`${ALLOWED_ERROR_RATIO}${SERVICE_SELECTOR}`, '{{slo}} allowed'],
          [withoutObjective(FAILED), '{{service}}'],
        ],
      ),
      timeseries('Duration', 'Quantiles of 5 min', 0, 9, 12, 9, 's', [
        [duration(0.5), '{{service}} p50'],
        [duration(0.95), '{{service}} p95'],
        [duration(0.99), '{{service}} p99'],
      ]),
      timeseries('Deploys', 'Of the last day', 12, 9, 12, 9, 'short', [
        [deploys('success'), '{{service}} succeeded'],
        [deploys('failure'), '{{service}} failed'],
      ]),
      timeseries('Conversion by flag variant', 'Completed by started, of 5 min', 0, 18, 12, 9, 'percentunit', [
        [CONVERSION, '{{service}} {{flag}} {{flag_variant}}'],
      ]),
    ],
  );
}

const NAMESPACE = '{namespace=~"$namespace"}';
const CONTAINER = 'node_namespace_pod_container:container';

/**
 * Builds the overview of clusters, from series that kubernetes-mixin records.
 *
 * @see https://github.com/kubernetes-monitoring/kubernetes-mixin, rules/apps.libsonnet and node.libsonnet (read 2026-11)
 */
export function kubernetesDashboard(): Dashboard {
  const byNamespace = (series: string): string => `sum by (namespace) (${series})`;
  // Older versions record only the second one.
  const cpuOf = (selector: string): string =>
    ['sum_rate5m', 'sum_irate'].map((how) => `${CONTAINER}_cpu_usage_seconds_total:${how}${selector}`).join(' or ');
  const cpuOfContainers = `sum by (cluster, node) (${cpuOf('')}) / max by (cluster, node) (node:node_num_cpu:sum)`;
  // kube-prometheus has no label `node` at the series of node_exporter.
  const cpuOfNodes = `max by (cluster, node) (node:node_cpu_utilization:ratio_rate5m{node!=""}) or ${cpuOfContainers}`;
  const requested = (resource: string): string =>
    byNamespace(`namespace_${resource}:kube_pod_container_resource_requests:sum${NAMESPACE}`);
  return dashboard(
    'firebreak-kubernetes',
    'Infrastructure overview',
    {
      tags: ['firebreak', 'infrastructure'],
      from: 'now-6h',
      variables: [['namespace', 'namespace_workload_pod:kube_pod_owner:relabel']],
      deploysOf: '',
    },
    [
      timeseries('CPU', 'Cores in use, and requested', 0, 0, 12, 9, 'short', [
        [byNamespace(cpuOf(NAMESPACE)), '{{namespace}}'],
        [requested('cpu'), '{{namespace}} requested'],
      ]),
      timeseries('Memory', 'Working sets, and requested', 12, 0, 12, 9, 'bytes', [
        [byNamespace(`${CONTAINER}_memory_working_set_bytes${NAMESPACE}`), '{{namespace}}'],
        [requested('memory'), '{{namespace}} requested'],
      ]),
      timeseries('Pods', 'By workload, the 20 largest', 0, 9, 12, 9, 'short', [
        [
          `topk(20, count by (namespace, workload) (namespace_workload_pod:kube_pod_owner:relabel${NAMESPACE}))`,
          '{{namespace}} {{workload}}',
        ],
      ]),
      timeseries('CPU of nodes', 'Share in use; by containers, if only they are known', 12, 9, 12, 9, 'percentunit', [
        [cpuOfNodes, '{{cluster}} {{node}}'],
        ['cluster:node_cpu:ratio_rate5m', '{{cluster}} all'],
      ]),
      table('Nodes', 0, 18, 12, 9, [
        ['CPUs', 'sum by (cluster, node) (node:node_num_cpu:sum)', 'none'],
        ['CPU in use', cpuOfNodes],
        ['Pods', 'count by (cluster, node) (node_namespace_pod:kube_pod_info:)', 'none'],
      ]),
      timeseries('Available memory of nodes', 'All nodes of a cluster', 12, 18, 12, 9, 'bytes', [
        [':node_memory_MemAvailable_bytes:sum', '{{cluster}}'],
      ]),
    ],
  );
}

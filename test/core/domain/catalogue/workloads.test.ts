import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toSignal } from '../../../../core/domain/alerts/signal.ts';
import { select } from '../../../../core/domain/runbooks/select.ts';
import { loadRunbooks } from '../../../../local/config/runbook-files.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { anAlert } from '../../alert.ts';
import { KUBERNETES_MIXIN, NODE_MIXIN } from './mixins.ts';
import { variables } from '../runbooks/support.ts';

const ROOT = join(import.meta.dirname, '../../../..');

const kubernetes = { kind: 'kubernetes', url: 'https://k8s.example', auth: { bearer: 'KUBERNETES_TOKEN' } };
const config = Config.parse({
  version: 'test',
  paging: {},
  services: {
    checkout: {
      environments: {
        production: { deployer: { ...kubernetes, namespace: 'shop' } },
        staging: { deployer: { ...kubernetes, namespace: 'shop-staging' } },
      },
    },
    'checkout-api': { environments: { production: { deployer: { ...kubernetes, namespace: 'shop' } } } },
    orders: {
      environments: {
        production: {
          sources: {
            kubernetesWorkload: [
              'eu-1/shop/StatefulSet/orders.db',
              'shop/CronJob/orders-nightly',
              'shop/DaemonSet/orders-agent',
            ],
          },
        },
        canary: { sources: { kubernetesWorkload: ['eu-2/shop/StatefulSet/orders.db'] } },
      },
    },
    fraud: { environments: { production: { deployer: { ...kubernetes, kind: 'flagger', namespace: 'risk' } } } },
    twin: {
      environments: {
        a: { sources: { kubernetesWorkload: 'two/Deployment/twin' } },
        b: { sources: { kubernetesWorkload: 'two/Deployment/twin' } },
      },
    },
    platform: { match: { job: 'node-exporter' }, environments: { production: {} } },
  },
});

/** Labels of kube-state-metrics as kube-prometheus scrapes it. */
const KSM = {
  job: 'kube-state-metrics',
  service: 'kube-state-metrics',
  instance: '10.0.0.7:8443',
  endpoint: 'https-main',
  prometheus: 'monitoring/k8s',
  severity: 'warning',
};

const where = (labels: Record<string, string>): string => {
  const { service, environment, unmatched } = toSignal(anAlert({ labels }), config);
  return unmatched === null ? `${service} in ${environment}` : `unmatched ${unmatched}`;
};

describe('an alert of kubernetes-mixin belongs to the service whose workload it names', () => {
  test.each([
    [
      {
        ...KSM,
        alertname: 'KubePodCrashLooping',
        namespace: 'shop',
        pod: 'checkout-7cc77d965f-cgsdv',
        container: 'app',
        reason: 'CrashLoopBackOff',
        uid: '6b0f',
      },
      'checkout in production',
    ],
    [
      {
        alertname: 'KubePodNotReady',
        job: 'kube-state-metrics',
        cluster: 'kubernetes',
        namespace: 'shop-staging',
        pod: 'checkout-7cc77d965f-cgsdv',
        severity: 'warning',
      },
      'checkout in staging',
    ],
    [
      {
        ...KSM,
        alertname: 'KubeDeploymentRolloutStuck',
        namespace: 'shop',
        deployment: 'checkout-api',
        condition: 'Progressing',
        status: 'false',
      },
      'checkout-api in production',
    ],
    [
      {
        ...KSM,
        alertname: 'KubeContainerWaiting',
        namespace: 'shop',
        pod: 'checkout-api-5d4f8c7b9-x2k4q',
        container: 'app',
        reason: 'ImagePullBackOff',
      },
      'checkout-api in production',
    ],
    [
      {
        alertname: 'CPUThrottlingHigh',
        severity: 'info',
        cluster: 'eu-1',
        namespace: 'shop',
        pod: 'orders.db-0',
        container: 'db',
        instance: 'node1',
      },
      'orders in production',
    ],
    [
      {
        alertname: 'CPUThrottlingHigh',
        severity: 'info',
        cluster: 'eu-2',
        namespace: 'shop',
        pod: 'orders.db-0',
        container: 'db',
        instance: 'node1',
      },
      'orders in canary',
    ],
    [
      {
        ...KSM,
        alertname: 'KubeStatefulSetUpdateNotRolledOut',
        cluster: 'eu-1',
        namespace: 'shop',
        statefulset: 'orders.db',
      },
      'orders in production',
    ],
    [
      { ...KSM, alertname: 'KubeHpaMaxedOut', namespace: 'shop', horizontalpodautoscaler: 'checkout' },
      'checkout in production',
    ],
    [
      { ...KSM, alertname: 'KubePdbNotEnoughHealthyPods', namespace: 'risk', poddisruptionbudget: 'fraud' },
      'fraud in production',
    ],
    [
      { ...KSM, alertname: 'KubePodNotReady', namespace: 'risk', pod: 'fraud-primary-5d4f8c7b9-x2k4q' },
      'fraud in production',
    ],
    [
      { ...KSM, alertname: 'KubeDeploymentReplicasMismatch', namespace: 'risk', deployment: 'fraud-primary' },
      'fraud in production',
    ],
    [
      {
        ...KSM,
        alertname: 'KubeJobFailed',
        namespace: 'shop',
        job_name: 'orders-nightly-29012345',
        reason: 'BackoffLimitExceeded',
      },
      'orders in production',
    ],
    [
      { ...KSM, alertname: 'KubePodNotReady', namespace: 'shop', pod: 'orders-nightly-29012345-x2k4q' },
      'orders in production',
    ],
    [
      { ...KSM, alertname: 'KubeDaemonSetRolloutStuck', namespace: 'shop', daemonset: 'orders-agent' },
      'orders in production',
    ],
    [
      {
        alertname: 'KubePersistentVolumeFillingUp',
        job: 'kubelet',
        service: 'kubelet',
        cluster: 'eu-1',
        namespace: 'shop',
        persistentvolumeclaim: 'data-orders.db-0',
        severity: 'critical',
      },
      'orders in production',
    ],
    [
      { ...KSM, alertname: 'KubeDeploymentReplicasMismatch', namespace: 'two', deployment: 'twin', environment: 'b' },
      'twin in b',
    ],
    [
      { alertname: 'NodeCPUHighUsage', job: 'node-exporter', instance: 'node1', severity: 'info' },
      'platform in production',
    ],
  ])('%j: %s', (labels, place) => {
    expect(where(labels)).toBe(place);
  });

  test.each([
    ['a workload of several environments', { ...KSM, namespace: 'two', deployment: 'twin' }],
    ['a workload that the catalogue does not list', { ...KSM, namespace: 'shop', deployment: 'cart' }],
    ['the same name in another namespace', { ...KSM, namespace: 'other', deployment: 'checkout' }],
    [
      'a pod whose name only begins like that of a workload',
      { ...KSM, namespace: 'shop', pod: 'checkout-worker-5d4f8c7b9-x2k4q' },
    ],
    [
      'a pod with a name that Kubernetes does not generate',
      { ...KSM, namespace: 'shop', pod: 'checkout-5d4f8c7b9-debug' },
    ],
    [
      'a name in which the dot stands for another character',
      { ...KSM, cluster: 'eu-1', namespace: 'shop', statefulset: 'ordersxdb' },
    ],
    ['a workload of another cluster', { ...KSM, cluster: 'us-1', namespace: 'shop', statefulset: 'orders.db' }],
    ['an alert about the whole cluster', { alertname: 'KubeCPUOvercommit', severity: 'warning', namespace: '' }],
  ])('not %s', (_, labels) => {
    expect(where(labels)).toMatch(/^unmatched/);
  });

  test('unless a service of the catalogue has its labels', () => {
    expect(
      where({
        service: 'checkout-api',
        environment: 'production',
        namespace: 'shop',
        pod: 'checkout-7cc77d965f-cgsdv',
      }),
    ).toBe('checkout-api in production');
  });
});

test('each alert in the table of the docs leads to its runbook, which changes nothing', async () => {
  const page = readFileSync(join(ROOT, 'docs/how-to/kubernetes-alerts.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (`(?:Kube|CPU|Node)[^|]+) \| `([a-z-]+)` \|$/gm)].flatMap(
    ([, names = '', runbook = '']) => names.split(', ').map((name) => [name.replaceAll('`', ''), runbook] as const),
  );
  // Neither mixin has another alert, and the table has none that they do not have.
  const found = rows.map(([name]) => name);
  expect(found.toSorted()).toEqual([...KUBERNETES_MIXIN, ...NODE_MIXIN].toSorted());
  const loaded = await loadRunbooks(join(ROOT, 'runbooks'));
  if (!loaded.ok) throw new Error(loaded.problems.join('\n'));
  for (const [alertname, runbook] of [
    ...rows,
    ['ContainerCPUHigh', 'resource-pressure'],
    ['ContainerMemoryHigh', 'resource-pressure'],
  ] as const) {
    const labels = new Map(
      Object.entries({ alertname, service: 'checkout', environment: 'production', severity: 'warning' }),
    );
    const chosen = select(loaded.set.runbooks, labels, variables({ labels })).chosen;
    expect([alertname, chosen?.name]).toEqual([alertname, runbook]);
    if (runbook !== 'disk-filling') expect(chosen?.steps).toEqual([]);
  }
});

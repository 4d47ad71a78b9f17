import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Fault, GOOD, type Scenario, SCENARIOS } from './scenarios.ts';

/* The objects of the test cluster, and the values of Firebreak's chart. kind.test.ts checks them against published schemas. */

export const IMAGE = 'localhost/firebreak:kind';
export const NAMESPACE = 'shop';
const PORT = 8080;
/** Ports of the nodes, which cluster.yaml publishes on this machine. */
export const NODE_PORTS = { firebreak: 30080, argoCd: 30081, git: 30082 } as const;
export const DEPENDENCY = 'payments';

/** A Kubernetes object. */
export type Manifest = { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } } & Record<
  string,
  unknown
>;

const object = (apiVersion: string, kind: string, name: string, namespace: string, rest: object): Manifest => ({
  apiVersion,
  kind,
  metadata: { name, namespace },
  ...rest,
});

const requests = (service: string, more = '', by = ''): string =>
  `sum${by}(rate(demo_requests_total{service="${service}"${more}}[1m]))`;
const FAILED = ',result!="ok"';

/** The catalogue of Firebreak. */
const services = () => ({
  [DEPENDENCY]: { defaultEnvironment: 'production', environments: { production: { health: health(DEPENDENCY) } } },
  ...Object.fromEntries(
    SCENARIOS.map((scenario) => {
      const { service, evidence, dependsOn } = scenario;
      const environment = {
        deployer: deployerOf(scenario),
        autoRollback: { mode: 'act', evidence },
        health: health(service),
      };
      const of = { ...(dependsOn && { dependsOn: [dependsOn] }), defaultEnvironment: 'production' };
      return [service, { ...of, environments: { production: environment } }];
    }),
  ),
});

const health = (service: string) => ({
  promql: `${requests(service, FAILED)} / ${requests(service)}`,
  max: 0.05,
  traffic: requests(service),
  byVersion: `${requests(service, FAILED, ' by (version)')} / ${requests(service, '', ' by (version)')}`,
  trafficByVersion: requests(service, '', ' by (version)'),
});

const deployerOf = ({ target, service, recordRollouts }: Scenario): object =>
  target === 'argo-cd'
    ? { kind: target, application: service, project: 'default', automatedSync: 'suspend' }
    : { kind: target, namespace: NAMESPACE, ...(recordRollouts && { recordRollouts }) };

/** Values of deploy/chart. */
export const chartValues = () => ({
  image: { repository: IMAGE.split(':')[0], tag: IMAGE.split(':')[1], pullPolicy: 'Never' },
  existingSecret: 'firebreak',
  environment: {
    PROMETHEUS_URL: 'http://prometheus-operated.monitoring.svc:9090',
    ALERTMANAGER_URL: 'http://alertmanager-operated.monitoring.svc:9093',
    ARGOCD_URL: 'http://argocd-server.argocd.svc',
  },
  config: {
    services: { services: services() },
    // Each scenario is judged alone: what an earlier one left must not group with it.
    routes: { manyAtOnce: 'off', failTogether: 'ignore', routes: [{ incident: true }] },
  },
});

const labelsOf = (service: string, version: string) => ({ app: service, 'app.kubernetes.io/version': version });

const container = (image: string, args: readonly string[], env: Record<string, string>) => ({
  name: 'app',
  image,
  imagePullPolicy: 'IfNotPresent', // the image of the load and the services is in the nodes
  command: ['node', '/opt/demo/demo.mjs', ...args],
  env: Object.entries(env).map(([name, value]) => ({ name, value })),
  ports: [{ name: 'http', containerPort: PORT }],
  volumeMounts: [
    { name: 'demo', mountPath: '/opt/demo' },
    { name: 'settings', mountPath: '/etc/demo' },
  ],
  resources: { requests: { cpu: '10m', memory: '48Mi' } },
});

const podSpec = (service: string, app: object) => ({
  terminationGracePeriodSeconds: 5,
  containers: [app],
  volumes: [
    { name: 'demo', configMap: { name: 'demo' } },
    { name: 'settings', configMap: { name: `${service}-settings`, optional: true } },
  ],
});

/** What a version of a service is deployed as. */
export function workload(
  { service, target, dependsOn }: Pick<Scenario, 'service' | 'target' | 'dependsOn'>,
  version: string,
  fault: Fault = {},
): Manifest {
  const env = {
    VERSION: version,
    FAULT: JSON.stringify(fault),
    ...(dependsOn && { DEPENDENCY: `http://${dependsOn}:${PORT}` }),
  };
  const readinessProbe = { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 2 };
  const app = { ...container(fault.image ?? IMAGE, ['serve'], env), readinessProbe };
  const common = {
    replicas: target === 'argo-rollouts' ? 4 : 2,
    selector: { matchLabels: { app: service } },
    template: { metadata: { labels: labelsOf(service, version) }, spec: podSpec(service, app) },
  };
  if (target === 'argo-rollouts') {
    const steps = [{ setWeight: 50 }, { pause: { duration: '30m' } }];
    return object('argoproj.io/v1alpha1', 'Rollout', service, NAMESPACE, {
      spec: { ...common, strategy: { canary: { steps } } },
    });
  }
  return object('apps/v1', 'Deployment', service, NAMESPACE, { spec: { ...common, progressDeadlineSeconds: 60 } });
}

export const settings = (service: string, fault: Fault): Manifest =>
  object('v1', 'ConfigMap', `${service}-settings`, NAMESPACE, { data: { 'settings.json': JSON.stringify(fault) } });

const service = (name: string, namespace: string, selector: object, port: object): Manifest =>
  object('v1', 'Service', name, namespace, { spec: { selector, ports: [{ name: 'http', port: PORT, ...port }] } });

const outside = (name: string, namespace: string, selector: object, targetPort: number, nodePort: number): Manifest =>
  object('v1', 'Service', name, namespace, {
    spec: { type: 'NodePort', selector, ports: [{ name: 'http', port: PORT, targetPort, nodePort }] },
  });

/** The Application, whose automated sync heals changes in the cluster. */
const application = (name: string): Manifest =>
  object('argoproj.io/v1alpha1', 'Application', name, 'argocd', {
    spec: {
      project: 'default',
      source: { repoURL: `http://git.git.svc:${PORT}/shop/deploy.git`, targetRevision: 'main', path: name },
      destination: { server: 'https://kubernetes.default.svc', namespace: NAMESPACE },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  });

/** The Canary, which Flagger promotes after ten minutes without a failed check, and whose gate Firebreak opens. */
export const canary = (name: string, key: string): Manifest =>
  object('flagger.app/v1beta1', 'Canary', name, NAMESPACE, {
    spec: {
      provider: 'kubernetes',
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      service: { port: PORT, targetPort: PORT },
      analysis: {
        interval: '10s',
        threshold: 5,
        iterations: 60,
        webhooks: [
          {
            name: 'firebreak',
            type: 'rollback',
            url: `http://firebreak.firebreak.svc:8080/integrations/flagger/rollback?key=${key}`,
          },
        ],
      },
    },
  });

/** Prometheus and Alertmanager by Prometheus Operator, with one rule for all services. */
export function monitoring(tokens: Readonly<Record<string, string>>): Manifest[] {
  const inMonitoring = (apiVersion: string, kind: string, name: string, rest: object) =>
    object(apiVersion, kind, name, 'monitoring', rest);
  const rule = {
    alert: 'RequestsFail',
    expr: `sum by (service) (rate(demo_requests_total{result!="ok"}[1m])) / sum by (service) (rate(demo_requests_total[1m])) > 0.05`,
    for: '15s',
    labels: { environment: 'production', severity: 'critical', action: 'auto-rollback' },
    annotations: { summary: '{{ $labels.service }} fails {{ $value | humanizePercentage }} of its requests' },
  };
  const url = 'http://firebreak.firebreak.svc:8080/v1/alerts/alertmanager';
  const alertmanager = {
    route: {
      receiver: 'none',
      group_by: ['service'],
      group_wait: '5s',
      group_interval: '10s',
      routes: Object.keys(tokens).map((name) => ({ receiver: name, matchers: [`service="${name}"`] })),
    },
    receivers: [
      { name: 'none' },
      // A token for each, because Firebreak limits automatic rollbacks for the alerts of one sender.
      ...Object.entries(tokens).map(([name, credentials]) => ({
        name,
        webhook_configs: [
          { url, send_resolved: true, http_config: { authorization: { credentials }, follow_redirects: false } },
        ],
      })),
    ],
  };
  const role = { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] };
  const everything = { matchLabels: { team: 'demo' } };
  return [
    inMonitoring('v1', 'ServiceAccount', 'prometheus', {}),
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'demo-prometheus' },
      rules: [role],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'demo-prometheus' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'demo-prometheus' },
      subjects: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'monitoring' }],
    },
    inMonitoring('monitoring.coreos.com/v1', 'Prometheus', 'demo', {
      spec: {
        serviceAccountName: 'prometheus',
        scrapeInterval: '5s',
        evaluationInterval: '5s',
        podMonitorSelector: everything,
        podMonitorNamespaceSelector: {},
        ruleSelector: everything,
        alerting: { alertmanagers: [{ name: 'alertmanager-operated', namespace: 'monitoring', port: 'web' }] },
      },
    }),
    inMonitoring('monitoring.coreos.com/v1', 'Alertmanager', 'demo', {
      spec: { replicas: 1, configSecret: 'alertmanager' },
    }),
    inMonitoring('v1', 'Secret', 'alertmanager', { stringData: { 'alertmanager.yaml': JSON.stringify(alertmanager) } }),
    labelled(
      inMonitoring('monitoring.coreos.com/v1', 'PrometheusRule', 'demo', {
        spec: { groups: [{ name: 'demo', rules: [rule] }] },
      }),
    ),
    labelled(
      object('monitoring.coreos.com/v1', 'PodMonitor', 'load', NAMESPACE, {
        spec: {
          selector: { matchLabels: { app: 'load' } },
          podMetricsEndpoints: [{ port: 'http', honorLabels: true }],
        },
      }),
    ),
  ];
}

const labelled = (manifest: Manifest): Manifest => ({
  ...manifest,
  metadata: Object.assign({ labels: { team: 'demo' } }, manifest.metadata),
});

/** A Git server for Argo CD. */
const git = (): Manifest =>
  object('apps/v1', 'Deployment', 'git', 'git', {
    spec: {
      selector: { matchLabels: { app: 'git' } },
      template: {
        metadata: { labels: { app: 'git' } },
        spec: {
          containers: [
            {
              name: 'gitea',
              image: 'docker.io/gitea/gitea:1.24.6-rootless',
              env: [{ name: 'GITEA__security__INSTALL_LOCK', value: 'true' }],
              ports: [{ containerPort: 3000 }],
              readinessProbe: { httpGet: { path: '/api/healthz', port: 3000 } },
            },
          ],
        },
      },
    },
  });

/** Everything that runs before the first scenario, except what needs tokens of Firebreak. */
export function world(): Manifest[] {
  const script = readFileSync(join(import.meta.dirname, 'demo.mjs'), 'utf8');
  const payments = { service: DEPENDENCY, target: 'kubernetes' } as const;
  const all = [payments, ...SCENARIOS];
  const targets = all.flatMap(({ service: name, target }) => [
    `${name}=http://${name}:${PORT}`,
    ...(target === 'flagger' ? [`${name}~http://${name}-canary:${PORT}`] : []),
  ]);
  return [
    object('v1', 'ConfigMap', 'demo', NAMESPACE, { data: { 'demo.mjs': script } }),
    ...all.map(({ service: name }) => settings(name, {})),
    // Flagger creates the Services of its canaries, and Argo CD deploys from Git.
    ...all
      .filter(({ target }) => target !== 'flagger')
      .map(({ service: name }) => service(name, NAMESPACE, { app: name }, { targetPort: PORT })),
    ...all.filter(({ target }) => target !== 'argo-cd').map((scenario) => workload(scenario, GOOD)),
    object('apps/v1', 'Deployment', 'load', NAMESPACE, {
      spec: {
        selector: { matchLabels: { app: 'load' } },
        template: {
          metadata: { labels: { app: 'load' } },
          spec: podSpec('load', container(IMAGE, ['load', ...targets], {})),
        },
      },
    }),
    git(),
    service('git', 'git', { app: 'git' }, { targetPort: 3000 }),
    outside('git-outside', 'git', { app: 'git' }, 3000, NODE_PORTS.git),
    outside('argo-cd-outside', 'argocd', { 'app.kubernetes.io/name': 'argocd-server' }, 8080, NODE_PORTS.argoCd),
    outside('firebreak-outside', 'firebreak', { 'app.kubernetes.io/name': 'firebreak' }, 8080, NODE_PORTS.firebreak),
    ...SCENARIOS.filter(({ target }) => target === 'argo-cd').map(({ service: name }) => application(name)),
  ];
}

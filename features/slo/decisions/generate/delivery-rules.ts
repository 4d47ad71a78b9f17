import type { Config, EnvironmentEntry } from '../../../../schemas/config/config.ts';
import { DEPLOYED_RECENTLY, FAILING } from './degradation.ts';
import { regexOf } from './names.ts';
import type { AlertingRule, Rule, RuleFile, RuleGroup } from './rule.ts';

type Services = Config['services'];
type Environment = EnvironmentEntry;

export type DeliveryRulesOptions = {
  services: Services;
  /** Address of Firebreak, without a trailing slash. */
  url: string;
  /** Production environments. */
  environments: readonly string[];
  /** Whether to report services that deploy rarely. */
  lowVelocity: boolean;
};

/** Share of errors after a deploy at which there is no point in waiting for more of them. */
const HIGH_ERROR_RATIO = 0.1;

const RESTORE_MAX_SECONDS = 3600;
const START_UP_MAX_SECONDS = 60;

/** Age from which an instance no longer counts as a new one. */
const NEW_INSTANCE_SECONDS = 1800;

const DEPLOYS_PER_DAY_MIN = '1 / 7';

/** Builds the alerts about deploys, their consequences, and differences from what is in Git. */
export function deliveryRules(options: DeliveryRulesOptions): RuleFile {
  const rule = ruleMaker(options.url);
  const common: Rule[] = [
    rule('DeploymentFailed', 'deployment-failure', {
      expr: 'max by (service, environment, version) (firebreak_deployment_failed) == 1',
      labels: { severity: 'ticket', runbook: 'deployment-failure' },
      summary: 'The deploy of {{ $labels.version }} to {{ $labels.service }} failed',
      description: 'No later deploy of {{ $labels.service }} in {{ $labels.environment }} has succeeded.',
    }),
    rule('HighErrorRateAfterDeploy', 'high-error-rate-after-deploy', {
      expr: `(${FAILING} > ${HIGH_ERROR_RATIO})\nand on (service, environment)\n(${DEPLOYED_RECENTLY})`,
      for: '1m',
      labels: {
        severity: 'page',
        short_window: '5m',
        action: 'auto-rollback',
        runbook: 'high-error-rate-after-deploy',
      },
      summary: 'More than 10 % of the events of {{ $labels.service }} fail after its deploy',
      description:
        '{{ $value | humanizePercentage }} of the events of {{ $labels.service }} in {{ $labels.environment }} fail, within 30 minutes of a deploy.',
    }),
    // Without the label `runbook`, which would open an incident: its duration would count in the figure.
    rule('TimeToRestoreHigh', 'time-to-restore', {
      expr: `max by (service, environment) (firebreak_dora_time_to_restore_seconds) > ${RESTORE_MAX_SECONDS}`,
      for: '1h',
      labels: { severity: 'ticket' },
      summary: 'Incidents of {{ $labels.service }} last longer than an hour',
      description:
        'Half of the incidents of {{ $labels.service }} in {{ $labels.environment }} within 28 days lasted at least {{ $value | humanizeDuration }}.',
    }),
  ];
  if (options.lowVelocity)
    common.push(
      rule('LowDeploymentFrequency', 'low-velocity', {
        // A service without deploys in 28 days has no figure, but still its running version.
        expr: `(\n  max by (service, environment) (firebreak_dora_deployments_per_day)\n  or on (service, environment)\n  0 * max by (service, environment) (firebreak_deployment_timestamp_seconds{environment=~${oneOf(options.environments)}})\n) < ${DEPLOYS_PER_DAY_MIN}`,
        for: '1d',
        labels: { severity: 'info' },
        summary: '{{ $labels.service }} is deployed less than once a week',
        description:
          'Within 28 days, {{ $labels.service }} had {{ $value | humanize }} deploys to {{ $labels.environment }} per day.',
      }),
    );
  const groups: RuleGroup[] = [{ name: 'firebreak-delivery', rules: common }];
  for (const [service, entry] of Object.entries(options.services).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const rules = Object.entries(entry.environments)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([environment, environmentEntry]) => [
        ...driftAlerts(rule, { service, environment }, environmentEntry),
        ...startUpAlerts(rule, { service, environment }, environmentEntry),
        ...usageAlerts(rule, { service, environment }, environmentEntry),
      ]);
    if (rules.length > 0) groups.push({ name: `firebreak-delivery-${service}`, rules });
  }
  return { groups };
}

type AlertParts = {
  expr: string;
  for?: string;
  labels: Record<string, string>;
  summary: string;
  description: string;
};
type AlertSubject = { service: string; environment: string };
type MakeRule = (alert: string, runbook: string, texts: AlertParts) => AlertingRule;

const ruleMaker =
  (url: string): MakeRule =>
  (alert, runbook, { expr, labels, summary, description, ...wait }) => ({
    alert,
    expr,
    ...wait,
    labels,
    annotations: { summary, description, runbook_url: `${url}/console/runbooks/${runbook}` },
  });

/**
 * Builds the alert for an environment whose Argo CD applications or Flux objects differ from Git.
 *
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/metrics/ (read 2026-11)
 * @see https://fluxcd.io/flux/monitoring/metrics/ (read 2026-11)
 */
function driftAlerts(
  rule: MakeRule,
  { service, environment }: AlertSubject,
  { deployer, sources }: Environment,
): Rule[] {
  const applications = new Set([
    ...(deployer?.kind === 'argo-cd' ? [deployer.application ?? service] : []),
    ...(sources?.argoApplication ?? []).map((name) => name.replace(/^.*\//, '')),
  ]);
  const differing = [
    ...(applications.size === 0
      ? []
      : [`max by (name) (argocd_app_info{name=~${oneOf([...applications])}, sync_status="OutOfSync"})`]),
    ...(sources?.fluxObject ?? []).flatMap((object) => {
      const [kind, namespace, name] = object.split('/');
      if (kind === undefined || namespace === undefined || name === undefined) return [];
      return [
        `max by (name) (gotk_resource_info{customresource_kind=${quoted(kind)}, exported_namespace=${quoted(namespace)}, name=${quoted(name)}, ready="False"})`,
      ];
    }),
  ];
  if (differing.length === 0) return [];
  return [
    rule('ConfigurationDrift', 'configuration-drift', {
      expr: `(${differing.join('\nor\n')}) == 1`,
      for: '15m',
      labels: { severity: 'ticket', service, environment, runbook: 'configuration-drift' },
      summary: `${service} in ${environment} does not match Git`,
      description: '{{ $labels.name }} has differed from Git for 15 minutes.',
    }),
  ];
}

/**
 * Builds the alert for new instances that take more than a minute until they are ready, also while they are not.
 *
 * @see https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/pod-metrics.md (read 2026-11)
 */
function startUpAlerts(rule: MakeRule, { service, environment }: AlertSubject, environmentEntry: Environment): Rule[] {
  const pods = podsOf(service, environmentEntry);
  if (pods.length === 0) return [];
  const isNew = (selected: string): string => `(time() - kube_pod_start_time${selected} < ${NEW_INSTANCE_SECONDS})`;
  const startUpTimes = pods.map((selected) => {
    const readyAfter = `(kube_pod_status_ready_time${selected} - on (namespace, pod) kube_pod_start_time${selected})`;
    const notReadyFor = `((time() - kube_pod_start_time${selected}) unless on (namespace, pod) kube_pod_status_ready_time${selected})`;
    const running = `kube_pod_status_phase{${selected.slice(1, -1)}, phase=~"Pending|Running"} == 1`;
    return [
      `(${readyAfter} and on (namespace, pod) ${isNew(selected)})`,
      `((${notReadyFor} < ${NEW_INSTANCE_SECONDS}) and on (namespace, pod) (${running}))`,
    ].join('\nor on (namespace, pod)\n');
  });
  return [
    rule('SlowStartUp', 'slow-start-up', {
      expr: `max(${startUpTimes.join('\nor on (namespace, pod)\n')}) > ${START_UP_MAX_SECONDS}`,
      for: '1m',
      labels: { severity: 'ticket', service, environment, runbook: 'slow-start-up' },
      summary: `New instances of ${service} in ${environment} take more than a minute to become ready`,
      description: 'The slowest of them took, or has been taking, {{ $value | humanizeDuration }}.',
    }),
  ];
}

/** Shares of a container's limit above which it has an alert: it is throttled or killed at 1. */
const CPU_MAX = 0.8;
const MEMORY_MAX = 0.85;

/**
 * Builds the alerts for containers that are close to their limits, which kubernetes-mixin does not have: it alerts on
 * throttling, on overcommitted clusters, and on nodes.
 *
 * @see https://github.com/google/cadvisor/blob/master/docs/storage/prometheus.md (read 2026-11)
 * @see https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/pod-metrics.md (read 2026-11)
 */
function usageAlerts(rule: MakeRule, { service, environment }: AlertSubject, environmentEntry: Environment): Rule[] {
  const pods = podsOf(service, environmentEntry).map((selected) => selected.slice(1, -1));
  if (pods.length === 0) return [];
  const usageShares = (usageOf: (selected: string) => string, resource: string): string =>
    pods
      .map((selected) => {
        const limit = `max by (namespace, pod, container) (kube_pod_container_resource_limits{${selected}, resource="${resource}"})`;
        return `max by (namespace, pod, container) (${usageOf(`{${selected}, container!=""}`)})\n  / on (namespace, pod, container)\n${limit}`;
      })
      .join('\nor on (namespace, pod, container)\n');
  const alert = (name: string, what: string, expr: string, max: number) =>
    rule(name, 'resource-pressure', {
      expr: `max(${expr}) > ${max}`,
      for: '15m',
      labels: { severity: 'ticket', service, environment, runbook: 'resource-pressure' },
      summary: `${service} in ${environment} uses more than ${max * 100} % of its ${what} limit`,
      description: 'The busiest container uses {{ $value | humanizePercentage }} of its limit.',
    });
  const cpu = usageShares((selected) => `rate(container_cpu_usage_seconds_total${selected}[5m])`, 'cpu');
  const memory = usageShares((selected) => `container_memory_working_set_bytes${selected}`, 'memory');
  return [alert('ContainerCPUHigh', 'CPU', cpu, CPU_MAX), alert('ContainerMemoryHigh', 'memory', memory, MEMORY_MAX)];
}

/** Names of the pods that a workload of each kind has. */
const POD_SUFFIX: Readonly<Record<string, string>> = {
  deployment: '-[0-9a-z]+-[0-9a-z]{5}',
  rollout: '-[0-9a-z]+-[0-9a-z]{5}',
  statefulset: '-[0-9]+',
  daemonset: '-[0-9a-z]{5}',
};

/** Returns selectors of the pods of an environment. */
function podsOf(service: string, { deployer, sources }: Environment): string[] {
  const workloads = (sources?.kubernetesWorkload ?? []).map((workload) => workload.split('/').slice(-3));
  if (deployer?.kind === 'kubernetes')
    workloads.push([deployer.namespace, 'deployment', deployer.deployment ?? service]);
  if (deployer?.kind === 'argo-rollouts') workloads.push([deployer.namespace, 'rollout', deployer.rollout ?? service]);
  if (deployer?.kind === 'flagger') {
    // Flagger copies the Deployment to another one, which has the traffic.
    const name = deployer.canary ?? service;
    workloads.push([deployer.namespace, 'deployment', name], [deployer.namespace, 'deployment', `${name}-primary`]);
  }
  const selectors = workloads.flatMap(([namespace = '', kind = '', name = '']) => {
    const suffix = POD_SUFFIX[kind.toLowerCase()];
    if (suffix === undefined || name === '') return [];
    return [`{namespace=${quoted(namespace)}, pod=~${quoted(`${regexOf(name)}${suffix}`)}}`];
  });
  return [...new Set(selectors)].toSorted();
}

const quoted = (value: string): string => JSON.stringify(value);
const oneOf = (names: readonly string[]): string => quoted(names.toSorted().map(regexOf).join('|'));

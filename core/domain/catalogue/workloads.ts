import type { Config, EnvironmentEntry } from '../../../schemas/config/config.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { onceFor } from '../once-for.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** A workload in Kubernetes that the catalogue lists. `cluster`: null for any. */
type Workload = ServiceEnvironment & { cluster: string | null; namespace: string; kind: string; name: string };

/** Returns the workloads of an environment, as `namespace/Kind/name` or `cluster/namespace/Kind/name`. */
export function workloadsOf(
  service: string,
  { sources, deployer }: Pick<EnvironmentEntry, 'sources' | 'deployer'>,
): string[] {
  if (sources?.kubernetesWorkload !== undefined) return sources.kubernetesWorkload;
  if (deployer?.kind === 'kubernetes') return [`${deployer.namespace}/Deployment/${deployer.deployment ?? service}`];
  if (deployer?.kind === 'argo-rollouts') return [`${deployer.namespace}/Rollout/${deployer.rollout ?? service}`];
  return deployer?.kind === 'flagger' ? [`${deployer.namespace}/Canary/${deployer.canary ?? service}`] : [];
}

type Labels = ReadonlyMap<string, string>;

/**
 * Returns the service and environment of an alert about Kubernetes, by the labels of kube-state-metrics and cAdvisor:
 * `namespace`, and the name of a workload, a pod, or another object of the workload. Undefined: the catalogue lists no
 * such workload, or several services or environments have it.
 *
 * @param environment only workloads of this environment; undefined: of all
 */
export function workloadIn(
  labels: Labels,
  services: Config['services'],
  environment: string | undefined,
): ServiceEnvironment | undefined {
  const namespace = labels.get('namespace');
  const cluster = labels.get('cluster') || null;
  if (!namespace) return undefined;
  const found = (byNamespace(services).get(namespace) ?? []).filter(
    (workload) =>
      (environment === undefined || workload.environment === environment) &&
      (workload.cluster === null || workload.cluster === cluster) &&
      OBJECTS.some(([label, patternOf]) => isObjectOf(labels.get(label), patternOf, workload)),
  );
  const [first, ...others] = found;
  const isSingleEnvironment = others.every(
    (other) => other.service === first?.service && other.environment === first.environment,
  );
  return first === undefined || !isSingleEnvironment
    ? undefined
    : { service: first.service, environment: first.environment };
}

/** Characters of the names that Kubernetes generates: no vowels, and no 0, 1, and 3. */
const HASH = '[bcdfghjklmnpqrstvwxz2456789]';
const REPLICA_SET_POD = `-${HASH}{1,10}-${HASH}{5}`;

/**
 * Pattern of what follows the name of a workload in the names of its pods, by kind. A canary of Flagger has two Deployments.
 */
const POD_SUFFIXES: Readonly<Record<string, string>> = {
  Deployment: REPLICA_SET_POD,
  Rollout: REPLICA_SET_POD,
  Canary: `(?:-primary)?${REPLICA_SET_POD}`,
  StatefulSet: String.raw`-\d+`,
  DaemonSet: `-${HASH}{5}`,
  Job: `-${HASH}{5}`,
  CronJob: String.raw`-\d+-${HASH}{5}`,
};

type NamePattern = (workload: Workload) => string | null;

const sameNameAs =
  (...kinds: string[]): NamePattern =>
  ({ kind, name }) =>
    kinds.includes(kind) ? escaped(name) : null;

/** Labels that name an object, and the pattern of its name for a workload. Null: the workload has no such object. */
const OBJECTS: readonly (readonly [label: string, names: NamePattern])[] = [
  [
    'deployment',
    ({ kind, name }) =>
      kind === 'Canary' ? `${escaped(name)}(?:-primary)?` : kind === 'Deployment' ? escaped(name) : null,
  ],
  ['statefulset', sameNameAs('StatefulSet')],
  ['daemonset', sameNameAs('DaemonSet')],
  ['rollout', sameNameAs('Rollout')],
  ['horizontalpodautoscaler', sameNameAs('Deployment', 'StatefulSet', 'Rollout', 'Canary')],
  ['poddisruptionbudget', sameNameAs('Deployment', 'StatefulSet', 'Rollout', 'Canary')],
  [
    'job_name',
    ({ kind, name }) => (kind === 'CronJob' ? String.raw`${escaped(name)}-\d+` : kind === 'Job' ? escaped(name) : null),
  ],
  // A claim has the name of its template before that of the pod.
  ['persistentvolumeclaim', ({ kind, name }) => (kind === 'StatefulSet' ? String.raw`.+-${escaped(name)}-\d+` : null)],
  ['pod', ({ kind, name }) => (POD_SUFFIXES[kind] === undefined ? null : escaped(name) + POD_SUFFIXES[kind])],
];

const escaped = (name: string): string => name.replaceAll(/[^\w-]/g, String.raw`\$&`);

function isObjectOf(value: string | undefined, patternOf: NamePattern, workload: Workload): boolean {
  if (!value) return false;
  const pattern = patternOf(workload);
  return pattern !== null && new RegExp(`^${pattern}$`).test(value);
}

/** Lists the catalogue's workloads by namespace, once per configuration: a storm of alerts asks for each alert. */
const byNamespace = onceFor((services: Config['services']): ReadonlyMap<string, Workload[]> => {
  const all = Object.entries(services).flatMap(([service, entry]) =>
    Object.entries(entry.environments).flatMap(([environment, environmentEntry]) =>
      workloadsOf(service, environmentEntry).map((text): Workload => {
        const [name = '', kind = '', namespace = '', cluster = null] = text.split('/').toReversed();
        return {
          service: ServiceName.parse(service),
          environment: EnvironmentName.parse(environment),
          cluster,
          namespace,
          kind,
          name,
        };
      }),
    ),
  );
  return Map.groupBy(all, ({ namespace }) => namespace);
});

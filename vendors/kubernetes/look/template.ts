import { hash } from 'node:crypto';
import type { LookRequest } from '../../../core/domain/rollback/targets.ts';
import { refuse } from '../../shared/refusals.ts';
import { LOOK_KEY } from '../annotations.ts';
import type { PodTemplate } from '../objects.ts';

/** The two instances of a look. */
export const ROLES = ['other', 'suspect'] as const;
export type Role = (typeof ROLES)[number];

/** The labels of an instance: the look, by a hash of its key, and which of the two it is. */
export const LOOK_LABEL = 'firebreak.dev/look';
export const ROLE_LABEL = 'firebreak.dev/look-role';
const INCIDENT_LABEL = 'firebreak.dev/incident';

/** Labels by which Argo CD finds the objects of an application. It would prune an instance that has one. */
const TRACKING_LABELS = ['app.kubernetes.io/instance', 'argocd.argoproj.io/instance'];
const TRACKING_ANNOTATION = 'argocd.argoproj.io/tracking-id';

/**
 * Keep Argo CD from pruning an instance that must have a tracking label, because a Service selects by it.
 * @see https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/#no-prune-resources
 */
const NO_PRUNING = {
  'argocd.argoproj.io/sync-options': 'Prune=false',
  'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
};

/** Seconds that an instance has to end its requests: a rollback waits until it is gone. */
const GRACE_MAX_SECONDS = 30;

/** Length at which the workload's name is cut, so that the name of a pod remains a valid host name. */
const NAME_CHARS = 30;

type Selector = Record<string, string>;

/** A Service by its name, and the labels that it selects by. */
export type SelectingService = { name: string; selector: Selector };

export const lookHash = ({ key }: Pick<LookRequest, 'key'>): string => hash('sha256', key).slice(0, 16);

/** Returns the name of what a look creates, the same for each attempt. */
export const lookName = (workload: string, request: LookRequest): string =>
  `${workload.slice(0, NAME_CHARS).replace(/[^a-z0-9]+/g, '-')}-look-${lookHash(request)}`;

/**
 * Returns the pod template of an instance: selected by the Services that select the pods of its version, not by the
 * controllers of the workload and of Argo CD, and on the same node as the other instance.
 *
 * @param services that select both versions
 */
export function instanceTemplate(
  { metadata, spec, ...template }: PodTemplate,
  { role, request, services }: { role: Role; request: LookRequest; services: readonly SelectingService[] },
): PodTemplate {
  const selectedBy = new Set(services.flatMap(({ selector }) => Object.keys(selector)));
  const isKept = ([key]: [string, string]): boolean => selectedBy.has(key) || !TRACKING_LABELS.includes(key);
  const { [TRACKING_ANNOTATION]: _application, ...annotations } = metadata.annotations ?? {};
  const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(isKept));
  const { topologySpreadConstraints: _spread, affinity, ...rest } = spec;
  const { terminationGracePeriodSeconds: grace } = spec;
  return {
    ...template,
    metadata: {
      labels: {
        'app.kubernetes.io/managed-by': 'firebreak',
        ...labels,
        [LOOK_LABEL]: lookHash(request),
        [ROLE_LABEL]: role,
        [INCIDENT_LABEL]: request.incident,
      },
      annotations: { ...annotations, ...NO_PRUNING, [LOOK_KEY]: request.key },
    },
    spec: {
      ...rest,
      affinity: onOneNode(affinity, role, request),
      terminationGracePeriodSeconds: typeof grace === 'number' ? Math.min(grace, GRACE_MAX_SECONDS) : GRACE_MAX_SECONDS,
    },
  };
}

/**
 * Requires the node of the other instance, so that a node cannot cause the difference. The first one may go anywhere, because it
 * selects itself; but not by other rules of its own, so then only the suspect follows. Rules that spread the pods of the workload
 * would keep the two apart, and are left out.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
 */
function onOneNode(affinity: unknown, role: Role, request: LookRequest): object {
  const { podAntiAffinity: _spread, podAffinity, ...nodes } = (affinity ?? {}) as Record<string, unknown>;
  const { requiredDuringSchedulingIgnoredDuringExecution: own = [], ...preferred } = (podAffinity ?? {}) as {
    requiredDuringSchedulingIgnoredDuringExecution?: object[];
  };
  const beside = {
    labelSelector: { matchLabels: { [LOOK_LABEL]: lookHash(request) } },
    topologyKey: 'kubernetes.io/hostname',
  };
  const required = role === 'other' && own.length > 0 ? own : [...own, beside];
  return { ...nodes, podAffinity: { ...preferred, requiredDuringSchedulingIgnoredDuringExecution: required } };
}

/**
 * Returns the Services that give instances of both templates a share of the traffic.
 *
 * @param hash the label that the controller adds to the pods of one version, which instances do not have
 * @throws Ended if there are none
 */
export function servicesOf(
  services: readonly SelectingService[],
  templates: readonly PodTemplate[],
  { hash: hashLabel, workload }: { hash: string; workload: string },
): SelectingService[] {
  const selects = (selector: Selector): boolean =>
    templates.every(({ metadata: { labels } }) =>
      Object.entries(selector).every(([key, value]) => labels?.[key] === value),
    );
  const withSelector = services.filter(({ selector }) => Object.keys(selector).length > 0);
  const found = withSelector.filter(({ selector }) => selects(selector));
  if (found.length > 0) return found;
  const byHash = withSelector.find(({ selector: { [hashLabel]: value, ...selector } }) => value && selects(selector));
  throw refuse(
    byHash === undefined
      ? `no Service selects the pods of ${workload}, so fresh instances would get no share of its work`
      : `Service ${byHash.name} selects the pods of ${workload} by ${hashLabel}, so fresh instances would get no traffic`,
  );
}

/** @throws Ended for a pod template with a persistent volume, which a second writer could damage */
export function refuseStateful({ spec }: PodTemplate, workload: string): void {
  const volumes = (spec['volumes'] ?? []) as { name?: string; persistentVolumeClaim?: unknown }[];
  const claimed = volumes.find(({ persistentVolumeClaim: claim }) => claim !== undefined && claim !== null);
  if (claimed !== undefined)
    throw refuse(`${workload} is stateful: its volume ${claimed.name ?? ''} is a PersistentVolumeClaim`);
}

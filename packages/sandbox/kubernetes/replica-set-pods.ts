import { hash } from 'node:crypto';
import type { ClusterSettings, Item } from './cluster-state.ts';
import type { Cluster } from './cluster.ts';
import { type KubernetesObject, type ReplicaSet, timeText } from './objects.ts';
import { fateOf, NO_MEMORY, NO_ROOM, type Pod, statusOf } from './pods.ts';

/** Returns the pods of the ReplicaSets, each as old as its set. They follow from the counts of the sets, so they can only be read. */
export const podsOfSets = ({ objects, now }: Pick<Cluster, 'objects' | 'now'>, namespace: string): Pod[] =>
  objects
    .list<ReplicaSet>('ReplicaSet', namespace)
    .flatMap((set) =>
      Array.from({ length: set.object.status.replicas }, (_, index) => podOf(set, index, objects.settings, now)),
    );

function podOf({ object, work }: Item<ReplicaSet>, index: number, settings: ClusterSettings, now: number): Pod {
  const { name, namespace, resourceVersion, creationTimestamp, uid: owner } = object.metadata;
  const { metadata = {}, spec } = object.spec.template;
  const uid = uidOf(`${owner} ${index}`);
  const isAvailable = index < (object.status.availableReplicas ?? 0);
  const fate = isAvailable ? undefined : fateOf(settings, spec);
  const isStarting = !isAvailable && fate === undefined;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${uid.slice(0, 5)}`,
      namespace,
      uid,
      resourceVersion,
      generation: 1,
      creationTimestamp,
      labels: metadata.labels,
      annotations: metadata.annotations,
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name, uid: owner, controller: true }],
    },
    spec,
    status: statusOf(spec, fate, { startedAt: work.since, runsAt: isStarting ? Infinity : work.since, now }),
  };
}

const uidOf = (text: string): string => {
  const digits = hash('sha256', text);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join('-');
};

/** The reason and message of the event that repeats for a pod. */
const WARNINGS = {
  crashes: ['BackOff', 'Back-off restarting failed container'],
  'never-ready': ['Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 503'],
  unpullable: ['Failed', 'Error: ImagePullBackOff'],
  unschedulable: ['FailedScheduling', NO_ROOM],
  evicted: ['Evicted', NO_MEMORY],
} as const;

/**
 * Returns the events of the pods: that they were scheduled, and what repeats until now. The scheduler records by the newer API,
 * which leaves the older times out.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/ (read 2026-11)
 */
export const eventsOf = (pods: readonly Pod[], { objects, now }: Pick<Cluster, 'objects' | 'now'>): Event[] =>
  pods.flatMap((pod) => {
    const fate = isReady(pod) ? undefined : fateOf(objects.settings, pod.spec);
    const { creationTimestamp: createdAt } = pod.metadata;
    const scheduled = eventOf(pod, ['Scheduled', 'Successfully assigned to node-1'], 'Normal', createdAt);
    if (fate === undefined) return [scheduled];
    const warning = eventOf(pod, WARNINGS[fate], 'Warning', timeText(now));
    return fate === 'unschedulable' ? [warning] : [scheduled, warning];
  });

const isReady = ({ status: { conditions = [] } }: Pod): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** An event has neither a spec nor a status. */
export type Event = Omit<KubernetesObject, 'spec' | 'status'> & Record<string, unknown>;

function eventOf(
  { metadata: { name, namespace, uid, resourceVersion } }: Pod,
  [reason, message]: readonly [reason: string, message: string],
  type: 'Normal' | 'Warning',
  at: string,
): Event {
  const isOfScheduler = reason === 'Scheduled' || reason === 'FailedScheduling';
  const component = isOfScheduler ? 'default-scheduler' : 'kubelet';
  const times = isOfScheduler
    ? { firstTimestamp: null, lastTimestamp: null, eventTime: at.replace('Z', '.000000Z') }
    : { firstTimestamp: at, lastTimestamp: at, count: 1, eventTime: null };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${name}.${hash('sha256', `${uid} ${reason}`).slice(0, 16)}`,
      namespace,
      uid: uidOf(`${uid} ${reason}`),
      resourceVersion,
      generation: 1,
      creationTimestamp: at,
    },
    involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1', resourceVersion },
    reason,
    message,
    type,
    source: isOfScheduler ? {} : { component, host: 'node-1' },
    ...times,
    reportingComponent: component,
    reportingInstance: isOfScheduler ? 'default-scheduler-0' : 'node-1',
  };
}

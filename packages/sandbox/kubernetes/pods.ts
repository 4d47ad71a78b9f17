import * as z from 'zod';
import type { StandInDeps } from '../core/stand-in.ts';
import type { ClusterObjects, ClusterSettings, Item } from './cluster-state.ts';
import { type Condition, type KubernetesObject, type ReplicaSet, timeText } from './objects.ts';
import { failure } from './status.ts';

const TextsIn = z.record(z.string(), z.string());

/**
 * The spec of a Pod.
 * @see https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (read 2026-11)
 */
export const PodSpec = z.looseObject({
  containers: z.array(z.looseObject({ name: z.string(), image: z.string() })).min(1),
  activeDeadlineSeconds: z.int().min(1).optional(),
});

export const ServiceSpec = z.looseObject({ selector: TextsIn.optional() });
export const QuotaSpec = z.looseObject({ hard: TextsIn.default({}) });

type PodStatus = {
  phase?: string;
  reason?: string;
  message?: string;
  conditions?: Condition[];
  containerStatuses?: object[];
};
export type Pod = KubernetesObject<z.infer<typeof PodSpec>, PodStatus>;

type Time = Pick<StandInDeps, 'now' | 'timeScale'>;

/** @throws HTTPException 403 if a quota of the namespace has no room for another pod */
export function requireQuota(objects: ClusterObjects, namespace: string, name: string): void {
  const ofSets = objects.list<ReplicaSet>('ReplicaSet', namespace).map(({ object }) => object.status.replicas);
  const used = objects.list('Pod', namespace).length + ofSets.reduce((sum, count) => sum + count, 0);
  for (const { object } of objects.list<KubernetesObject<z.infer<typeof QuotaSpec>>>('ResourceQuota', namespace)) {
    const { pods } = object.spec.hard;
    if (pods !== undefined && used >= Number(pods))
      throw failure(
        403,
        `pods "${name}" is forbidden: exceeded quota: ${object.metadata.name}, requested: pods=1, ` +
          `used: pods=${used}, limited: pods=${pods}`,
      );
  }
}

/** Begins the end of a pod. Its object exists until the kubelet has ended it. */
export function terminatePod(objects: ClusterObjects, item: Item<Pod>, now: number): Pod {
  const metadata = { ...item.object.metadata, deletionTimestamp: timeText(now) };
  if (!('deletionTimestamp' in item.object.metadata)) item.work.changedAt = now;
  objects.replace(item, { ...item.object, metadata });
  return item.object;
}

/**
 * Applies what the scheduler and the kubelet have done by now: they start a pod, end it at its deadline, and remove it if it was
 * deleted.
 */
export function reconcilePod(objects: ClusterObjects, item: Item<Pod>, { now, timeScale }: Time): void {
  const { settings } = objects;
  const { metadata, spec } = item.object;
  const after = (ms: number): number => item.work.since + ms / timeScale;
  if ('deletionTimestamp' in metadata) {
    if (now() >= (item.work.changedAt ?? 0) + settings.observe_ms / timeScale) objects.remove(item);
    return;
  }
  const deadline = after((spec.activeDeadlineSeconds ?? Infinity) * 1000);
  const status =
    now() >= deadline
      ? ENDED_AT_DEADLINE
      : now() >= after(settings.observe_ms)
        ? statusOf(item.object, settings, { at: after(settings.rollout_ms), now: now() })
        : {};
  objects.replace(item, { ...item.object, status });
}

const ENDED_AT_DEADLINE: PodStatus = {
  phase: 'Failed',
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** @param times when the pod is ready, and the current time */
function statusOf({ spec }: Pod, settings: ClusterSettings, { at, now }: { at: number; now: number }): PodStatus {
  const [container = { name: '', image: '' }] = spec.containers;
  const fate = settings.pods[container.image.slice(container.image.lastIndexOf(':') + 1)];
  const condition = (type: string, isTrue: boolean, reason = '', message = ''): Condition => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: timeText(at),
  });
  const scheduled = condition('PodScheduled', true);
  const unready = condition(
    'Ready',
    false,
    'ContainersNotReady',
    `containers with unready status: [${container.name}]`,
  );
  const waiting = (reason: string, message: string, more: object = {}) => ({
    phase: 'Pending',
    conditions: [scheduled, unready],
    containerStatuses: [
      { name: container.name, ready: false, restartCount: 0, state: { waiting: { reason, message } }, ...more },
    ],
  });
  if (fate === 'unschedulable') {
    const message = '0/3 nodes are available: 3 Insufficient cpu.';
    return { phase: 'Pending', conditions: [condition('PodScheduled', false, 'Unschedulable', message)] };
  }
  if (fate === 'unpullable') return waiting('ImagePullBackOff', `Back-off pulling image "${container.image}"`);
  if (fate === 'evicted' && now >= at)
    return { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' };
  if (now < at || fate === 'never-ready') return waiting('ContainerCreating', '');
  if (fate === 'crashes' || settings.outcome === 'failed')
    return {
      ...waiting('CrashLoopBackOff', `back-off 20s restarting failed container=${container.name}`, {
        restartCount: 2,
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      }),
      phase: 'Running',
    };
  return {
    phase: 'Running',
    conditions: [scheduled, condition('Ready', true)],
    containerStatuses: [{ name: container.name, ready: true, restartCount: 0, state: { running: {} } }],
  };
}

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
  startTime?: string;
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
        ? statusOf(spec, fateOf(settings, spec), {
            startedAt: after(settings.observe_ms),
            runsAt: after(settings.rollout_ms),
            now: now(),
          })
        : {};
  objects.replace(item, { ...item.object, status });
}

const ENDED_AT_DEADLINE: PodStatus = {
  phase: 'Failed',
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

type Fate = ClusterSettings['pods'][string];

/** Returns what becomes of new pods with this spec. Undefined: they become ready. */
export function fateOf(
  { pods, outcome }: ClusterSettings,
  { containers }: Pick<Pod['spec'], 'containers'>,
): Fate | undefined {
  const { image = '' } = containers[0] ?? {};
  return pods[image.slice(image.lastIndexOf(':') + 1)] ?? (outcome === 'failed' ? 'crashes' : undefined);
}

/** Returns whether a rollout of this spec does not end, because its pods never become available. */
export const neverAvailable = (settings: ClusterSettings, spec: Pick<Pod['spec'], 'containers'>): boolean =>
  ![undefined, 'evicted'].includes(fateOf(settings, spec));

/** @param times when the kubelet accepts the pod and when its container runs, and the current time */
export function statusOf(
  { containers }: Pick<Pod['spec'], 'containers'>,
  fate: Fate | undefined,
  { startedAt, runsAt, now }: { startedAt: number; runsAt: number; now: number },
): PodStatus {
  const [{ name, image } = { name: '', image: '' }] = containers;
  const condition = (type: string, isTrue: boolean, since: number, reason = '', message = ''): Condition => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message,
    lastTransitionTime: timeText(since),
  });
  const scheduled = condition('PodScheduled', true, startedAt);
  const message = `containers with unready status: [${name}]`;
  const unready = condition('Ready', false, startedAt, 'ContainersNotReady', message);
  const status = (phase: string, ready: Condition, container: object): PodStatus => ({
    phase,
    startTime: timeText(startedAt),
    conditions: [scheduled, ready],
    containerStatuses: [{ name, image, ready: ready.status === 'True', restartCount: 0, ...container }],
  });
  const waiting = (reason: string, detail: string) => ({ state: { waiting: { reason, message: detail } } });
  if (fate === 'unschedulable') {
    const unscheduled = condition('PodScheduled', false, startedAt, 'Unschedulable', NO_ROOM);
    return { phase: 'Pending', conditions: [unscheduled] };
  }
  if (fate === 'unpullable')
    return status('Pending', unready, waiting('ImagePullBackOff', `Back-off pulling image "${image}"`));
  if (fate === 'evicted' && now >= runsAt) return { phase: 'Failed', reason: 'Evicted', message: NO_MEMORY };
  if (now < runsAt) return status('Pending', unready, waiting('ContainerCreating', ''));
  const run = { startedAt: timeText(runsAt) };
  if (fate === 'crashes')
    return status('Running', unready, {
      ...waiting('CrashLoopBackOff', `back-off 20s restarting failed container=${name}`),
      restartCount: 2,
      lastState: { terminated: { exitCode: 1, reason: 'Error', ...run, finishedAt: run.startedAt } },
    });
  const isReady = fate !== 'never-ready';
  return status('Running', isReady ? condition('Ready', true, runsAt) : unready, { state: { running: run } });
}

export const NO_ROOM = '0/3 nodes are available: 3 Insufficient cpu.';
export const NO_MEMORY = 'The node was low on resource: memory.';

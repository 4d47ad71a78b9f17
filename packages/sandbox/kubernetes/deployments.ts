import { type Condition, type Deployment, type DeploymentStatus, type ReplicaSet, timeText } from './objects.ts';
import { type Marks, prune, scaleReplicaSet, replicaSetsOf, totals, ensureReplicaSet } from './sets.ts';
import type { Item, ClusterObjects } from './cluster-state.ts';
import { neverAvailable } from './pods.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const MARKS: Marks = {
  hash: 'pod-template-hash',
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
};

type Time = Pick<StandInDeps, 'now' | 'timeScale'>;

/**
 * Applies the changes that the Deployment controller has made by now. Some time after a change, the controller observes
 * it. It creates a ReplicaSet for a new pod template, or reuses the ReplicaSet of an earlier one, and scales down the
 * others when its pods are available.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export function reconcileDeployment(objects: ClusterObjects, item: Item<Deployment>, time: Time): void {
  const { settings } = objects;
  const seenAt = (item.work.changedAt ?? Infinity) + settings.observe_ms / time.timeScale;
  if (time.now() >= seenAt) observe(objects, item, seenAt, time);
  const { spec } = item.object;
  const set = currentSet(objects, item.object);
  if (item.work.until === null || set === undefined || spec.paused === true) return;
  if (neverAvailable(settings, spec.template.spec)) {
    const deadline = item.work.since + (spec.progressDeadlineSeconds * 1000) / time.timeScale;
    if (time.now() >= deadline)
      updateStatus(
        objects,
        item,
        progressing(deadline, 'False', 'ProgressDeadlineExceeded', `${titleOf(set)} has timed out progressing.`),
      );
    return;
  }
  if (time.now() < item.work.until) return;
  for (const other of replicaSetsOf(objects, item.object))
    scaleReplicaSet(objects, other, other === set ? spec.replicas : 0);
  const endedAt = item.work.until;
  item.work.until = null;
  updateStatus(
    objects,
    item,
    progressing(endedAt, 'True', 'NewReplicaSetAvailable', `${titleOf(set)} has successfully progressed.`),
  );
  prune(objects, item.object, [set]);
}

function observe(objects: ClusterObjects, item: Item<Deployment>, at: number, { timeScale }: Time): void {
  const { spec, metadata } = item.object;
  const before = currentSet(objects, item.object);
  const set = spec.paused === true ? before : ensureReplicaSet(objects, item, MARKS, at);
  const isNew = set !== before;
  const isScaled = set !== undefined && set.object.spec.replicas !== spec.replicas;
  if (isNew && set !== undefined && set.object.status.replicas === 0)
    scaleReplicaSet(objects, set, Math.min(1, spec.replicas), 0); // start with one additional pod
  item.work = {
    changedAt: null,
    since: isNew ? at : item.work.since,
    until: isNew || isScaled ? at + objects.settings.rollout_ms / timeScale : item.work.until,
  };
  const condition =
    isNew && set ? progressing(at, 'True', 'ReplicaSetUpdated', `${titleOf(set)} is progressing.`) : undefined;
  updateStatus(objects, item, condition, metadata.generation);
}

/** Returns the ReplicaSet with the revision of the Deployment. */
const currentSet = (objects: ClusterObjects, deployment: Deployment): Item<ReplicaSet> | undefined => {
  const revision = deployment.metadata.annotations?.[MARKS.revision];
  return replicaSetsOf(objects, deployment).find(
    ({ object }) => revision !== undefined && object.metadata.annotations?.[MARKS.revision] === revision,
  );
};

const titleOf = ({ object }: Item<ReplicaSet>): string => `ReplicaSet "${object.metadata.name}"`;

const progressing = (at: number, status: string, reason: string, message: string): Condition => ({
  type: 'Progressing',
  status,
  lastUpdateTime: timeText(at),
  lastTransitionTime: timeText(at),
  reason,
  message,
});

/** A condition keeps its times until its reason changes; its transition is a change of its status. */
function withTimesOf(next: Condition, old: Condition | undefined): Condition {
  if (old?.status !== next.status) return next;
  if (old.reason === next.reason)
    return { ...next, lastUpdateTime: old.lastUpdateTime, lastTransitionTime: old.lastTransitionTime };
  return { ...next, lastTransitionTime: old.lastTransitionTime };
}

/** Writes the status. @param observedGeneration the observed generation; undefined to keep it */
function updateStatus(
  objects: ClusterObjects,
  item: Item<Deployment>,
  condition: Condition | undefined,
  observedGeneration?: number,
): void {
  const { object } = item;
  const sets = replicaSetsOf(objects, object);
  const current = currentSet(objects, object);
  const { replicas, available } = totals(sets);
  const old = object.status.conditions?.find(({ type }) => type === 'Progressing');
  const isAvailable = available >= object.spec.replicas;
  const status: DeploymentStatus = {
    observedGeneration: observedGeneration ?? object.status.observedGeneration ?? 0,
    replicas,
    updatedReplicas: current?.object.status.replicas ?? 0,
    readyReplicas: available,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, object.spec.replicas - available),
    conditions: [
      {
        type: 'Available',
        status: isAvailable ? 'True' : 'False',
        reason: isAvailable ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        message: `Deployment ${isAvailable ? 'has' : 'does not have'} minimum availability.`,
      },
      ...[condition === undefined ? old : withTimesOf(condition, old)].filter((one) => one !== undefined),
    ],
  };
  objects.replace(item, { ...object, status });
}

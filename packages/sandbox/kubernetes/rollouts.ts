import type { ReplicaSet, Rollout, RolloutStatus, Step } from './objects.ts';
import { timeText } from './objects.ts';
import { type Marks, prune, revisionOf, scaleReplicaSet, replicaSetsOf, totals, ensureReplicaSet } from './sets.ts';
import type { Item, ClusterObjects } from './cluster-state.ts';
import { neverAvailable } from './pods.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const MARKS: Marks = {
  hash: 'rollouts-pod-template-hash',
  revision: 'rollout.argoproj.io/revision',
  history: 'rollout.argoproj.io/revision-history',
};

type Time = Pick<StandInDeps, 'now' | 'timeScale'>;

/**
 * Applies the changes that the controller of Argo Rollouts has made by now, for canaries with steps that set weights
 * and pause.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/canary/
 */
export function reconcileRollout(objects: ClusterObjects, item: Item<Rollout>, time: Time): void {
  const seenAt = (item.work.changedAt ?? Infinity) + objects.settings.observe_ms / time.timeScale;
  if (time.now() >= seenAt) observe(objects, item, seenAt, time);
  while (item.work.until !== null && time.now() >= item.work.until) {
    const at = item.work.until;
    item.work.until = null;
    if (isStuck(objects, item)) return timeOut(objects, item, at, time);
    finishPhase(objects, item, at, time);
  }
}

/** Returns whether new pods are needed but do not become available. */
const isStuck = ({ settings }: ClusterObjects, { object: { spec, status } }: Item<Rollout>): boolean =>
  neverAvailable(settings, spec.template.spec) && status.pauseConditions == null;

function timeOut(objects: ClusterObjects, item: Item<Rollout>, at: number, { now, timeScale }: Time): void {
  const deadline = item.work.since + (item.object.spec.progressDeadlineSeconds * 1000) / timeScale;
  if (now() < deadline) {
    item.work.until = Math.max(deadline, at + 1);
    return;
  }
  const name = setByHash(objects, item.object, item.object.status.currentPodHash)?.object.metadata.name ?? '';
  const message = `ProgressDeadlineExceeded: ReplicaSet "${name}" has timed out progressing.`;
  updateStatus(objects, item, { phase: 'Degraded', message });
}

/** Handles a change of the object, in the controller's order of checks. */
function observe(objects: ClusterObjects, item: Item<Rollout>, at: number, time: Time): void {
  item.work = { ...item.work, changedAt: null };
  const before = item.object.status;
  if (item.object.spec.paused === true)
    return updateStatus(objects, item, { phase: 'Paused', message: 'manually paused' });
  const current = ensureReplicaSet(objects, item, MARKS, at).object;
  const hash = current.metadata.labels?.[MARKS.hash] ?? '';
  updateStatus(objects, item, { observedGeneration: String(item.object.metadata.generation) });
  if (hash !== before.currentPodHash) return beginUpdate(objects, item, hash, { at, time });
  const isCanary = before.stableRS !== hash;
  if (isCanary && before.promoteFull === true) return promote(objects, item, at, time);
  if (isCanary && before.abort === true && before.phase !== 'Degraded') {
    const message = `RolloutAborted: Rollout aborted update to revision ${revisionOf(current, MARKS)}`;
    updateStatus(objects, item, {
      phase: 'Degraded',
      message,
      abortedAt: timeText(at),
      currentStepIndex: 0,
      ...UNPAUSED,
    });
    item.work.until = at + objects.settings.rollout_ms / time.timeScale;
  } else if (isCanary && before.abort !== true && before.phase === 'Degraded') {
    enterStep(objects, item, 0, { at, time }); // retry the aborted update
  } else if (before.controllerPause === true && before.pauseConditions == null) {
    updateStatus(objects, item, { controllerPause: false });
    enterStep(objects, item, (before.currentStepIndex ?? 0) + 1, { at, time });
  } else if (!isCanary) {
    updateStatus(objects, item, { phase: 'Progressing', message: 'more replicas need to be updated' });
    item.work.until = at + objects.settings.rollout_ms / time.timeScale;
  }
}

const UNPAUSED = { pauseConditions: null, controllerPause: false } as const;

type When = { at: number; time: Time };

/** Starts the update to a new pod template. The first template, and a rollback to the stable one, skip the steps. */
function beginUpdate(objects: ClusterObjects, item: Item<Rollout>, hash: string, { at, time }: When): void {
  const { spec, status } = item.object;
  item.work.since = at;
  updateStatus(objects, item, { currentPodHash: hash, abort: false, promoteFull: false, ...UNPAUSED });
  const isKnown = status.stableRS === undefined || status.stableRS === hash;
  if (isKnown) {
    updateStatus(objects, item, { currentStepIndex: spec.strategy.canary.steps.length });
    promote(objects, item, at, time);
  } else enterStep(objects, item, 0, { at, time });
}

function enterStep(objects: ClusterObjects, item: Item<Rollout>, index: number, { at, time }: When): void {
  const step: Step | undefined = item.object.spec.strategy.canary.steps[index];
  updateStatus(objects, item, { currentStepIndex: index });
  if (step === undefined) return promote(objects, item, at, time);
  if ('setWeight' in step) {
    updateStatus(objects, item, { phase: 'Progressing', message: 'more replicas need to be updated' });
    applyWeight(objects, item, step.setWeight);
    item.work.until = at + objects.settings.rollout_ms / time.timeScale;
    return;
  }
  const { duration } = step.pause;
  const pauseConditions = [{ reason: 'CanaryPauseStep', startTime: timeText(at) }];
  updateStatus(objects, item, { phase: 'Paused', message: 'CanaryPauseStep', pauseConditions, controllerPause: true });
  item.work.until = duration === undefined ? null : at + (duration * 1000) / time.timeScale;
}

/** Starts the promotion of the new ReplicaSet to all pods, which takes the rollout duration. */
function promote(objects: ClusterObjects, item: Item<Rollout>, at: number, { timeScale }: Time): void {
  const message = 'updated replicas are still becoming available';
  updateStatus(objects, item, { phase: 'Progressing', message, ...UNPAUSED });
  item.work.until = at + objects.settings.rollout_ms / timeScale;
}

/** Completes the current step or promotion. */
function finishPhase(objects: ClusterObjects, item: Item<Rollout>, at: number, time: Time): void {
  const { spec, status } = item.object;
  const isCanary = status.stableRS !== status.currentPodHash;
  const index = status.currentStepIndex ?? 0;
  if (isCanary && status.abort === true) {
    applyWeight(objects, item, 0);
    return scaleToAll(objects, item, status.stableRS);
  }
  if (isCanary && status.promoteFull !== true && index < spec.strategy.canary.steps.length) {
    updateStatus(objects, item, UNPAUSED);
    return enterStep(objects, item, index + 1, { at, time });
  }
  updateStatus(objects, item, {
    stableRS: status.currentPodHash ?? '',
    promoteFull: false,
    phase: 'Healthy',
    message: '',
    ...(spec.restartAt !== undefined && { restartedAt: timeText(Date.parse(spec.restartAt)) }),
  });
  scaleToAll(objects, item, status.currentPodHash);
  prune(
    objects,
    item.object,
    replicaSetsOf(objects, item.object).filter(({ object }) => object.status.replicas > 0),
  );
}

const setByHash = (objects: ClusterObjects, rollout: Rollout, hash: string | undefined): Item<ReplicaSet> | undefined =>
  replicaSetsOf(objects, rollout).find(({ object }) => object.metadata.labels?.[MARKS.hash] === hash);

/** Scales one ReplicaSet to all pods. */
function scaleToAll(objects: ClusterObjects, item: Item<Rollout>, hash: string | undefined): void {
  const set = setByHash(objects, item.object, hash);
  for (const each of replicaSetsOf(objects, item.object))
    scaleReplicaSet(objects, each, each === set ? item.object.spec.replicas : 0);
  updateStatus(objects, item, {});
}

/** Gives the canary this percentage of the pods, and of the traffic if traffic routing is set. */
function applyWeight(objects: ClusterObjects, item: Item<Rollout>, weight: number): void {
  const { spec, status } = item.object;
  const isRouted = spec.strategy.canary.trafficRouting !== undefined;
  const canaries = Math.ceil((spec.replicas * weight) / 100);
  const canary = setByHash(objects, item.object, status.currentPodHash);
  const stable = setByHash(objects, item.object, status.stableRS);
  const isFailing = neverAvailable(objects.settings, spec.template.spec);
  if (canary) scaleReplicaSet(objects, canary, canaries, isFailing ? 0 : canaries);
  if (stable && isRouted) scaleReplicaSet(objects, stable, spec.replicas);
  else if (stable && weight > 0) scaleReplicaSet(objects, stable, spec.replicas - canaries);
  const weights = {
    canary: { weight, podTemplateHash: status.currentPodHash ?? '' },
    stable: { weight: 100 - weight, podTemplateHash: status.stableRS ?? '' },
  };
  updateStatus(objects, item, isRouted ? { canary: { weights } } : {});
}

/** Writes the status with the current replica counts. */
function updateStatus(objects: ClusterObjects, item: Item<Rollout>, change: RolloutStatus): void {
  const status = { ...item.object.status, ...change };
  const { replicas, available } = totals(replicaSetsOf(objects, item.object));
  const updated = setByHash(objects, item.object, status.currentPodHash)?.object.status.replicas ?? 0;
  const selector = Object.entries(item.object.spec.selector.matchLabels).map((pair) => pair.join('='));
  const counts = { replicas, updatedReplicas: updated, readyReplicas: available, availableReplicas: available };
  const selectorFields = { HPAReplicas: replicas, selector: selector.join(',') };
  objects.replace(item, { ...item.object, status: { ...status, ...counts, ...selectorFields } });
}

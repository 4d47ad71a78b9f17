import type {
  TargetResponse,
  TargetRequest,
  Deployer,
  DriftCheck,
  RollbackCall,
} from '../../core/domain/rollback/targets.ts';
import type { ArgoRolloutsDeployer } from './schema.ts';
import { driftOrUnknown, refuse } from '../shared/refusals.ts';
import { type Calls, type ClusterOptions } from './attempt.ts';
import { hasActionKey, KEEP_STEPS, managerWarning, RESTART_KEY, ROLLBACK_KEY } from './annotations.ts';
import { instancesOf } from './instances.ts';
import { experiment } from './look/experiment.ts';
import { lookTarget } from './look/look.ts';
import { type Metadata, type PodTemplate, type ReplicaSet, Rollout } from './objects.ts';
import { type Marks, ownReplicaSets, revisionOf, templateOf } from './revisions.ts';
import { scalingOf } from './scaling.ts';
import { isVersion, nameOf, refuseSharedName, restoredIn, versionsOf } from './versions.ts';
import {
  attemptOn,
  templatePatch,
  patchWithKey,
  type WorkloadTarget,
  refuseManaged,
  wholeSeconds,
} from './workload.ts';
import { fromVersion, toVersion, type VersionOrCommit } from '../shared/versions.ts';

export const ROLLOUT_MARKS: Marks = { revision: 'rollout.argoproj.io/revision', hash: 'rollouts-pod-template-hash' };

/**
 * Creates a deployer for an Argo Rollouts Rollout. A rollback consists of steps that can each be found done, so a
 * repeat of the call continues it.
 *
 * If `from` is a canary over `to`, the deployer aborts it, which sends all traffic to the stable ReplicaSet. After
 * that, it restores the pod template; otherwise the Rollout would stay degraded and try `from` again with the next
 * change. If `from` is promoted, the deployer restores the template and promotes it in full: canary steps test an
 * unknown version, and would only prolong the incident for users.
 *
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/kubectl-plugin/
 */
export function argoRolloutsDeployer(
  config: ArgoRolloutsDeployer,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): Deployer {
  const target = rolloutTarget(config, { cluster, service });
  const { path } = target;
  return {
    ...rolloutNames(target),
    effectClass: 'convergent',
    rollBack: (request) =>
      attemptOn(target, async (calls, rollout) => {
        const template = ownTemplate(target, rollout);
        return hasActionKey(rollout.metadata, ROLLBACK_KEY, request.key)
          ? continueRollback(target, calls, { rollout, template }, request)
          : beginRollback(target, calls, { rollout, template }, request);
      }),
    status: (_, request) =>
      attemptOn(target, async (__, rollout) =>
        statusOfKey(target, { rollout, template: ownTemplate(target, rollout) }, request),
      ),
    checkDrift: (request) => checkDrift(target, request),
    scaling: scalingOf(target),
    look: lookTarget({
      target,
      marks: ROLLOUT_MARKS,
      templateIn(rollout) {
        refusePaused(target, rollout);
        return ownTemplate(target, rollout);
      },
      objects: experiment(target),
    }),
    instances: (options) => instancesOf(target, options),
    restart: (request) =>
      attemptOn(target, async (calls, rollout) => {
        if (hasActionKey(rollout.metadata, RESTART_KEY, request.key)) return restartOf(rollout);
        refusePaused(target, rollout);
        const patch = patchWithKey(rollout, RESTART_KEY, request.key, { restartAt: wholeSeconds(cluster.clock.now()) });
        return restartOf(await calls.patch(path, 'merge', patch, Rollout));
      }),
    restartStatus: (_, request) => attemptOn(target, async (__, rollout) => restartStatus(target, rollout, request)),
  };
}

/** Returns the object that a configuration names. */
export function rolloutTarget(
  { namespace, rollout: name, container }: ArgoRolloutsDeployer,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): WorkloadTarget<Rollout> {
  const rolloutName = name ?? service;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/${rolloutName}`;
  return { cluster, kind: 'Rollout', namespace, name: rolloutName, path, schema: Rollout, container };
}

/** Returns the names of a Rollout: for people, and as the resource that one action at a time may change. */
export const rolloutNames = ({ cluster, namespace, name }: WorkloadTarget<Rollout>) => ({
  target: `Rollout ${namespace}/${name} at ${cluster.url}`,
  resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'rollouts', name])}`,
});

type RolloutState = { rollout: Rollout; template: PodTemplate };

async function beginRollback(
  target: WorkloadTarget<Rollout>,
  calls: Calls,
  { rollout, template }: RolloutState,
  request: RollbackCall,
): Promise<TargetResponse> {
  const versions = versionsOf(template, target.container);
  refuseSharedName(versions, request);
  if (!isVersion(versions, fromVersion(request))) return { kind: 'superseded', current: nameOf(versions) };
  refusePaused(target, rollout);
  // Until the controller has observed a new template, its status shows neither a canary nor the end of one.
  if (!isObserved(rollout)) return { kind: 'later', detail: 'its controller has not seen it yet', afterSeconds: null };
  const sets = await ownReplicaSets(calls, target.namespace, rollout);
  const stable = isCanary(rollout) ? stableOf(rollout, sets, toVersion(request), target) : undefined;
  if (stable !== undefined) {
    if (!rollout.status.abort) return abort(target, calls, rollout);
    if (!hasAllTraffic(rollout, stable)) return IN_PROGRESS;
    // A GitOps controller would restore the template and start the canary again. An aborted canary stays aborted until
    // Git changes.
    if (managerWarning(rollout.metadata) !== undefined) return { kind: 'succeeded', id: revisionName(stable.metadata) };
  } else refuseManaged(target, rollout);
  const set = stable ?? revisionOf(sets, request, { marks: ROLLOUT_MARKS, container: target.container });
  await calls.patch(target.path, 'json', templatePatch(rollout, templateOf(set, ROLLOUT_MARKS), request), Rollout);
  return IN_PROGRESS;
}

/** Without a handle: `status` never changes anything, so the remaining steps need another `rollBack` call. */
const IN_PROGRESS: TargetResponse = { kind: 'in_progress', id: null, handle: null };

export const isObserved = ({ metadata, status }: Rollout): boolean => status.observedGeneration >= metadata.generation;

/** Returns whether a new version is being rolled out beside the stable one. */
export const isCanary = ({ status }: Rollout): boolean =>
  status.stableRS !== '' && status.stableRS !== status.currentPodHash;

/** Returns the stable ReplicaSet if it runs this version. */
const stableOf = (
  { status }: Rollout,
  sets: readonly ReplicaSet[],
  wanted: VersionOrCommit,
  { container }: WorkloadTarget<Rollout>,
): ReplicaSet | undefined =>
  sets.find(
    ({ metadata, spec }) =>
      status.stableRS !== '' &&
      metadata.labels[ROLLOUT_MARKS.hash] === status.stableRS &&
      isVersion(versionsOf(spec.template, container), wanted),
  );

export const hasAllTraffic = ({ spec, status }: Rollout, stable: ReplicaSet): boolean =>
  status.phase === 'Degraded' && status.canary === 0 && stable.status.availableReplicas >= spec.replicas;

async function abort(target: WorkloadTarget<Rollout>, calls: Calls, { metadata }: Rollout): Promise<TargetResponse> {
  const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { abort: true } };
  await calls.patch(`${target.path}/status`, 'merge', patch, Rollout);
  return IN_PROGRESS;
}

/** Returns the progress of this rollback, after skipping the remaining steps if necessary. */
async function continueRollback(
  target: WorkloadTarget<Rollout>,
  calls: Calls,
  { rollout, template }: RolloutState,
  request: RollbackCall,
): Promise<TargetResponse> {
  const response = statusOfKey(target, { rollout, template }, request);
  const { metadata, status } = rollout;
  const hasSteps = response.kind === 'in_progress' && isObserved(rollout) && isCanary(rollout) && !status.abort;
  if (!hasSteps || status.promoteFull || metadata.annotations[KEEP_STEPS] === 'true') return response;
  const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { promoteFull: true } };
  await calls.patch(`${target.path}/status`, 'merge', patch, Rollout);
  return IN_PROGRESS;
}

function statusOfKey(
  target: WorkloadTarget<Rollout>,
  { rollout, template }: RolloutState,
  request: RollbackCall,
): TargetResponse {
  const versions = versionsOf(template, target.container);
  const current = nameOf(versions);
  if (isVersion(versions, fromVersion(request)))
    return hasActionKey(rollout.metadata, ROLLBACK_KEY, request.key)
      ? { kind: 'failed', detail: `${request.to} was restored, but another system then changed it back to ${current}` }
      : IN_PROGRESS; // aborted, but the template is not restored yet
  const isOurs = hasActionKey(rollout.metadata, ROLLBACK_KEY, request.key) && isVersion(versions, toVersion(request));
  return isOurs ? progressOf(rollout) : { kind: 'superseded', current };
}

/**
 * Returns the progress by the same rules as `kubectl argo rollouts status`. Only a fully promoted version counts as
 * healthy.
 */
function progressOf(rollout: Rollout): TargetResponse {
  const { metadata, status } = rollout;
  if (!isObserved(rollout)) return IN_PROGRESS;
  const id = revisionName(metadata);
  if (status.phase === 'Degraded') return { kind: 'failed', detail: `${id ?? 'it'} is degraded: ${status.message}` };
  const isDone = status.phase === 'Healthy' && !isCanary(rollout);
  return isDone ? { kind: 'succeeded', id } : { kind: 'in_progress', id, handle: null };
}

function revisionName({ annotations }: Metadata): string | null {
  const revision = annotations[ROLLOUT_MARKS.revision];
  return revision === undefined ? null : `revision ${revision}`;
}

const checkDrift = async (target: WorkloadTarget<Rollout>, request: RollbackCall): Promise<DriftCheck> => {
  const response = await attemptOn(target, async (calls, rollout): Promise<DriftCheck> => {
    const versions = versionsOf(ownTemplate(target, rollout), target.container);
    const restored = restoredIn(versions, request);
    if (restored !== undefined) return restored;
    const drifted: DriftCheck = { kind: 'drifted', detail: `its pod template is that of ${nameOf(versions)}` };
    if (!rollout.status.abort) return drifted;
    const sets = await ownReplicaSets(calls, target.namespace, rollout);
    return stableOf(rollout, sets, toVersion(request), target) === undefined ? drifted : { kind: 'holds' };
  });
  return driftOrUnknown(response);
};

/**
 * Returns the progress of a restart. Each restart has its own time, which the controller copies to the status when all
 * pods are newer.
 */
function restartOf({ spec, status }: Rollout): TargetResponse {
  const isRestarted = Date.parse(status.restartedAt ?? '') === Date.parse(spec.restartAt ?? '');
  if (isRestarted && status.phase === 'Healthy') return { kind: 'succeeded', id: null };
  return status.phase === 'Degraded'
    ? { kind: 'failed', detail: `it is degraded: ${status.message}` }
    : { kind: 'in_progress', id: null, handle: spec.restartAt ?? null };
}

const restartStatus = (target: WorkloadTarget<Rollout>, rollout: Rollout, { key }: TargetRequest): TargetResponse =>
  hasActionKey(rollout.metadata, RESTART_KEY, key)
    ? restartOf(rollout)
    : { kind: 'superseded', current: nameOf(versionsOf(ownTemplate(target, rollout), target.container)) };

export function ownTemplate({ namespace, name }: WorkloadTarget<Rollout>, { spec }: Rollout): PodTemplate {
  if (spec.template !== undefined && spec.workloadRef === undefined) return spec.template;
  const { kind = 'another object', name: other = '' } = spec.workloadRef ?? {};
  throw refuse(
    `Rollout ${namespace}/${name} has its pod template from ${kind} ${other} (workloadRef), which is not supported; ` +
      'roll it back at its source',
  );
}

export function refusePaused({ namespace, name }: WorkloadTarget<Rollout>, { spec }: Rollout): void {
  if (spec.paused)
    throw refuse(
      `Rollout ${namespace}/${name} is paused by spec.paused, so a change would have no effect; ` +
        `kubectl argo rollouts promote ${name} resumes it`,
    );
}

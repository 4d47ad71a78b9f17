import type {
  TargetResponse,
  TargetRequest,
  Deployer,
  DriftCheck,
  RollbackCall,
} from '../../core/domain/rollback/targets.ts';
import type { KubernetesDeployer } from './schema.ts';
import { driftOrUnknown, refuse } from '../shared/refusals.ts';
import { type Calls, type ClusterOptions } from './attempt.ts';
import { hasActionKey, RESTART_KEY, ROLLBACK_KEY } from './annotations.ts';
import { instancesOf } from './instances.ts';
import { barePods, lookTarget } from './look/look.ts';
import { Deployment } from './objects.ts';
import { lastRollout } from './observe.ts';
import { type Marks, ownReplicaSets, revisionOf, templateOf } from './revisions.ts';
import { scalingOf } from './scaling.ts';
import { isVersion, nameOf, refuseSharedName, restoredIn, versionsOf } from './versions.ts';
import { watchObject } from './watch.ts';
import {
  attemptOn,
  templatePatch,
  patchWithKey,
  type WorkloadTarget,
  refuseManaged,
  wholeSeconds,
} from './workload.ts';
import { fromVersion, toVersion } from '../shared/versions.ts';

/** @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/ */
const MARKS: Marks = { revision: 'deployment.kubernetes.io/revision', hash: 'pod-template-hash' };

/**
 * Creates a deployer for a Deployment. A rollback does the same as `kubectl rollout undo --to-revision`: it replaces
 * the pod template with that of the target version's ReplicaSet. Firebreak's key is an annotation of the Deployment, so
 * a repeat only checks the progress.
 */
export function kubernetesDeployer(
  config: KubernetesDeployer,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): Deployer {
  const { namespace, deployment: name = service, container } = config;
  const target = deploymentTarget({ cluster, namespace, name, container });
  const { path } = target;
  const mergeWithKey = (calls: Calls, deployment: Deployment, annotation: string, key: string, spec: object) =>
    calls.patch(path, 'merge', patchWithKey(deployment, annotation, key, spec), Deployment);

  return {
    target: `Deployment ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'deployments', name])}`,
    effectClass: 'convergent',
    rollBack: (request) =>
      attemptOn(target, async (calls, deployment) => rollBackDeployment(target, calls, deployment, request)),
    status: (_, request) => attemptOn(target, async (__, deployment) => statusOfKey(target, deployment, request)),
    checkDrift: (request) => checkDrift(target, request),
    scaling: scalingOf(target),
    look: lookTarget({
      target,
      marks: MARKS,
      templateIn(deployment) {
        refusePaused(target, deployment);
        return deployment.spec.template;
      },
      objects: barePods(target),
    }),
    restart: (request) =>
      attemptOn(target, async (calls, deployment) => {
        if (hasActionKey(deployment.metadata, RESTART_KEY, request.key)) return progressOf(deployment);
        refusePaused(target, deployment);
        const annotations = { 'kubectl.kubernetes.io/restartedAt': wholeSeconds(cluster.clock.now()) };
        const spec = { template: { metadata: { annotations } } };
        return progressOf(await mergeWithKey(calls, deployment, RESTART_KEY, request.key, spec));
      }),
    watchRollouts: async (options) => {
      const collection = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      return watchObject({ cluster, collection, name }, options);
    },
    instances: (options) => instancesOf(target, options),
    lastRollout: () => lastRollout(target, MARKS, progressOf),
    restartStatus: (_, request) =>
      attemptOn(target, async (__, deployment) => restartStatus(target, deployment, request)),
  };
}

export const deploymentTarget = (
  location: Pick<WorkloadTarget<Deployment>, 'cluster' | 'namespace' | 'name' | 'container'>,
): WorkloadTarget<Deployment> => ({
  ...location,
  kind: 'Deployment',
  path: `/apis/apps/v1/namespaces/${location.namespace}/deployments/${location.name}`,
  schema: Deployment,
});

/** Rolls back or follows a rollback, within an attempt that has read the Deployment. */
export const rollBackDeployment = async (
  target: WorkloadTarget<Deployment>,
  calls: Calls,
  deployment: Deployment,
  request: RollbackCall,
): Promise<TargetResponse> =>
  hasActionKey(deployment.metadata, ROLLBACK_KEY, request.key)
    ? statusOfKey(target, deployment, request)
    : beginRollback(target, calls, deployment, request);

async function beginRollback(
  target: WorkloadTarget<Deployment>,
  calls: Calls,
  deployment: Deployment,
  request: RollbackCall,
): Promise<TargetResponse> {
  const versions = versionsOf(deployment.spec.template, target.container);
  refuseSharedName(versions, request);
  if (!isVersion(versions, fromVersion(request))) return { kind: 'superseded', current: nameOf(versions) };
  refuseManaged(target, deployment);
  refusePaused(target, deployment);
  const sets = await ownReplicaSets(calls, target.namespace, deployment);
  const set = revisionOf(sets, request, { marks: MARKS, container: target.container });
  const patch = templatePatch(deployment, templateOf(set, MARKS), request);
  return progressOf(await calls.patch(target.path, 'json', patch, Deployment));
}

/** Returns the result of this rollback. The key shows that it was done, and the template whether it still applies. */
export function statusOfKey(
  target: WorkloadTarget<Deployment>,
  deployment: Deployment,
  request: RollbackCall,
): TargetResponse {
  const versions = versionsOf(deployment.spec.template, target.container);
  if (!hasActionKey(deployment.metadata, ROLLBACK_KEY, request.key))
    return { kind: 'superseded', current: nameOf(versions) };
  if (isVersion(versions, toVersion(request))) return progressOf(deployment);
  return isVersion(versions, fromVersion(request))
    ? {
        kind: 'failed',
        detail: `${request.to} was restored, but another system then changed it back to ${nameOf(versions)}`,
      }
    : { kind: 'superseded', current: nameOf(versions) };
}

const checkDrift = async (target: WorkloadTarget<Deployment>, request: RollbackCall): Promise<DriftCheck> => {
  const response = await attemptOn(target, async (_, deployment): Promise<DriftCheck> => {
    const versions = versionsOf(deployment.spec.template, target.container);
    return (
      restoredIn(versions, request) ?? {
        kind: 'drifted',
        detail: `its pod template is that of ${nameOf(versions)}, not of ${request.to}`,
      }
    );
  });
  return driftOrUnknown(response);
};

const restartStatus = (
  target: WorkloadTarget<Deployment>,
  deployment: Deployment,
  { key }: TargetRequest,
): TargetResponse =>
  hasActionKey(deployment.metadata, RESTART_KEY, key)
    ? progressOf(deployment)
    : { kind: 'superseded', current: nameOf(versionsOf(deployment.spec.template, target.container)) };

function refusePaused({ namespace, name }: WorkloadTarget<Deployment>, { spec }: Deployment): void {
  if (spec.paused)
    throw refuse(
      `Deployment ${namespace}/${name} is paused, so a change would have no effect; ` +
        `kubectl rollout resume deployment/${name} resumes it`,
    );
}

/**
 * Returns the progress by the same rules as `kubectl rollout status`.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
 */
export function progressOf({ metadata, spec, status }: Deployment): TargetResponse {
  // A status that is older than the change describes the previous state, including its revision number.
  if (status.observedGeneration < metadata.generation) return { kind: 'in_progress', id: null, handle: metadata.uid };
  const revision = metadata.annotations[MARKS.revision];
  const id = revision === undefined ? null : `revision ${revision}`;
  const progressing = status.conditions.find(({ type }) => type === 'Progressing');
  if (progressing?.reason === 'ProgressDeadlineExceeded')
    return { kind: 'failed', detail: `${id ?? 'it'} is past its progress deadline: ${progressing.message}` };
  const { replicas, updatedReplicas, availableReplicas } = status;
  const isDone =
    updatedReplicas >= spec.replicas && replicas <= updatedReplicas && availableReplicas >= updatedReplicas;
  return isDone ? { kind: 'succeeded', id } : { kind: 'in_progress', id, handle: metadata.uid };
}

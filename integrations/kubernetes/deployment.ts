import type {
  TargetResponse,
  TargetRequest,
  Deployer,
  DriftCheck,
  RollbackCall,
} from '../../domain/rollback/targets.ts';
import type { KubernetesDeployer } from '../../schemas/rollback/targets/kubernetes.ts';
import { heldOr, refuse } from '../shared/refusals.ts';
import { type Calls, type ClusterOptions } from './attempt.ts';
import { isUnder, RESTART_KEY, ROLLBACK_KEY } from './annotations.ts';
import { Deployment } from './objects.ts';
import { lastRollout } from './observe.ts';
import { fromOf, type Marks, ownReplicaSets, revisionOf, templateOf, toOf } from './revisions.ts';
import { scalingOf } from './scaling.ts';
import { isVersion, nameOf, versionsOf } from './versions.ts';
import { watchObject } from './watch.ts';
import { attemptOn, backTo, marked, type WorkloadTarget, refuseKept, wholeSeconds } from './workload.ts';

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
  const mergeUnder = (calls: Calls, found: Deployment, mark: string, key: string, spec: object) =>
    calls.patch(path, 'merge', marked(found, mark, key, spec), Deployment);

  return {
    target: `Deployment ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'deployments', name])}`,
    effectClass: 'convergent',
    rollBack: (request) => attemptOn(target, async (calls, found) => rollBackDeployment(target, calls, found, request)),
    status: (_, request) => attemptOn(target, async (__, found) => underKey(target, found, request)),
    checkDrift: (request) => checkDrift(target, request),
    scaling: scalingOf(target),
    restart: (request) =>
      attemptOn(target, async (calls, found) => {
        if (isUnder(found.metadata, RESTART_KEY, request.key)) return progressOf(found);
        refusePaused(target, found);
        const annotations = { 'kubectl.kubernetes.io/restartedAt': wholeSeconds(cluster.clock.now()) };
        const spec = { template: { metadata: { annotations } } };
        return progressOf(await mergeUnder(calls, found, RESTART_KEY, request.key, spec));
      }),
    watchRollouts: async (options) => {
      const collection = `/apis/apps/v1/namespaces/${namespace}/deployments`;
      return watchObject({ cluster, collection, name }, options);
    },
    lastRollout: () => lastRollout(target, MARKS, progressOf),
    restartStatus: (_, request) => attemptOn(target, async (__, found) => restarting(target, found, request)),
  };
}

export const deploymentTarget = (
  where: Pick<WorkloadTarget<Deployment>, 'cluster' | 'namespace' | 'name' | 'container'>,
): WorkloadTarget<Deployment> => ({
  ...where,
  kind: 'Deployment',
  path: `/apis/apps/v1/namespaces/${where.namespace}/deployments/${where.name}`,
  schema: Deployment,
});

/** Rolls back or follows a rollback, within an attempt that has read the Deployment. */
export const rollBackDeployment = async (
  target: WorkloadTarget<Deployment>,
  calls: Calls,
  found: Deployment,
  request: RollbackCall,
): Promise<TargetResponse> =>
  isUnder(found.metadata, ROLLBACK_KEY, request.key)
    ? underKey(target, found, request)
    : begin(target, calls, found, request);

async function begin(
  target: WorkloadTarget<Deployment>,
  calls: Calls,
  found: Deployment,
  request: RollbackCall,
): Promise<TargetResponse> {
  const versions = versionsOf(found.spec.template, target.container);
  if (!isVersion(versions, fromOf(request))) return { kind: 'superseded', current: nameOf(versions) };
  refuseKept(target, found);
  refusePaused(target, found);
  const sets = await ownReplicaSets(calls, target.namespace, found);
  const set = revisionOf(sets, request, { marks: MARKS, container: target.container });
  const patch = backTo(found, templateOf(set, MARKS), request);
  return progressOf(await calls.patch(target.path, 'json', patch, Deployment));
}

/** Returns the result of this rollback. The key shows that it was done, and the template whether it still applies. */
export function underKey(target: WorkloadTarget<Deployment>, found: Deployment, request: RollbackCall): TargetResponse {
  const versions = versionsOf(found.spec.template, target.container);
  if (!isUnder(found.metadata, ROLLBACK_KEY, request.key)) return { kind: 'superseded', current: nameOf(versions) };
  if (isVersion(versions, toOf(request))) return progressOf(found);
  return isVersion(versions, fromOf(request))
    ? {
        kind: 'failed',
        detail: `${request.to} was restored, but another system then changed it back to ${nameOf(versions)}`,
      }
    : { kind: 'superseded', current: nameOf(versions) };
}

const checkDrift = async (target: WorkloadTarget<Deployment>, request: RollbackCall): Promise<DriftCheck> => {
  const answer = await attemptOn(target, async (_, found): Promise<DriftCheck> => {
    const versions = versionsOf(found.spec.template, target.container);
    return isVersion(versions, toOf(request))
      ? { kind: 'holds' }
      : { kind: 'drifted', detail: `its pod template is that of ${nameOf(versions)}, not of ${request.to}` };
  });
  return heldOr(answer);
};

const restarting = (target: WorkloadTarget<Deployment>, found: Deployment, { key }: TargetRequest): TargetResponse =>
  isUnder(found.metadata, RESTART_KEY, key)
    ? progressOf(found)
    : { kind: 'superseded', current: nameOf(versionsOf(found.spec.template, target.container)) };

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

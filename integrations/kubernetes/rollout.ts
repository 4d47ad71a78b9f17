import type { ActAnswer, ActRequest, Deployer, Held, RollbackRequest } from '../../domain/rollback/targets.ts';
import type { ArgoRolloutsDeployer } from '../../schemas/rollback/targets/kubernetes.ts';
import { heldOr, refuse } from '../shared/refusals.ts';
import { type Calls, type ClusterOptions } from './attempt.ts';
import { isUnder, KEEP_STEPS, keeperOf, RESTART_KEY, ROLLBACK_KEY } from './marks.ts';
import { type Metadata, type PodTemplate, type ReplicaSet, Rollout } from './objects.ts';
import { fromOf, type Marks, ownReplicaSets, revisionOf, templateOf, toOf } from './revisions.ts';
import { scalingOf } from './scaling.ts';
import { isVersion, nameOf, versionsOf, type Wanted } from './versions.ts';
import { attemptOn, backTo, marked, type Place, refuseKept, wholeSeconds } from './workload.ts';

const MARKS: Marks = { revision: 'rollout.argoproj.io/revision', hash: 'rollouts-pod-template-hash' };

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
  const { namespace, rollout: name = service, container } = config;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/rollouts/${name}`;
  const place: Place<Rollout> = { cluster, kind: 'Rollout', namespace, name, path, schema: Rollout, container };

  return {
    target: `Rollout ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'rollouts', name])}`,
    effectClass: 'convergent',
    rollBack: (request) =>
      attemptOn(place, async (calls, found) => {
        const template = ownTemplate(place, found);
        return isUnder(found.metadata, ROLLBACK_KEY, request.key)
          ? goOn(place, calls, { found, template }, request)
          : begin(place, calls, { found, template }, request);
      }),
    status: (_, request) =>
      attemptOn(place, async (__, found) => underKey(place, { found, template: ownTemplate(place, found) }, request)),
    held: (request) => held(place, request),
    scaling: scalingOf(place),
    restart: (request) =>
      attemptOn(place, async (calls, found) => {
        if (isUnder(found.metadata, RESTART_KEY, request.key)) return restartOf(found);
        refusePaused(place, found);
        const patch = marked(found, RESTART_KEY, request.key, { restartAt: wholeSeconds(cluster.clock.now()) });
        return restartOf(await calls.patch(path, 'merge', patch, Rollout));
      }),
    restartStatus: (_, request) => attemptOn(place, async (__, found) => restarting(place, found, request)),
  };
}

type Found = { found: Rollout; template: PodTemplate };

async function begin(
  place: Place<Rollout>,
  calls: Calls,
  { found, template }: Found,
  request: RollbackRequest,
): Promise<ActAnswer> {
  const versions = versionsOf(template, place.container);
  if (!isVersion(versions, fromOf(request))) return { kind: 'superseded', current: nameOf(versions) };
  refusePaused(place, found);
  // Until the controller has observed a new template, its status shows neither a canary nor the end of one.
  if (!isObserved(found)) return { kind: 'later', detail: 'its controller has not seen it yet', afterSeconds: null };
  const sets = await ownReplicaSets(calls, place.namespace, found);
  const stable = isCanary(found) ? stableOf(found, sets, toOf(request), place) : undefined;
  if (stable !== undefined) {
    if (!found.status.abort) return abort(place, calls, found);
    if (!carriesAll(found, stable)) return IN_PROGRESS;
    // A GitOps controller would restore the template and start the canary again. An aborted canary stays aborted until
    // Git changes.
    if (keeperOf(found.metadata) !== undefined) return { kind: 'succeeded', id: revisionName(stable.metadata) };
  } else refuseKept(place, found);
  const set = stable ?? revisionOf(sets, request, { marks: MARKS, container: place.container });
  await calls.patch(place.path, 'json', backTo(found, templateOf(set, MARKS), request), Rollout);
  return IN_PROGRESS;
}

/** Without a handle: `status` never changes anything, so the remaining steps need another `rollBack` call. */
const IN_PROGRESS: ActAnswer = { kind: 'in_progress', id: null, handle: null };

const isObserved = ({ metadata, status }: Rollout): boolean => status.observedGeneration >= metadata.generation;

/** Returns whether a new version is being rolled out beside the stable one. */
const isCanary = ({ status }: Rollout): boolean => status.stableRS !== '' && status.stableRS !== status.currentPodHash;

/** Returns the stable ReplicaSet if it runs this version. */
const stableOf = (
  { status }: Rollout,
  sets: readonly ReplicaSet[],
  wanted: Wanted,
  { container }: Place<Rollout>,
): ReplicaSet | undefined =>
  sets.find(
    ({ metadata, spec }) =>
      status.stableRS !== '' &&
      metadata.labels[MARKS.hash] === status.stableRS &&
      isVersion(versionsOf(spec.template, container), wanted),
  );

const carriesAll = ({ spec, status }: Rollout, stable: ReplicaSet): boolean =>
  status.phase === 'Degraded' && status.canary === 0 && stable.status.availableReplicas >= spec.replicas;

async function abort(place: Place<Rollout>, calls: Calls, { metadata }: Rollout): Promise<ActAnswer> {
  const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { abort: true } };
  await calls.patch(`${place.path}/status`, 'merge', patch, Rollout);
  return IN_PROGRESS;
}

/** Returns the progress of this rollback, after skipping the remaining steps if necessary. */
async function goOn(
  place: Place<Rollout>,
  calls: Calls,
  { found, template }: Found,
  request: RollbackRequest,
): Promise<ActAnswer> {
  const answer = underKey(place, { found, template }, request);
  const { metadata, status } = found;
  const hasSteps = answer.kind === 'in_progress' && isObserved(found) && isCanary(found) && !status.abort;
  if (!hasSteps || status.promoteFull || metadata.annotations[KEEP_STEPS] === 'true') return answer;
  const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { promoteFull: true } };
  await calls.patch(`${place.path}/status`, 'merge', patch, Rollout);
  return IN_PROGRESS;
}

function underKey(place: Place<Rollout>, { found, template }: Found, request: RollbackRequest): ActAnswer {
  const versions = versionsOf(template, place.container);
  const current = nameOf(versions);
  if (isVersion(versions, fromOf(request)))
    return isUnder(found.metadata, ROLLBACK_KEY, request.key)
      ? { kind: 'failed', detail: `${request.to} was restored, but another system then changed it back to ${current}` }
      : IN_PROGRESS; // aborted, but the template is not restored yet
  const isOurs = isUnder(found.metadata, ROLLBACK_KEY, request.key) && isVersion(versions, toOf(request));
  return isOurs ? progressOf(found) : { kind: 'superseded', current };
}

/**
 * Returns the progress by the same rules as `kubectl argo rollouts status`. Only a fully promoted version counts as
 * healthy.
 */
function progressOf(found: Rollout): ActAnswer {
  const { metadata, status } = found;
  if (!isObserved(found)) return IN_PROGRESS;
  const id = revisionName(metadata);
  if (status.phase === 'Degraded') return { kind: 'failed', detail: `${id ?? 'it'} is degraded: ${status.message}` };
  const isDone = status.phase === 'Healthy' && !isCanary(found);
  return isDone ? { kind: 'succeeded', id } : { kind: 'in_progress', id, handle: null };
}

function revisionName({ annotations }: Metadata): string | null {
  const revision = annotations[MARKS.revision];
  return revision === undefined ? null : `revision ${revision}`;
}

const held = async (place: Place<Rollout>, request: RollbackRequest): Promise<Held> => {
  const answer = await attemptOn(place, async (calls, found): Promise<Held> => {
    const versions = versionsOf(ownTemplate(place, found), place.container);
    if (isVersion(versions, toOf(request))) return { kind: 'holds' };
    const drifted: Held = { kind: 'drifted', detail: `its pod template is that of ${nameOf(versions)}` };
    if (!found.status.abort) return drifted;
    const sets = await ownReplicaSets(calls, place.namespace, found);
    return stableOf(found, sets, toOf(request), place) === undefined ? drifted : { kind: 'holds' };
  });
  return heldOr(answer);
};

/**
 * Returns the progress of a restart. Each restart has its own time, which the controller copies to the status when all
 * pods are newer.
 */
function restartOf({ spec, status }: Rollout): ActAnswer {
  const isRestarted = Date.parse(status.restartedAt ?? '') === Date.parse(spec.restartAt ?? '');
  if (isRestarted && status.phase === 'Healthy') return { kind: 'succeeded', id: null };
  return status.phase === 'Degraded'
    ? { kind: 'failed', detail: `it is degraded: ${status.message}` }
    : { kind: 'in_progress', id: null, handle: spec.restartAt ?? null };
}

const restarting = (place: Place<Rollout>, found: Rollout, { key }: ActRequest): ActAnswer =>
  isUnder(found.metadata, RESTART_KEY, key)
    ? restartOf(found)
    : { kind: 'superseded', current: nameOf(versionsOf(ownTemplate(place, found), place.container)) };

function ownTemplate({ namespace, name }: Place<Rollout>, { spec }: Rollout): PodTemplate {
  if (spec.template !== undefined && spec.workloadRef === undefined) return spec.template;
  const { kind = 'another object', name: other = '' } = spec.workloadRef ?? {};
  throw refuse(
    `Rollout ${namespace}/${name} has its pod template from ${kind} ${other} (workloadRef), which is not supported; ` +
      'roll it back at its source',
  );
}

function refusePaused({ namespace, name }: Place<Rollout>, { spec }: Rollout): void {
  if (spec.paused)
    throw refuse(
      `Rollout ${namespace}/${name} is paused by spec.paused, so a change would have no effect; ` +
        `kubectl argo rollouts promote ${name} resumes it`,
    );
}

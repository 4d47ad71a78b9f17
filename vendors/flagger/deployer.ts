import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { RollbackGates } from '../../core/domain/ports/rollback.ts';
import type { TargetResponse, Deployer, DriftCheck, RollbackCall } from '../../core/domain/rollback/targets.ts';
import type { FlaggerDeployer } from '../kubernetes/schema.ts';
import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import { driftOrUnknown, refuse } from '../shared/refusals.ts';
import { attempt, type Calls, type ClusterOptions } from '../kubernetes/attempt.ts';
import { deploymentTarget, progressOf, rollBackDeployment, statusOfKey } from '../kubernetes/deployment.ts';
import { hasActionKey, ROLLBACK_KEY } from '../kubernetes/annotations.ts';
import type { Deployment } from '../kubernetes/objects.ts';
import { isVersion, nameOf, restoredIn, versionsOf } from '../kubernetes/versions.ts';
import { type WorkloadTarget, refuseInvalidName } from '../kubernetes/workload.ts';
import { hasRollbackWebhook, Canary } from './canary.ts';
import { type CanaryState, type Step, stepOf } from './next-step.ts';
import { requestRollback, type GateRequests, gateRequestsOf } from './gate-requests.ts';
import { toVersion } from '../shared/versions.ts';

/**
 * Creates a deployer for a Flagger canary. Flagger has no abort API, but calls webhooks: during a rollout, the request
 * to roll back is stored where Flagger's next call reads it (`/integrations/flagger/rollback`). After the promotion of
 * `from`, the primary is rolled back as by `kubectl rollout undo`. Users then get the good version within one rolling
 * update. Restoring the old pod template on the target instead would start another rollout in Flagger, with all its
 * steps, during which users would stay on `from`.
 *
 * @see https://docs.flagger.app/usage/webhooks
 */
export function flaggerDeployer(
  config: FlaggerDeployer,
  {
    cluster,
    serviceEnvironment,
    rollbackGates,
  }: { cluster: ClusterOptions; serviceEnvironment: ServiceEnvironment; rollbackGates: RollbackGates },
): Deployer {
  const { namespace, canary: name = serviceEnvironment.service, container } = config;
  const access: CanaryAccess = { cluster, namespace, name, container };
  const gateRequests = gateRequestsOf(rollbackGates, serviceEnvironment);
  return {
    target: `Canary ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'canaries', name])}`,
    effectClass: 'convergent',
    rollBack: (request) => attempt(cluster, (calls) => rollBack(access, calls, gateRequests, request)),
    // Only a rollback of the primary has a handle. A stored request is followed by calling `rollBack` again.
    status: (_, request) =>
      attempt(cluster, async (calls) => {
        const state = await readState(access, calls);
        return statusOfKey(workloadTarget(access, primaryOf(state.canary)), state.primary, request);
      }),
    checkDrift: async (request) => {
      const response = await attempt(cluster, async (calls) =>
        driftOf(access, await readState(access, calls), request),
      );
      return driftOrUnknown(response);
    },
  };
}

/** The canary and the access to its cluster. */
type CanaryAccess = Pick<WorkloadTarget<Deployment>, 'cluster' | 'namespace' | 'name' | 'container'>;

const workloadTarget = (access: CanaryAccess, name: string): WorkloadTarget<Deployment> =>
  deploymentTarget({ ...access, name });

/** @throws Ended if the canary's target is not a Deployment */
async function readState(access: CanaryAccess, calls: Calls): Promise<CanaryState> {
  const { namespace, name } = access;
  refuseInvalidName({ kind: 'Canary', name });
  const canary = await calls.get(`/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/${name}`, Canary);
  const { kind, name: target } = canary.spec.targetRef;
  if (kind !== 'Deployment')
    throw refuse(`Canary ${namespace}/${name} targets a ${kind}; only Deployments have revisions for a rollback`);
  const deployment = (deploymentName: string) => {
    const { path, schema } = workloadTarget(access, deploymentName);
    return calls.get(path, schema);
  };
  return { canary, target: await deployment(target), primary: await deployment(primaryOf(canary)) };
}

const primaryOf = ({ spec }: Canary): string => `${spec.targetRef.name}-primary`;

async function rollBack(
  access: CanaryAccess,
  calls: Calls,
  gateRequests: GateRequests,
  request: RollbackCall,
): Promise<TargetResponse> {
  const state = await readState(access, calls);
  const primary = workloadTarget(access, primaryOf(state.canary));
  if (hasActionKey(state.primary.metadata, ROLLBACK_KEY, request.key))
    return statusOfKey(primary, state.primary, request);
  const gateRequest = await gateRequests.ofAction(request);
  const step = stepOf(state, request, { container: access.container, isRequested: gateRequest !== undefined });
  if (gateRequest !== undefined && step.kind === 'undo') await gateRequests.end(gateRequest); // promoted before Flagger called the webhook
  const response = await takeStep(step);
  if (gateRequest !== undefined && isEnd(response)) await gateRequests.end(gateRequest);
  return response;

  function takeStep(next: Step): TargetResponse | Promise<TargetResponse> {
    switch (next.kind) {
      case 'request':
        return requestAtGate(access, gateRequests, { state, gateRequest, request });
      case 'undo':
        return rollBackDeployment(primary, calls, state.primary, request);
      case 'check_result':
        return progressOf(state.primary);
      case 'succeeded':
      case 'in_progress':
      case 'busy':
      case 'later':
      case 'superseded':
      case 'refused':
      case 'failed':
        return next;
    }
  }
}

const isEnd = ({ kind }: TargetResponse): boolean => kind !== 'in_progress' && kind !== 'busy' && kind !== 'later';

/** @throws Ended if the canary has no webhook that calls Firebreak */
function requestAtGate(
  { cluster, namespace, name }: CanaryAccess,
  gateRequests: GateRequests,
  {
    state: { canary },
    gateRequest,
    request,
  }: { state: CanaryState; gateRequest: RollbackGateRequest | undefined; request: RollbackCall },
): Promise<TargetResponse> {
  if (!hasRollbackWebhook(canary))
    throw refuse(
      `Canary ${namespace}/${name} has no rollback webhook; add to its spec.analysis.webhooks ` +
        '{ name: firebreak, type: rollback, url: https://…/integrations/flagger/rollback?key=… }, see docs/how-to/kubernetes.md',
    );
  const { status } = canary;
  return requestRollback(gateRequests, request, {
    gateRequest,
    canary: `${namespace}/${name}`,
    status,
    now: cluster.clock.now(),
  });
}

/** Checks that the primary runs the target version, and that no other version gets traffic. */
function driftOf(
  { container }: CanaryAccess,
  { canary, target, primary }: CanaryState,
  request: RollbackCall,
): DriftCheck {
  const stable = versionsOf(primary.spec.template, container);
  const deployed = versionsOf(target.spec.template, container);
  const restored = restoredIn(stable, request);
  if (restored?.kind !== 'holds') return restored ?? { kind: 'drifted', detail: `the primary runs ${nameOf(stable)}` };
  const { phase, canaryWeight } = canary.status;
  const isSplit = phase === 'Progressing' || phase === 'WaitingPromotion' || canaryWeight > 0;
  return isSplit && !isVersion(deployed, toVersion(request))
    ? { kind: 'drifted', detail: `a rollout of ${nameOf(deployed)} is in progress` }
    : { kind: 'holds' };
}

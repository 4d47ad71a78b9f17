import type { ServiceEnvironment as Where } from '../../domain/ports/common.ts';
import type { RollbackGates } from '../../domain/ports/rollback.ts';
import type { TargetResponse, Deployer, DriftCheck, RollbackCall } from '../../domain/rollback/targets.ts';
import type { FlaggerDeployer } from '../../schemas/rollback/targets/kubernetes.ts';
import type { RollbackGateRequest } from '../../schemas/rollback/gate-request.ts';
import { heldOr, refuse } from '../shared/refusals.ts';
import { attempt, type Calls, type ClusterOptions } from '../kubernetes/attempt.ts';
import { deploymentTarget, progressOf, rollBackDeployment, underKey } from '../kubernetes/deployment.ts';
import { isUnder, ROLLBACK_KEY } from '../kubernetes/annotations.ts';
import type { Deployment } from '../kubernetes/objects.ts';
import { toOf } from '../kubernetes/revisions.ts';
import { isVersion, nameOf, versionsOf } from '../kubernetes/versions.ts';
import { type WorkloadTarget, refuseNoName } from '../kubernetes/workload.ts';
import { hasRollbackWebhook, Canary } from './canary.ts';
import { type CanaryState, type Step, stepOf } from './next-step.ts';
import { requestRollback, type OwnGateRequests, gateRequestsOf } from './gate-requests.ts';

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
  }: { cluster: ClusterOptions; serviceEnvironment: Where; rollbackGates: RollbackGates },
): Deployer {
  const { namespace, canary: name = serviceEnvironment.service, container } = config;
  const site: Site = { cluster, namespace, name, container };
  const gateRequests = gateRequestsOf(rollbackGates, serviceEnvironment);
  return {
    target: `Canary ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'canaries', name])}`,
    effectClass: 'convergent',
    rollBack: (request) => attempt(cluster, (calls) => takeBack(site, calls, gateRequests, request)),
    // Only a rollback of the primary has a handle. A stored request is followed by calling `rollBack` again.
    status: (_, request) =>
      attempt(cluster, async (calls) => {
        const found = await look(site, calls);
        return underKey(workloadTarget(site, primaryOf(found.canary)), found.primary, request);
      }),
    checkDrift: async (request) => {
      const answer = await attempt(cluster, async (calls) => holds(site, await look(site, calls), request));
      return heldOr(answer);
    },
  };
}

type Site = Pick<WorkloadTarget<Deployment>, 'cluster' | 'namespace' | 'name' | 'container'>;

const workloadTarget = (site: Site, name: string): WorkloadTarget<Deployment> => deploymentTarget({ ...site, name });

/** @throws Ended if the canary's target is not a Deployment */
async function look(site: Site, calls: Calls): Promise<CanaryState> {
  const { namespace, name } = site;
  refuseNoName({ kind: 'Canary', name });
  const canary = await calls.get(`/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/${name}`, Canary);
  const { kind, name: target } = canary.spec.targetRef;
  if (kind !== 'Deployment')
    throw refuse(`Canary ${namespace}/${name} targets a ${kind}; only Deployments have revisions for a rollback`);
  const deployment = (of: string) => {
    const { path, schema } = workloadTarget(site, of);
    return calls.get(path, schema);
  };
  return { canary, target: await deployment(target), primary: await deployment(primaryOf(canary)) };
}

const primaryOf = ({ spec }: Canary): string => `${spec.targetRef.name}-primary`;

async function takeBack(
  site: Site,
  calls: Calls,
  gateRequests: OwnGateRequests,
  request: RollbackCall,
): Promise<TargetResponse> {
  const found = await look(site, calls);
  const primary = workloadTarget(site, primaryOf(found.canary));
  if (isUnder(found.primary.metadata, ROLLBACK_KEY, request.key)) return underKey(primary, found.primary, request);
  const gateRequest = await gateRequests.ofAction(request);
  const step = stepOf(found, request, { container: site.container, isRequested: gateRequest !== undefined });
  if (gateRequest !== undefined && step.kind === 'undo') await gateRequests.end(gateRequest); // promoted before Flagger called the webhook
  const answer = await taken(step);
  if (gateRequest !== undefined && isEnd(answer)) await gateRequests.end(gateRequest);
  return answer;

  function taken(next: Step): TargetResponse | Promise<TargetResponse> {
    switch (next.kind) {
      case 'request':
        return viaGate(site, gateRequests, { found, gateRequest, request });
      case 'undo':
        return rollBackDeployment(primary, calls, found.primary, request);
      case 'look':
        return progressOf(found.primary);
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
function viaGate(
  { cluster, namespace, name }: Site,
  gateRequests: OwnGateRequests,
  {
    found: { canary },
    gateRequest,
    request,
  }: { found: CanaryState; gateRequest: RollbackGateRequest | undefined; request: RollbackCall },
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
function holds({ container }: Site, { canary, target, primary }: CanaryState, request: RollbackCall): DriftCheck {
  const stable = versionsOf(primary.spec.template, container);
  const shipped = versionsOf(target.spec.template, container);
  if (!isVersion(stable, toOf(request))) return { kind: 'drifted', detail: `the primary runs ${nameOf(stable)}` };
  const { phase, canaryWeight } = canary.status;
  const isShared = phase === 'Progressing' || phase === 'WaitingPromotion' || canaryWeight > 0;
  return isShared && !isVersion(shipped, toOf(request))
    ? { kind: 'drifted', detail: `a rollout of ${nameOf(shipped)} is in progress` }
    : { kind: 'holds' };
}

import type { ServiceEnvironment as Where } from '../../domain/ports/common.ts';
import type { Gates } from '../../domain/ports/freeze.ts';
import type { ActAnswer, Deployer, Held, RollbackRequest } from '../../domain/rollback/targets.ts';
import type { FlaggerDeployer } from '../../schemas/rollback/targets/kubernetes.ts';
import type { GateRequest } from '../../schemas/freeze/gate.ts';
import { heldOr, refuse } from '../shared/refusals.ts';
import { attempt, type Calls, type ClusterOptions } from '../kubernetes/attempt.ts';
import { placeOfDeployment, progressOf, rollBackDeployment, underKey } from '../kubernetes/deployment.ts';
import { isUnder, ROLLBACK_KEY } from '../kubernetes/marks.ts';
import type { Deployment } from '../kubernetes/objects.ts';
import { toOf } from '../kubernetes/revisions.ts';
import { isVersion, nameOf, versionsOf } from '../kubernetes/versions.ts';
import { type Place, refuseNoName } from '../kubernetes/workload.ts';
import { asksUs, Canary } from './canary.ts';
import { type Found, type Step, stepOf } from './situation.ts';
import { wishBack, type GateRequests, wishesAt } from './wishes.ts';

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
  { cluster, place, gates }: { cluster: ClusterOptions; place: Where; gates: Gates },
): Deployer {
  const { namespace, canary: name = place.service, container } = config;
  const site: Site = { cluster, namespace, name, container };
  const wishes = wishesAt(gates, place);
  return {
    target: `Canary ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, namespace, 'canaries', name])}`,
    effectClass: 'convergent',
    rollBack: (request) => attempt(cluster, (calls) => takeBack(site, calls, wishes, request)),
    // Only a rollback of the primary has a handle. A stored request is followed by calling `rollBack` again.
    status: (_, request) =>
      attempt(cluster, async (calls) => {
        const found = await look(site, calls);
        return underKey(placeIn(site, primaryOf(found.canary)), found.primary, request);
      }),
    held: async (request) => {
      const answer = await attempt(cluster, async (calls) => holds(site, await look(site, calls), request));
      return heldOr(answer);
    },
  };
}

type Site = Pick<Place<Deployment>, 'cluster' | 'namespace' | 'name' | 'container'>;

const placeIn = (site: Site, name: string): Place<Deployment> => placeOfDeployment({ ...site, name });

/** @throws Ended if the canary's target is not a Deployment */
async function look(site: Site, calls: Calls): Promise<Found> {
  const { namespace, name } = site;
  refuseNoName({ kind: 'Canary', name });
  const canary = await calls.get(`/apis/flagger.app/v1beta1/namespaces/${namespace}/canaries/${name}`, Canary);
  const { kind, name: target } = canary.spec.targetRef;
  if (kind !== 'Deployment')
    throw refuse(`Canary ${namespace}/${name} targets a ${kind}; only Deployments have revisions for a rollback`);
  const deployment = (of: string) => {
    const { path, schema } = placeIn(site, of);
    return calls.get(path, schema);
  };
  return { canary, target: await deployment(target), primary: await deployment(primaryOf(canary)) };
}

const primaryOf = ({ spec }: Canary): string => `${spec.targetRef.name}-primary`;

async function takeBack(site: Site, calls: Calls, wishes: GateRequests, request: RollbackRequest): Promise<ActAnswer> {
  const found = await look(site, calls);
  const primary = placeIn(site, primaryOf(found.canary));
  if (isUnder(found.primary.metadata, ROLLBACK_KEY, request.key)) return underKey(primary, found.primary, request);
  const wish = await wishes.own(request);
  const step = stepOf(found, request, { container: site.container, wished: wish !== undefined });
  if (wish !== undefined && step.kind === 'undo') await wishes.end(wish); // promoted before Flagger called the webhook
  const answer = await taken(step);
  if (wish !== undefined && isEnd(answer)) await wishes.end(wish);
  return answer;

  function taken(next: Step): ActAnswer | Promise<ActAnswer> {
    switch (next.kind) {
      case 'wish':
        return viaGate(site, wishes, { found, wish, request });
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

const isEnd = ({ kind }: ActAnswer): boolean => kind !== 'in_progress' && kind !== 'busy' && kind !== 'later';

/** @throws Ended if the canary has no webhook that calls Firebreak */
function viaGate(
  { cluster, namespace, name }: Site,
  wishes: GateRequests,
  { found: { canary }, wish, request }: { found: Found; wish: GateRequest | undefined; request: RollbackRequest },
): Promise<ActAnswer> {
  if (!asksUs(canary))
    throw refuse(
      `Canary ${namespace}/${name} has no rollback webhook; add to its spec.analysis.webhooks ` +
        '{ name: firebreak, type: rollback, url: https://…/integrations/flagger/rollback?key=… }, see docs/how-to/kubernetes.md',
    );
  const { status } = canary;
  return wishBack(wishes, request, { wish, canary: `${namespace}/${name}`, status, now: cluster.clock.now() });
}

/** Checks that the primary runs the target version, and that no other version gets traffic. */
function holds({ container }: Site, { canary, target, primary }: Found, request: RollbackRequest): Held {
  const stable = versionsOf(primary.spec.template, container);
  const shipped = versionsOf(target.spec.template, container);
  if (!isVersion(stable, toOf(request))) return { kind: 'drifted', detail: `the primary runs ${nameOf(stable)}` };
  const { phase, canaryWeight } = canary.status;
  const isShared = phase === 'Progressing' || phase === 'WaitingPromotion' || canaryWeight > 0;
  return isShared && !isVersion(shipped, toOf(request))
    ? { kind: 'drifted', detail: `a rollout of ${nameOf(shipped)} is in progress` }
    : { kind: 'holds' };
}

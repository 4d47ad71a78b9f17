import { sameWeights, type TrafficRoute, type Weights, weightsInWords } from '../../core/domain/rollback/reroute.ts';
import type { TargetResponse } from '../../core/domain/rollback/targets.ts';
import type { GatewayRoute } from '../../schemas/rollback/reroute.ts';
import { ALLOW_ROLLBACK, managerOf } from '../kubernetes/annotations.ts';
import { attempt, type Calls, type ClusterOptions } from '../kubernetes/attempt.ts';
import { refuse } from '../shared/refusals.ts';
import { acceptanceOf, backendWeights, HttpRoute, httpRoutePath, weightOperations } from './http-route.ts';

/** The largest weight of a backend. */
const MAX_WEIGHT = 1_000_000;

/** The handle of a change that the gateways have not accepted yet. */
const WRITTEN = 'written';

/**
 * Creates a route for the weights of the backends of an HTTPRoute. The `resourceVersion` that was read prevents a call
 * that arrives late from replacing other weights. A shift has succeeded once a gateway has accepted it.
 */
export function gatewayRoute(
  { namespace, route = '', targets }: GatewayRoute,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): TrafficRoute {
  const name = route === '' ? service : route;
  const path = httpRoutePath(namespace, name);
  const readRoute = async ({ get }: Calls): Promise<{ object: HttpRoute; weights: Weights }> => {
    const object = await get(path, HttpRoute);
    return { object, weights: backendWeights(object, Object.keys(targets)) };
  };
  return {
    target: `HTTPRoute ${namespace}/${name} at ${cluster.url}`,
    // As for canaries of the same HTTPRoute, so that both never change it concurrently.
    resource: `kubernetes ${JSON.stringify([cluster.url, path])}`,
    effectClass: 'convergent',
    async read() {
      const current = await attempt(cluster, readRoute);
      if (!('kind' in current)) return { kind: 'weights', weights: current.weights };
      return current.kind === 'refused' ? current : { afterSeconds: null, ...current, kind: 'later' };
    },
    set: ({ from, to }) =>
      attempt(cluster, async (calls): Promise<TargetResponse> => {
        const { object, weights } = await readRoute(calls);
        if (sameWeights(weights, to)) return accepted(object);
        if (!sameWeights(weights, from)) return { kind: 'superseded', current: weightsInWords(weights) };
        const tooHigh = Object.values(to).find((weight) => weight > MAX_WEIGHT);
        if (tooHigh !== undefined)
          throw refuse(`the weight ${tooHigh} is above ${MAX_WEIGHT}, the highest of a backend`);
        const manager = managerOf(object.metadata);
        if (manager !== undefined)
          throw refuse(
            `HTTPRoute ${namespace}/${name} would be changed back: ${manager.text}; let it ignore the weights, and ` +
              `annotate the object ${ALLOW_ROLLBACK}: "true"`,
          );
        const version = { op: 'replace', path: '/metadata/resourceVersion', value: object.metadata.resourceVersion };
        const operations = [version, ...weightOperations(object, to)];
        return accepted(await calls.patch(path, 'json', operations, HttpRoute));
      }),
    status: (_, { to }) =>
      attempt(cluster, async (calls): Promise<TargetResponse> => {
        const { object, weights } = await readRoute(calls);
        if (!sameWeights(weights, to)) return { kind: 'superseded', current: weightsInWords(weights) };
        return accepted(object);
      }),
  };
}

/** A backend that the gateway cannot use would fail the requests that were shifted to it. */
function accepted(object: HttpRoute): TargetResponse {
  const response = acceptanceOf(object, { needsBackends: true });
  return response.kind === 'in_progress' ? { ...response, handle: WRITTEN } : response;
}

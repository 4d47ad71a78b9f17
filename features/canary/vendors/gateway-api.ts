import type { TrafficRouter } from '../decisions/traffic.ts';
import type { GatewayTraffic } from '../traffic-config.ts';
import type { ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { splitTraffic } from './backends.ts';
import {
  acceptanceOf,
  HttpRoute,
  httpRoutePath,
  shareOperations,
  sharesIn,
} from '../../../vendors/gateway-api/http-route.ts';

/** Creates a router for the weights of an HTTPRoute. A change is in effect when a gateway has accepted it. */
export function gatewayTraffic(
  { namespace, route, backends, container }: GatewayTraffic,
  { cluster, service }: { cluster: ClusterOptions; service: string },
): TrafficRouter {
  const name = route ?? service;
  return splitTraffic(
    {
      kind: 'HTTPRoute',
      path: httpRoutePath(namespace, name),
      schema: HttpRoute,
      shares: sharesIn,
      operations: shareOperations,
      // An abort must not wait for a backend that is gone and gets no traffic.
      effect: (found, action) => acceptanceOf(found, { needsBackends: action !== 'abort' }),
    },
    { cluster, namespace, name, backends, container },
  );
}

import { defaultUrl, type StandIns } from '../core/domain/catalogue/vendors.ts';
import type { ServiceEnvironment } from '../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../core/domain/ports/system.ts';
import type { TrafficRoute } from '../core/domain/rollback/reroute.ts';
import type { RouteConfig } from '../schemas/rollback/reroute.ts';
import { route53Route } from './aws/target.ts';
import { gatewayRoute } from './gateway-api/route.ts';
import { httpRoute } from './http-cd/route.ts';
import { clusterOf } from './kubernetes/attempt.ts';

type RouteContext = { serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock; standIns: StandIns };

/** Returns the client for a traffic route, or undefined if its address is not known. */
export async function trafficRouteFor(config: RouteConfig, context: RouteContext): Promise<TrafficRoute | undefined> {
  const { secrets, standIns } = context;
  switch (config.kind) {
    case 'http':
      return { ...httpRoute(config, context), standIn: standIns.at(config.url) };
    case 'route53': {
      const url = await secrets.get('AWS_TARGETS_URL');
      return { ...(await route53Route(config, secrets)), standIn: url !== undefined && standIns.at(url) };
    }
    case 'gateway-api': {
      const url = config.url ?? ((await secrets.get('KUBERNETES_URL')) || defaultUrl('KUBERNETES_URL'));
      if (url === undefined) return undefined;
      const cluster = clusterOf(config, { ...context, url });
      return {
        ...gatewayRoute(config, { cluster, service: context.serviceEnvironment.service }),
        standIn: standIns.at(url),
      };
    }
  }
}

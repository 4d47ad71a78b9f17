import type { TrafficRouter } from '../domain/canary/traffic.ts';
import { defaultUrl, type StandIns } from '../domain/catalogue/vendors.ts';
import type { ServiceEnvironment } from '../domain/ports/common.ts';
import type { Clock, Secrets } from '../domain/ports/system.ts';
import type { TrafficConfig } from '../schemas/canary/traffic-config.ts';
import { argoRolloutsTraffic } from './argo-rollouts/traffic.ts';
import { lambdaTraffic } from './aws/target.ts';
import { gatewayTraffic } from './gateway-api/traffic.ts';
import { httpTraffic } from './http-cd/traffic.ts';
import type { ClusterOptions } from './kubernetes/attempt.ts';
import { clusterOf } from './kubernetes/target.ts';
import { smiTraffic } from './smi/traffic.ts';

type TrafficContext = { serviceEnvironment: ServiceEnvironment; secrets: Secrets; clock: Clock; standIns: StandIns };

/** Returns the client for a traffic router, or undefined if its address is not known. */
export async function trafficRouterFor(
  config: TrafficConfig,
  context: TrafficContext,
): Promise<TrafficRouter | undefined> {
  const { secrets, standIns } = context;
  switch (config.kind) {
    case 'http': {
      const url = config.url ?? ((await secrets.get('TRAFFIC_URL')) || undefined);
      return url === undefined ? undefined : { ...httpTraffic(config, { ...context, url }), standIn: standIns.at(url) };
    }
    case 'lambda-alias': {
      const url = (await secrets.get('AWS_TARGETS_URL')) || defaultUrl('AWS_TARGETS_URL');
      return { ...(await lambdaTraffic(config, secrets)), standIn: url !== undefined && standIns.at(url) };
    }
    case 'gateway-api':
      return createInCluster(config, context, (options) => gatewayTraffic(config, options));
    case 'argo-rollouts':
      return createInCluster(config, context, (options) => argoRolloutsTraffic(config, options));
    case 'smi':
      return createInCluster(config, context, (options) => smiTraffic(config, options));
  }
}

async function createInCluster(
  config: { url?: string | undefined; auth?: { bearer: string } | undefined },
  context: TrafficContext,
  create: (options: { cluster: ClusterOptions; service: string }) => TrafficRouter,
): Promise<TrafficRouter | undefined> {
  const url = config.url ?? ((await context.secrets.get('KUBERNETES_URL')) || undefined);
  if (url === undefined) return undefined;
  const cluster = clusterOf(config, { ...context, url });
  return { ...create({ cluster, service: context.serviceEnvironment.service }), standIn: context.standIns.at(url) };
}

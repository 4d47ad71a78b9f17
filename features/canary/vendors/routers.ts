import type { TrafficRouter } from '../decisions/traffic.ts';
import { defaultUrl, type StandIns } from '../../../core/domain/catalogue/vendors.ts';
import type { ServiceEnvironment } from '../../../core/domain/ports/common.ts';
import type { Clock, Secrets } from '../../../core/domain/ports/system.ts';
import type { TrafficConfig } from '../traffic-config.ts';
import { argoRolloutsTraffic } from './argo-rollouts.ts';
import { accessOf } from '../../../vendors/aws/target.ts';
import { gatewayTraffic } from './gateway-api.ts';
import { httpTraffic } from './http.ts';
import { clusterOf, type ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { smiTraffic } from './smi.ts';

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
      const { lambdaAliasTraffic } = await import('./lambda-alias.ts');
      const router = lambdaAliasTraffic(config, await accessOf(config, secrets));
      return { ...router, standIn: url !== undefined && standIns.at(url) };
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

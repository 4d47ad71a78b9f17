import { defaultUrl } from '../../../core/domain/catalogue/vendors.ts';
import type { ChaosObjectsOf, ChaosSystem, ClusterChaos } from '../types.ts';
import type { Clock, Secrets } from '../../../core/domain/ports/system.ts';
import type { ChaosConfig } from '../config.ts';
import type { ChaosRun } from '../experiment.ts';
import { chaosMeshObject, chaosMeshObjects } from './chaos-mesh.ts';
import { httpChaos } from './http.ts';
import type { ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { clusterOf } from '../../../vendors/kubernetes/attempt.ts';
import { litmusEngine, litmusEngines } from './litmus.ts';

/** Returns the client for a run of a chaos system, or undefined if its address is not known or the kinds differ. */
export async function chaosSystemFor(
  config: ChaosConfig,
  chaosRun: ChaosRun,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Promise<ChaosSystem | undefined> {
  if (config.kind === 'http')
    return chaosRun.kind === 'http' ? httpChaos(config, chaosRun, { secrets, clock }) : undefined;
  const cluster = await clusterFor(config, { secrets, clock });
  if (cluster === undefined) return undefined;
  const { namespace } = config;
  if (config.kind === 'litmus')
    return chaosRun.kind === 'litmus'
      ? litmusEngine({ namespace, engine: chaosRun.engine, uid: chaosRun.uid }, cluster)
      : undefined;
  return chaosRun.kind === 'chaos-mesh'
    ? chaosMeshObject({ namespace, resource: chaosRun.resource, name: chaosRun.name, uid: chaosRun.uid }, cluster)
    : undefined;
}

async function clusterFor(
  config: ClusterChaos,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Promise<ClusterOptions | undefined> {
  const url = config.url ?? ((await secrets.get('KUBERNETES_URL')) || defaultUrl('KUBERNETES_URL'));
  return url === undefined ? undefined : clusterOf(config, { url, secrets, clock });
}

/** Lists the objects of a chaos system in its namespace. */
export async function chaosObjectsOf(
  config: ClusterChaos,
  context: { secrets: Secrets; clock: Clock },
): ReturnType<ChaosObjectsOf> {
  const cluster = await clusterFor(config, context);
  if (cluster === undefined) return undefined;
  const list = config.kind === 'litmus' ? litmusEngines : chaosMeshObjects;
  const objects = await list(config.namespace, cluster);
  return Array.isArray(objects) ? { kind: 'listed', objects } : { kind: 'unread', detail: objects.detail };
}

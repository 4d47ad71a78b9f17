import { defaultUrl } from '../domain/catalogue/vendors.ts';
import type { ChaosSystem } from '../domain/ports/experiments.ts';
import type { Clock, Secrets } from '../domain/ports/system.ts';
import type { ChaosConfig } from '../schemas/experiments/config.ts';
import type { ChaosRun } from '../schemas/experiments/experiment.ts';
import { chaosMeshObject } from './chaos-mesh/chaos.ts';
import { httpChaos } from './http-chaos/chaos.ts';
import { clusterOf } from './kubernetes/target.ts';
import { litmusEngine } from './litmus/chaos-engine.ts';

/** Returns the client for a run of a chaos system, or undefined if its address is not known or the kinds differ. */
export async function chaosSystemFor(
  config: ChaosConfig,
  run: ChaosRun,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Promise<ChaosSystem | undefined> {
  if (config.kind === 'http') return run.kind === 'http' ? httpChaos(config, run, { secrets, clock }) : undefined;
  const url = config.url ?? ((await secrets.get('KUBERNETES_URL')) || defaultUrl('KUBERNETES_URL'));
  if (url === undefined) return undefined;
  const cluster = clusterOf(config, { url, secrets, clock });
  const { namespace } = config;
  if (config.kind === 'litmus')
    return run.kind === 'litmus' ? litmusEngine({ namespace, engine: run.engine }, cluster) : undefined;
  return run.kind === 'chaos-mesh'
    ? chaosMeshObject({ namespace, resource: run.resource, name: run.name }, cluster)
    : undefined;
}

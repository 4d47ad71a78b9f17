import { flaggerDeployer } from '../flagger/deployer.ts';
import type { Deployers, TargetContext } from '../shared/rollback-target.ts';
import type { ClusterOptions } from './attempt.ts';
import { kubernetesDeployer } from './deployment.ts';
import { argoRolloutsDeployer } from './rollout.ts';

/** The deployers whose objects are in a Kubernetes cluster. */
export const kubernetesDeployers: Deployers<'kubernetes' | 'argo-rollouts' | 'flagger'> = {
  kubernetes: (config, context) =>
    kubernetesDeployer(config, { cluster: clusterOf(config, context), service: context.serviceEnvironment.service }),
  'argo-rollouts': (config, context) =>
    argoRolloutsDeployer(config, { cluster: clusterOf(config, context), service: context.serviceEnvironment.service }),
  flagger: (config, context) => flaggerDeployer(config, { ...context, cluster: clusterOf(config, context) }),
};

export const clusterOf = (
  { auth }: { auth?: { bearer: string } | undefined },
  { url, secrets, clock }: Pick<TargetContext, 'url' | 'secrets' | 'clock'>,
): ClusterOptions => ({ url, tokenName: auth?.bearer ?? 'KUBERNETES_TOKEN', secrets, clock });

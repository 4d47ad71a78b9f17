import type { Deployers, TargetContext } from '../shared/rollback-target.ts';
import type { ClusterOptions } from './attempt.ts';

/** The deployers whose objects are in a Kubernetes cluster. Their code is loaded if such a target is configured. */
export const kubernetesDeployers: Deployers<'kubernetes' | 'argo-rollouts' | 'flagger'> = {
  async kubernetes(config, context) {
    const { kubernetesDeployer } = await import('./deployment.ts');
    const { service } = context.serviceEnvironment;
    return kubernetesDeployer(config, { cluster: clusterOf(config, context), service });
  },
  async 'argo-rollouts'(config, context) {
    const { argoRolloutsDeployer } = await import('./rollout.ts');
    const { service } = context.serviceEnvironment;
    return argoRolloutsDeployer(config, { cluster: clusterOf(config, context), service });
  },
  async flagger(config, context) {
    const { flaggerDeployer } = await import('../flagger/deployer.ts');
    return flaggerDeployer(config, { ...context, cluster: clusterOf(config, context) });
  },
};

export const clusterOf = (
  { auth }: { auth?: { bearer: string } | undefined },
  { url, secrets, clock }: Pick<TargetContext, 'url' | 'secrets' | 'clock'>,
): ClusterOptions => ({ url, tokenName: auth?.bearer ?? 'KUBERNETES_TOKEN', secrets, clock });

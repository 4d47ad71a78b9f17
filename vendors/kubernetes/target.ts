import { flaggerDeployer } from '../flagger/deployer.ts';
import type { ClientsOf } from '../shared/rollback-target.ts';
import { clusterOf } from './attempt.ts';
import { kubernetesDeployer } from './deployment.ts';
import { argoRolloutsDeployer } from './rollout.ts';
import type { kubernetes } from './schema.ts';

/** The deployers whose objects are in a Kubernetes cluster. */
export const clients: ClientsOf<typeof kubernetes> = {
  deployers: {
    kubernetes: (config, context) =>
      kubernetesDeployer(config, {
        cluster: clusterOf(config, context),
        service: context.serviceEnvironment.service,
      }),
    'argo-rollouts': (config, context) =>
      argoRolloutsDeployer(config, {
        cluster: clusterOf(config, context),
        service: context.serviceEnvironment.service,
      }),
    flagger: (config, context) => flaggerDeployer(config, { ...context, cluster: clusterOf(config, context) }),
  },
  flags: {},
};

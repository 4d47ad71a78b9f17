import * as z from 'zod';
import { ClusterAccess, KubernetesName } from '../../schemas/config/endpoint.ts';
import { token, url } from '../../schemas/config/variable.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';

/** A Kubernetes Deployment: its pod template is restored from a specific ReplicaSet. */
const KubernetesDeployer = z.strictObject({
  kind: z.literal('kubernetes'),
  ...ClusterAccess,
  /** Absent: the service's name. */
  deployment: KubernetesName.optional(),
  /** The container whose image tag is the version. Absent: the first container. */
  container: KubernetesName.optional(),
  /** Whether its rollouts are recorded as changes, for Deployments whose rollouts no other system reports. */
  recordRollouts: z.boolean().optional(),
});
export type KubernetesDeployer = z.infer<typeof KubernetesDeployer>;

/** An Argo Rollouts Rollout: a running canary is aborted, a finished one returns to a specific revision. */
export const ArgoRolloutsDeployer = z.strictObject({
  kind: z.literal('argo-rollouts'),
  ...ClusterAccess,
  rollout: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type ArgoRolloutsDeployer = z.infer<typeof ArgoRolloutsDeployer>;

/** A Flagger canary, rolled back through its rollback gate while it runs. */
const FlaggerDeployer = z.strictObject({
  kind: z.literal('flagger'),
  ...ClusterAccess,
  canary: KubernetesName.optional(),
  container: KubernetesName.optional(),
});
export type FlaggerDeployer = z.infer<typeof FlaggerDeployer>;

/** A Kubernetes cluster. */
export const kubernetes = {
  vendor: 'kubernetes',
  deployers: {
    kubernetes: {
      schema: KubernetesDeployer,
      note: {
        rollsBack: 'a Deployment to a specific ReplicaSet',
        scales: true,
        restarts: true,
        checks: true,
        look: 'create, list, and delete pods, and to list services',
        effectClass: '`convergent`',
        details: '[kubernetes.md](../how-to/kubernetes.md)',
      },
    },
    'argo-rollouts': {
      schema: ArgoRolloutsDeployer,
      note: {
        rollsBack: 'a Rollout: aborts a canary, or rolls back a promoted version',
        scales: true,
        restarts: true,
        checks: true,
        look: 'get, create, and delete experiments (argoproj.io), and list pods and services',
        effectClass: '`convergent`',
        details: '[kubernetes.md](../how-to/kubernetes.md)',
      },
    },
    flagger: {
      schema: FlaggerDeployer,
      note: {
        rollsBack: 'a canary through its rollback gate, or a promoted version to a specific ReplicaSet',
        checks: true,
        effectClass: '`convergent`',
        details: '[kubernetes.md](../how-to/kubernetes.md)',
      },
    },
  },
  flags: {},
  variables: {
    KUBERNETES_URL: { ...url('delivery'), meaning: 'Kubernetes API server' },
    KUBERNETES_TOKEN: { ...token('delivery'), meaning: 'Token of a Kubernetes service account' },
  },
  connection: { name: 'Kubernetes', url: 'KUBERNETES_URL', credentials: [['KUBERNETES_TOKEN']] },
} as const satisfies RollbackTarget;

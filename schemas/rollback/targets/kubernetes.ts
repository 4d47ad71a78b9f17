import * as z from 'zod';
import { HttpUrl } from '../../config/endpoint.ts';
import { token, url } from '../../config/variable.ts';
import { Bearer, type RollbackTarget } from './target.ts';

/** RFC 1123, as required for Kubernetes object names. */
export const KubernetesName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/, 'must be a Kubernetes name: lowercase letters, digits, - and .');

/** Access to the API of a Kubernetes cluster. */
export const ClusterAccess = {
  /** URL of the API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  namespace: KubernetesName.default('default'),
};

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

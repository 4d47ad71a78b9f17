import * as z from 'zod';
import { HttpUrl, KubernetesName, Bearer } from '../../schemas/config/endpoint.ts';
import { token, url } from '../../schemas/config/variable.ts';
import { GitRevert } from '../github/schema.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';

/** An Argo CD application. */
const ArgoCdDeployer = z.strictObject({
  kind: z.literal('argo-cd'),
  /** Absent: `ARGOCD_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `ARGOCD_TOKEN`. */
  auth: Bearer.optional(),
  /** Absent: the service's name. */
  application: KubernetesName.optional(),
  /** Argo CD answers 403 for an unknown application unless its project is named. */
  project: z.string().min(1).optional(),
  /** Namespace of the Application object, if it differs from Argo CD's. */
  appNamespace: KubernetesName.optional(),
  prune: z.boolean().default(false),
  /**
   * Where the application's manifests are. With automated sync, the next sync would undo a rollback in the cluster, so
   * the change is reverted in Git. Absent: an application with automated sync is not changed, and a person is asked.
   */
  git: GitRevert.optional(),
  /** With automated sync: revert Git (default), or disable automated sync and roll back in the cluster. */
  automatedSync: z.enum(['revert', 'suspend']).default('revert'),
});
export type ArgoCdDeployer = z.infer<typeof ArgoCdDeployer>;

export const argoCd = {
  vendor: 'argo-cd',
  deployers: {
    'argo-cd': {
      schema: ArgoCdDeployer,
      note: {
        rollsBack: "to an entry of the application's history, or in Git",
        checks: true,
        effectClass: '`convergent`; with `git`, `findable`',
        details: '[argo-cd.md](../how-to/argo-cd.md)',
      },
    },
  },
  flags: {},
  variables: {
    ARGOCD_URL: { ...url('delivery'), meaning: 'Argo CD API server' },
    ARGOCD_TOKEN: { ...token('delivery'), meaning: 'Token of an Argo CD account' },
  },
  connection: { name: 'Argo CD', url: 'ARGOCD_URL', credentials: [['ARGOCD_TOKEN']] },
} as const satisfies RollbackTarget;

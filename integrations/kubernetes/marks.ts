import type { Metadata } from './objects.ts';

/**
 * Our annotations. Keys stand on the object and never in its pod template, where each would make another ReplicaSet:
 * whoever finds his own key there has already done what he is about to do.
 */
export const ROLLBACK_KEY = 'firebreak.dev/rollback-key';
export const RESTART_KEY = 'firebreak.dev/restart-key';
export const SCALE_KEY = 'firebreak.dev/scale-key';

/** On a pod template, by whoever deploys: the version that it is, before everything else that could say so. */
export const VERSION = 'firebreak.dev/version';

/** `true`: it may be changed in the cluster, although its labels say that a GitOps controller keeps it. */
export const ALLOW_ROLLBACK = 'firebreak.dev/allow-rollback';

/** `true`, on a Rollout: the way back goes through its steps, too. */
export const KEEP_STEPS = 'firebreak.dev/keep-steps';

/** What `kubectl rollout history` shows. */
export const CHANGE_CAUSE = 'kubernetes.io/change-cause';

/** Whether this act is the newest of its kind. */
export const isUnder = ({ annotations }: Metadata, mark: string, key: string): boolean => annotations[mark] === key;

/** Who would put back what is changed here, in words; undefined: nobody. */
export function keeperOf({ labels, annotations }: Metadata): string | undefined {
  if (annotations[ALLOW_ROLLBACK] === 'true') return undefined;
  const application = labels[ARGOCD_INSTANCE] ?? annotations[ARGOCD_TRACKING]?.split(':', 1)[0];
  if (application !== undefined)
    return `Argo CD keeps it as its application ${application}; use a deployer of kind argo-cd, ${OVERRIDE}`;
  const kustomization = labels[FLUX_KUSTOMIZATION];
  if (kustomization !== undefined)
    return `Flux keeps it by the Kustomization ${kustomization}; use a deployer of kind github with via: revert, ${OVERRIDE}`;
  const release = labels[FLUX_RELEASE];
  if (release !== undefined)
    return `Flux keeps it by the HelmRelease ${release}; use a deployer of kind github with via: revert, ${OVERRIDE}`;
  return undefined;
}

const OVERRIDE = `or annotate it ${ALLOW_ROLLBACK}: "true" where changes in the cluster last`;

/** @see https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/ */
const ARGOCD_INSTANCE = 'argocd.argoproj.io/instance';
/** Begins with the name of the application and a colon. */
const ARGOCD_TRACKING = 'argocd.argoproj.io/tracking-id';
/** @see https://fluxcd.io/flux/components/kustomize/kustomizations/ */
const FLUX_KUSTOMIZATION = 'kustomize.toolkit.fluxcd.io/name';
/** @see https://fluxcd.io/flux/components/helm/helmreleases/ */
const FLUX_RELEASE = 'helm.toolkit.fluxcd.io/name';

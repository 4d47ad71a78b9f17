import type { Metadata } from './objects.ts';

/**
 * Firebreak's annotations. A key is on the object, not in its pod template, where it would create a new ReplicaSet. An
 * action that finds its own key there has already been done.
 */
export const ROLLBACK_KEY = 'firebreak.dev/rollback-key';
export const RESTART_KEY = 'firebreak.dev/restart-key';
export const SCALE_KEY = 'firebreak.dev/scale-key';
/** On the workload: the key of its newest controlled look, and how far it is. On an instance of a look: its key. */
export const LOOK_KEY = 'firebreak.dev/look-key';

/**
 * An annotation that the deploying tool sets on a pod template: the version. It takes precedence over all other sources
 * of the version.
 */
export const VERSION_ANNOTATION = 'firebreak.dev/version';

/** `true` allows changes in the cluster although the object's labels show that a GitOps controller manages it. */
export const ALLOW_ROLLBACK = 'firebreak.dev/allow-rollback';

/** `true` on a Rollout: a rollback also goes through its steps. */
export const KEEP_STEPS = 'firebreak.dev/keep-steps';

/** The annotation that `kubectl rollout history` shows. */
export const CHANGE_CAUSE = 'kubernetes.io/change-cause';

/** Returns whether the annotation has the key of this action, which is then the newest of its kind. */
export const hasActionKey = ({ annotations }: Metadata, annotation: string, key: string): boolean =>
  annotations[annotation] === key;

/** Returns a text that names the controller that would revert a change in the cluster; undefined if there is none. */
export function managerWarning(metadata: Metadata): string | undefined {
  const manager = managerOf(metadata);
  return manager && `${manager.text}; use a deployer of kind ${manager.deployer}, ${OVERRIDE_ADVICE}`;
}

/** Returns the GitOps controller that manages an object, unless an annotation allows changes in the cluster. */
export function managerOf({ labels, annotations }: Metadata): { text: string; deployer: string } | undefined {
  if (annotations[ALLOW_ROLLBACK] === 'true') return undefined;
  const application = labels[ARGOCD_INSTANCE] ?? annotations[ARGOCD_TRACKING]?.split(':', 1)[0];
  if (application !== undefined)
    return { text: `Argo CD manages it as its application ${application}`, deployer: 'argo-cd' };
  const kustomization = labels[FLUX_KUSTOMIZATION];
  if (kustomization !== undefined)
    return { text: `Flux manages it with the Kustomization ${kustomization}`, deployer: VIA_REVERT };
  const release = labels[FLUX_RELEASE];
  if (release !== undefined) return { text: `Flux manages it with the HelmRelease ${release}`, deployer: VIA_REVERT };
  return undefined;
}

const VIA_REVERT = 'github with via: revert';

const OVERRIDE_ADVICE = `or annotate it ${ALLOW_ROLLBACK}: "true" where changes in the cluster last`;

/** @see https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/ */
const ARGOCD_INSTANCE = 'argocd.argoproj.io/instance';
/** Starts with the application's name and a colon. */
const ARGOCD_TRACKING = 'argocd.argoproj.io/tracking-id';
/** @see https://fluxcd.io/flux/components/kustomize/kustomizations/ */
const FLUX_KUSTOMIZATION = 'kustomize.toolkit.fluxcd.io/name';
/** @see https://fluxcd.io/flux/components/helm/helmreleases/ */
const FLUX_RELEASE = 'helm.toolkit.fluxcd.io/name';

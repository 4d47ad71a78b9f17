/** All calls of one attempt together, in milliseconds. */
export const ATTEMPT_MS = 15_000;

/**
 * Of one answer, in bytes. An object of etcd has 1.5 MB at most; a Deployment keeps ten old ReplicaSets unless told
 * otherwise, and a namespace may have hundreds of autoscalers.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
 */
export const ANSWER_MAX_BYTES = 16 * 1024 * 1024;

/** Of what people read in `kubectl rollout history`; there is no limit but that of all annotations, 256 KiB. */
export const CHANGE_CAUSE_MAX_CHARS = 500;

/** Of versions that are named where the one that was asked for is not kept. */
export const NAMED_VERSIONS = 10;

/** In whose name fields are changed: what `kubectl get --show-managed-fields` says. */
export const FIELD_MANAGER = 'firebreak';

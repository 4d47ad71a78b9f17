/** Milliseconds for all calls of one attempt together. */
export const ATTEMPT_MS = 15_000;

/** Milliseconds for all calls that read pods: a decision does not wait longer for its metrics. */
export const INSTANCES_MS = 4_000;

/** Objects in one response of a list, and the most responses that are read of it. */
export const LIST_PAGE = 250;
export const LIST_PAGES_MAX = 4;

/**
 * Maximum bytes of one response. An etcd object has at most 1.5 MB; a Deployment keeps 10 old ReplicaSets by default,
 * and a namespace can have hundreds of autoscalers.
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#clean-up-policy
 */
export const RESPONSE_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Maximum characters of the change cause in `kubectl rollout history`. Kubernetes only limits all annotations together,
 * to 256 KiB.
 */
export const CHANGE_CAUSE_MAX_CHARS = 500;

/** Maximum available versions in a message about a missing version. */
export const NAMED_VERSIONS = 10;

/** The field manager that `kubectl get --show-managed-fields` shows. */
export const FIELD_MANAGER = 'firebreak';

/** Seconds after which the API server closes a stream of changes. Its own limit is 30 to 60 minutes by default. */
export const WATCH_SECONDS = 300;

/** Milliseconds between two streams, doubled for each one that ends without an event. */
export const WATCH_WAIT_MS = 500;
export const WATCH_WAIT_MAX_MS = 30_000;

/** Milliseconds for all calls of one attempt together, except calls to GitHub. */
export const ATTEMPT_MS = 15_000;

/** Bytes of a response. Large, because an application lists every managed object and its result in the last sync. */
export const APPLICATION_MAX_BYTES = 8 * 1024 * 1024;

/**
 * Milliseconds that an application can be Degraded, Missing, or of unknown health after a sync before the rollback
 * counts as failed. A rolling update is Progressing, which has no limit, but an application whose recovery has just
 * begun can keep its earlier bad health for a moment.
 */
export const UNHEALTHY_MS = 5 * 60_000;

/** Maximum characters of an Argo CD error message in a result. */
export const MESSAGE_MAX_CHARS = 300;

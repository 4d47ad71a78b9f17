/** All calls of one attempt together, those to GitHub aside. */
export const ATTEMPT_MS = 15_000;

/** Bytes of an answer. An application lists every object that it manages, and what became of each in its last sync. */
export const APPLICATION_MAX_BYTES = 8 * 1024 * 1024;

/**
 * How long an application may be Degraded, Missing or of unknown health after its sync, before that counts as its end.
 * What is replaced step by step is Progressing meanwhile, and that may take as long as it does; but what the sync has
 * just begun to mend may look as bad as it was for a moment.
 */
export const UNHEALTHY_MS = 5 * 60_000;

/** Characters of what Argo CD says about a failure, as it is passed on. */
export const MESSAGE_MAX_CHARS = 300;

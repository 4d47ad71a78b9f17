/** Milliseconds for one request, a third of the time limit of the projectors at most. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** Characters of an attribute value. The specification sets no limit; collectors and tracing systems cut long ones. */
export const VALUE_MAX_CHARS = 1_024;

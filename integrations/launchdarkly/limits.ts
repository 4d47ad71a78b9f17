/** Milliseconds for one call. Setting a flag takes two reads and at most one write: 15 s together. */
export const CALL_TIMEOUT_MS = 5_000;

/**
 * The window of account and route rate limits, in seconds.
 * @see https://launchdarkly.com/docs/api#rate-limiting
 */
export const WINDOW_SECONDS = 10;

/** Maximum bytes of a flag. It contains the rules and targets of all environments, which can be long lists of keys. */
export const FLAG_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Audit log entries per call; LaunchDarkly's maximum.
 * @see https://launchdarkly.com/docs/api/audit-log
 */
export const AUDIT_ITEMS = 20;

/** @see https://launchdarkly.com/docs/api#versioning */
export const API_VERSION = '20240415';

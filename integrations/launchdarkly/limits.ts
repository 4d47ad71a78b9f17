/** A set is two looks and at most one change: 15 seconds together. */
export const CALL_TIMEOUT_MS = 5_000;

/** Limits of accounts and routes are over windows of ten seconds. @see https://launchdarkly.com/docs/api#rate-limiting */
export const WINDOW_SECONDS = 10;

/** A flag comes with the rules and targets of all its environments, and those may be long lists of keys. */
export const FLAG_MAX_BYTES = 16 * 1024 * 1024;

/** Entries of the audit log, and as many as there can be. @see https://launchdarkly.com/docs/api/audit-log */
export const AUDIT_ITEMS = 20;

/** @see https://launchdarkly.com/docs/api#versioning */
export const API_VERSION = '20240415';

/**
 * What the Events API v2 takes; longer texts are refused, not cut.
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview
 */
export const SUMMARY_MAX_CHARS = 1024;
export const DEDUP_KEY_MAX_CHARS = 255;
export const ROUTING_KEY_CHARS = 32;

/** One attempt. A third of the workflow function's time-out at most. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

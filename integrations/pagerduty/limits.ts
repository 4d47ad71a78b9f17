/**
 * What the Events API v2 takes; longer texts are refused, not cut.
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview
 */
export const SUMMARY_MAX_CHARS = 1024;
export const DEDUP_KEY_MAX_CHARS = 255;
export const ROUTING_KEY_CHARS = 32;
/** UTF-8 bytes of a whole event. */
export const EVENT_MAX_BYTES = 512 * 1024;

/**
 * The REST API documents how many notes an incident takes (2,000), not how long one may be. Ours are for a person who
 * was woken up.
 * @see https://developer.pagerduty.com/api-reference (Create a note on an incident; read 2026-11)
 */
export const NOTE_MAX_CHARS = 4000;

/** Results on a page of a list. */
export const PAGE_MAX = 100;

/** One attempt. A third of the workflow function's time-out at most. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** The same of a look at who is on call: an incident, and what is told of it, goes on without. */
export const ON_CALL_TIMEOUT_MS = 4000;

/**
 * Limits of the Events API v2, which refuses longer texts.
 * @see https://developer.pagerduty.com/docs/events-api-v2-overview
 */
export const SUMMARY_MAX_CHARS = 1024;
export const DEDUP_KEY_MAX_CHARS = 255;
export const ROUTING_KEY_CHARS = 32;
/** Maximum UTF-8 bytes of a complete event. */
export const EVENT_MAX_BYTES = 512 * 1024;

/**
 * Maximum characters of a note. The REST API documents a maximum number of notes per incident (2,000), but no length.
 * Notes stay short because they are for a person who was woken up.
 * @see https://developer.pagerduty.com/api-reference (Create a note on an incident; read 2026-11)
 */
export const NOTE_MAX_CHARS = 4000;

/** Results per page of a list. */
export const PAGE_ITEMS = 100;

/** Milliseconds for one attempt: at most a third of the workflow function's timeout. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * Milliseconds for one attempt to read who is on call. Shorter, because an incident and its notifications continue
 * without the result.
 */
export const ON_CALL_TIMEOUT_MS = 4000;

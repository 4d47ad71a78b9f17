/**
 * What the API takes at most.
 * @see https://developer.statuspage.io/ (read 2026-11)
 */
export const NAME_MAX_CHARS = 255;
export const BODY_MAX_CHARS = 25_000;

/** Items of one page of a list, and as many as there can be. */
export const PAGE_ITEMS = 100;

/** Pages with more components than this many lists hold do not exist; the API allows one call per second. */
export const COMPONENT_PAGES = 10;

/** A rate limit is over a window of 60 s, and no Retry-After is documented. */
export const LIMITED_SECONDS = 60;

/** One attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** An incident carries all its updates and components, and a list holds 100 of them. */
export const LIST_MAX_BYTES = 16 * 1024 * 1024;

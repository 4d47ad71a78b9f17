/**
 * Maximum lengths of the API.
 * @see https://developer.statuspage.io/ (read 2026-11)
 */
export const NAME_MAX_CHARS = 255;
export const BODY_MAX_CHARS = 25_000;

/** Items per page of a list; the API's maximum. */
export const PAGE_ITEMS = 100;

/** Maximum pages of components to read. No status page has more components; the API allows one call per second. */
export const COMPONENT_PAGES = 10;

/** Maximum pages of a list to export: 100,000 subscribers. */
export const EXPORT_PAGES = 1000;

/** Seconds to wait after a rate limit. The limit applies to a window of 60 s, and no Retry-After is documented. */
export const LIMITED_SECONDS = 60;

/** Milliseconds for one attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** Maximum bytes of a list. It holds 100 incidents with all their updates and components. */
export const LIST_MAX_BYTES = 16 * 1024 * 1024;

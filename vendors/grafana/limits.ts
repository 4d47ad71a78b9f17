/**
 * Limits of Grafana annotations in its default configuration.
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
 * @see https://github.com/grafana/grafana, pkg/services/annotations/annotationsimpl/xorm_store.go (read 2026-11)
 */

/** Maximum bytes of all tags together, as JSON. Grafana refuses more. */
export const TAGS_MAX_BYTES = 500;

/** Maximum bytes of the key of a tag, and of its value. The database columns hold 100 characters. */
export const TAG_PART_MAX_BYTES = 100;

/** Maximum characters of the text. Grafana stores more, but longer text is unreadable in a graph. */
export const TEXT_MAX_CHARS = 4000;

/** Annotations of one tag to search for the newest one. Grafana returns the newest first. */
export const FOUND_MAX = 100;

/** Milliseconds for one attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

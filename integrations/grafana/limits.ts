/**
 * What Grafana keeps of an annotation, as far as an administrator has not set it otherwise.
 * @see https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
 * @see https://github.com/grafana/grafana, pkg/services/annotations/annotationsimpl/xorm_store.go (read 2026-11)
 */

/** Of all tags together, written as JSON. More is refused. */
export const TAGS_MAX_BYTES = 500;

/** Of what stands before the colon of a tag, and of what stands behind it. The columns of its database take 100 characters. */
export const TAG_PART_MAX_BYTES = 100;

/** More is kept, but nobody reads it above a graph. */
export const TEXT_MAX_CHARS = 4000;

/** Annotations of one tag that are looked through for the newest; Grafana gives them newest first. */
export const FOUND_MAX = 100;

/** One attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

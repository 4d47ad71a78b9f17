/**
 * Limits of the REST API, which refuses longer texts. The limit of 50 characters for labels is documented only in the
 * error message.
 * @see https://docs.github.com/en/rest/issues/issues
 */
export const TITLE_MAX_CHARS = 256;
export const BODY_MAX_CHARS = 65_536;
export const LABEL_MAX_CHARS = 50;

/** Items per page of a list; GitHub's maximum. */
export const PAGE_ITEMS = 100;

/** Pages of issues to search: the newest 500 issues by Firebreak. */
export const ISSUE_PAGES = 5;

/** Pages of comments to search. Comments are listed oldest first, so all must be read; an issue can have 2,500. */
export const COMMENT_PAGES = 25;

/** Seconds to wait after a secondary rate limit without a retry time, as GitHub recommends. */
export const LIMITED_SECONDS = 60;

/** Milliseconds for one attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** Maximum bytes of a list: 100 issues of 65,536 characters. */
export const LIST_MAX_BYTES = 32 * 1024 * 1024;

/** @see https://docs.github.com/en/rest/about-the-rest-api/api-versions */
export const API_VERSION = '2022-11-28';

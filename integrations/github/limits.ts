/**
 * What the REST API takes; longer texts are refused, not cut. Of labels, 50 characters are documented nowhere but in the
 * refusal.
 * @see https://docs.github.com/en/rest/issues/issues
 */
export const TITLE_MAX_CHARS = 256;
export const BODY_MAX_CHARS = 65_536;
export const LABEL_MAX_CHARS = 50;

/** Items of one page of a list, and as many as there can be. */
export const PAGE_ITEMS = 100;

/** A ticket is looked for among the newest 500 that are ours. */
export const ISSUE_PAGES = 5;

/** Comments come oldest first, so all have to be seen; an issue takes 2,500. */
export const COMMENT_PAGES = 25;

/** What GitHub asks for where a secondary limit does not say how long it lasts. */
export const LIMITED_SECONDS = 60;

/** One attempt. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

/** 100 issues of 65,536 characters. */
export const LIST_MAX_BYTES = 32 * 1024 * 1024;

/** @see https://docs.github.com/en/rest/about-the-rest-api/api-versions */
export const API_VERSION = '2022-11-28';

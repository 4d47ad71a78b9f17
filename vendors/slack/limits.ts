/**
 * Limits of Slack. Characters are UTF-16 code units of the text as sent, including escapes and markup, which is never
 * fewer than Slack counts. Slack refuses or truncates longer texts, so they are truncated before they are sent. Sources
 * read on 2026-11-20.
 */

/** @see https://docs.slack.dev/reference/block-kit/blocks, "50 blocks in each message" */
export const BLOCKS_MAX = 50;

/**
 * Maximum characters of a message's blocks, as JSON. Slack documents no limit, but responds with `msg_blocks_too_long`;
 * observed from 11,300 characters of text, and never below 11,000.
 * @see https://github.com/slackapi/bolt-js/issues/2867
 */
export const BLOCKS_MAX_CHARS = 9000;

/** @see https://docs.slack.dev/reference/block-kit/blocks/header-block */
export const HEADER_MAX_CHARS = 150;

/** @see https://docs.slack.dev/reference/block-kit/blocks/section-block */
export const SECTION_MAX_CHARS = 3000;
export const FIELDS_MAX = 10;
export const FIELD_MAX_CHARS = 2000;

/** A text object can have 3,000 characters; a note should be shorter. */
export const NOTE_MAX_CHARS = 2000;

/**
 * @see https://docs.slack.dev/reference/block-kit/blocks/actions-block, "a maximum of 25 elements"; Firebreak uses rows
 *   of five
 */
export const BUTTONS_MAX = 5;

/** @see https://docs.slack.dev/reference/block-kit/block-elements/button-element */
export const BUTTON_MAX_CHARS = 75;
export const BUTTON_VALUE_MAX_CHARS = 2000;

/** @see https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
export const CONFIRM_TITLE_MAX_CHARS = 100;
export const CONFIRM_TEXT_MAX_CHARS = 300;
export const CONFIRM_ANSWER_MAX_CHARS = 30;

/** Maximum characters of each text in a message that has no room for longer ones. Firebreak's own limit. */
export const TIGHT_MAX_CHARS = 300;

/**
 * Maximum characters of the notification text. Slack allows 4,000 for `text`, which `chat.update` counts as UTF-8
 * bytes, of which a character has at most four.
 * @see https://docs.slack.dev/reference/methods/chat.update
 */
export const SUMMARY_MAX_CHARS = 1000;

/**
 * Maximum characters of a URL as sent, so that it fits into a field with its label. Longer URLs are not linked.
 * Firebreak's own limit.
 */
export const LINK_MAX_CHARS = 1500;

/** Maximum characters of a link label or bookmark title. Firebreak's own limit. */
export const LABEL_MAX_CHARS = 250;

/**
 * Maximum characters of a topic or purpose. Slack responds with `too_long` to more.
 * @see https://docs.slack.dev/reference/methods/conversations.setTopic
 */
export const TOPIC_MAX_CHARS = 250;

/**
 * Items per page: "an integer under 1000".
 * @see https://docs.slack.dev/reference/methods/conversations.list
 */
export const CHANNELS_PER_PAGE = 999;

/**
 * Users per invitation. Slack documents up to 1,000, but accepted only 100 for a long time.
 * @see https://docs.slack.dev/reference/methods/conversations.invite
 */
export const USERS_PER_INVITE = 100;

/**
 * Messages per page. Slack recommends at most 200.
 * @see https://docs.slack.dev/reference/methods/conversations.history
 */
export const MESSAGES_PER_PAGE = 200;

/**
 * Pages that one attempt reads: 19,980 channels or 4,000 messages. Slack allows 20 calls per minute for
 * `conversations.list` (tier 2), and more for `conversations.history` (tier 3).
 * @see https://docs.slack.dev/apis/web-api/rate-limits
 */
export const PAGES_MAX = 20;

/** Seconds by which the clock of Slack, which dates messages, can be behind Firebreak's. */
export const CLOCK_SKEW_SECONDS = 60;

/** Maximum bytes of a response. A page of channels has about 1 KiB per channel. */
export const RESPONSE_MAX_BYTES = 8 * 1024 * 1024;

/** Milliseconds for one call, including connection and body. */
export const CALL_TIMEOUT_MS = 10_000;

/** Milliseconds for one call if a user waits for the result and the function has little time. */
export const INTERACTIVE_TIMEOUT_MS = 3000;

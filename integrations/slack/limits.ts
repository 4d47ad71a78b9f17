/**
 * What Slack takes. Characters are counted here as UTF-16 units of the text as it is sent, escapes and markup included:
 * never fewer than Slack counts. Longer texts are refused or cut by Slack, so they are cut before they are sent.
 * Sources read on 2026-11-20.
 */

/** @see https://docs.slack.dev/reference/block-kit/blocks, "50 blocks in each message" */
export const BLOCKS_MAX = 50;

/**
 * All blocks of a message together, as characters of their JSON. Slack publishes no number and answers
 * `msg_blocks_too_long`; it has been seen from 11,300 characters of text on, and never below 11,000.
 * @see https://github.com/slackapi/bolt-js/issues/2867
 */
export const BLOCKS_MAX_CHARS = 9000;

/** @see https://docs.slack.dev/reference/block-kit/blocks/header-block */
export const HEADER_MAX_CHARS = 150;

/** @see https://docs.slack.dev/reference/block-kit/blocks/section-block */
export const SECTION_MAX_CHARS = 3000;
export const FIELDS_MAX = 10;
export const FIELD_MAX_CHARS = 2000;

/** A text object may have 3,000; small print of more than this is none. */
export const NOTE_MAX_CHARS = 2000;

/** @see https://docs.slack.dev/reference/block-kit/blocks/actions-block, "a maximum of 25 elements"; here one row of five */
export const BUTTONS_MAX = 5;

/** @see https://docs.slack.dev/reference/block-kit/block-elements/button-element */
export const BUTTON_MAX_CHARS = 75;
export const BUTTON_VALUE_MAX_CHARS = 2000;

/** @see https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object */
export const CONFIRM_TITLE_MAX_CHARS = 100;
export const CONFIRM_TEXT_MAX_CHARS = 300;
export const CONFIRM_ANSWER_MAX_CHARS = 30;

/** Of each text in a message that has no room left for longer ones. Our own number. */
export const TIGHT_MAX_CHARS = 300;

/**
 * The line for notifications. `text` may have 4,000 characters, which `chat.update` counts as bytes of UTF-8: no
 * character has more than four of them.
 * @see https://docs.slack.dev/reference/methods/chat.update
 */
export const SUMMARY_MAX_CHARS = 1000;

/** Of an address, as it is sent: it fits with its label into a field. A longer one is not made a link. Our own number. */
export const LINK_MAX_CHARS = 1500;

/** The label of a link and the title of a bookmark. Our own number. */
export const LABEL_MAX_CHARS = 250;

/** Topic and purpose; `too_long` beyond. @see https://docs.slack.dev/reference/methods/conversations.setTopic */
export const TOPIC_MAX_CHARS = 250;

/** Items per page. @see https://docs.slack.dev/reference/methods/conversations.list: "an integer under 1000" */
export const CHANNELS_PER_PAGE = 999;

/** Slack documents up to 1,000, and has long taken 100. @see https://docs.slack.dev/reference/methods/conversations.invite */
export const USERS_PER_INVITE = 100;

/** Slack recommends at most 200. @see https://docs.slack.dev/reference/methods/conversations.history */
export const MESSAGES_PER_PAGE = 200;

/**
 * Pages that one attempt reads: 20 calls a minute are allowed for `conversations.list` (tier 2), and more for
 * `conversations.history` (tier 3). So 19,980 channels, or 4,000 messages.
 * @see https://docs.slack.dev/apis/web-api/rate-limits
 */
export const PAGES_MAX = 20;

/** How far the clock of Slack, which dates messages, may be behind ours. */
export const CLOCK_SKEW_SECONDS = 60;

/** A page of channels has about 1 KiB for each. */
export const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

/** One call, connection and body included. */
export const CALL_TIMEOUT_MS = 10_000;

/** The same where somebody waits for what comes of it, and the function that does it has not long. */
export const WAITED_FOR_TIMEOUT_MS = 3000;

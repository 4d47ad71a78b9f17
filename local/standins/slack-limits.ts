import type { RateWindow } from './rate-limit.ts';

const MINUTE_MS = 60_000;

/**
 * Calls of one method by one app in one workspace. Slack promises "20+ per minute"; the stand-in grants no more than
 * is promised. Each method's tier is on its page.
 *
 * @see https://docs.slack.dev/apis/web-api/rate-limits (read 2026-11)
 */
export const TIER_2: RateWindow = { max: 20, windowMs: MINUTE_MS };
export const TIER_3: RateWindow = { max: 50, windowMs: MINUTE_MS };
export const TIER_4: RateWindow = { max: 100, windowMs: MINUTE_MS };

/**
 * `auth.test`: "hundreds of requests per minute".
 *
 * @see https://docs.slack.dev/reference/methods/auth.test (read 2026-11)
 */
export const AUTH_TEST: RateWindow = { max: 300, windowMs: MINUTE_MS };

/**
 * Messages to one channel: "1 message per second", and short bursts. Five at once are let through here, then one a
 * second on average.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage, "Rate limiting" (read 2026-11)
 */
export const MESSAGES_PER_CHANNEL: RateWindow = { max: 5, windowMs: 5_000 };
/** Messages to all channels together: "several hundred messages per minute", said at the same place. */
export const MESSAGES_PER_WORKSPACE: RateWindow = { max: 300, windowMs: MINUTE_MS };

/** Characters. @see https://docs.slack.dev/reference/methods/conversations.create, "Naming" (read 2026-11) */
export const CHANNEL_NAME_MAX_CHARS = 80;
/**
 * Characters of a topic or a purpose.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.setTopic (read 2026-11), `too_long`
 */
export const TOPIC_MAX_CHARS = 250;

/** Characters of `text`. @see https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11) */
export const POST_TEXT_MAX_CHARS = 40_000;
/** An edit takes less. @see https://docs.slack.dev/reference/methods/chat.update, `msg_too_long` (read 2026-11) */
export const UPDATE_TEXT_MAX_CHARS = 4_000;
/** @see https://docs.slack.dev/reference/methods/chat.postMessage, `too_many_attachments` (read 2026-11) */
export const ATTACHMENTS_MAX = 100;

/** Of blocks: counts, and characters. @see https://docs.slack.dev/reference/block-kit/blocks (read 2026-11) */
export const BLOCKS_MAX = 50;
export const BLOCK_ID_MAX_CHARS = 255;
export const TEXT_MAX_CHARS = 3_000;
export const HEADER_MAX_CHARS = 150;
export const FIELDS_MAX = 10;
export const FIELD_MAX_CHARS = 2_000;
export const CONTEXT_ELEMENTS_MAX = 10;
export const ACTIONS_ELEMENTS_MAX = 25;

/**
 * Characters of a button's parts.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements/button-element (read 2026-11)
 */
export const ACTION_ID_MAX_CHARS = 255;
export const BUTTON_TEXT_MAX_CHARS = 75;
export const BUTTON_VALUE_MAX_CHARS = 2_000;
export const URL_MAX_CHARS = 3_000;
export const ALT_TEXT_MAX_CHARS = 2_000;

/**
 * Characters of all texts in a message's blocks together. Not documented: Slack's people speak of 12,000 and some room
 * for the blocks around the texts, callers met `msg_blocks_too_long` from 11,300 to 13,300.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2509 (read 2026-11)
 */
export const BLOCKS_TEXT_MAX_CHARS = 12_000;

/** @see https://docs.slack.dev/reference/methods/bookmarks.add (read 2026-11) */
export const BOOKMARKS_MAX = 100;
/** @see https://slack.com/help/articles/205239997 (read 2026-11) */
export const PINS_MAX = 100;

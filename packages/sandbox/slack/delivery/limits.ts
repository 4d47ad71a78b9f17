import type { RateWindow } from '../../core/rate-limit.ts';

const MINUTE_MS = 60_000;

/**
 * Maximum calls of one method by one app in one workspace. Slack documents "20+ per minute"; the stand-in allows no
 * more than the documented minimum. Each method's page states its tier.
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
 * `chat.getPermalink`: "special", hundreds of requests a minute.
 *
 * @see https://docs.slack.dev/reference/methods/chat.getPermalink (read 2026-11)
 */
export const PERMALINKS: RateWindow = { max: 300, windowMs: MINUTE_MS };

/**
 * Maximum messages to one channel: "1 message per second", and short bursts. The stand-in allows bursts of five, and
 * one per second on average.
 *
 * @see https://docs.slack.dev/reference/methods/chat.postMessage, "Rate limiting" (read 2026-11)
 */
export const MESSAGES_PER_CHANNEL: RateWindow = { max: 5, windowMs: 5_000 };
/** Maximum messages to all channels: "several hundred messages per minute", on the same page. */
export const MESSAGES_PER_WORKSPACE: RateWindow = { max: 300, windowMs: MINUTE_MS };

/**
 * Maximum characters of a channel name.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.create, "Naming" (read 2026-11)
 */
export const CHANNEL_NAME_MAX_CHARS = 80;
/**
 * Maximum characters of a topic or a purpose.
 *
 * @see https://docs.slack.dev/reference/methods/conversations.setTopic (read 2026-11), `too_long`
 */
export const TOPIC_MAX_CHARS = 250;

/** Maximum characters of `text`. @see https://docs.slack.dev/reference/methods/chat.postMessage (read 2026-11) */
export const POST_TEXT_MAX_CHARS = 40_000;
/**
 * Maximum characters of `text` in an update.
 *
 * @see https://docs.slack.dev/reference/methods/chat.update, `msg_too_long` (read 2026-11)
 */
export const UPDATE_TEXT_MAX_CHARS = 4_000;
/** @see https://docs.slack.dev/reference/methods/chat.postMessage, `too_many_attachments` (read 2026-11) */
export const ATTACHMENTS_MAX = 100;

/** Limits of blocks: counts, and characters. @see https://docs.slack.dev/reference/block-kit/blocks (read 2026-11) */
export const BLOCKS_MAX = 50;
export const BLOCK_ID_MAX_CHARS = 255;
export const TEXT_MAX_CHARS = 3_000;
export const HEADER_MAX_CHARS = 150;
export const FIELDS_MAX = 10;
export const FIELD_MAX_CHARS = 2_000;
export const CONTEXT_ELEMENTS_MAX = 10;
export const ACTIONS_ELEMENTS_MAX = 25;

/**
 * Maximum characters of the parts of a button.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements/button-element (read 2026-11)
 */
export const ACTION_ID_MAX_CHARS = 255;
export const BUTTON_TEXT_MAX_CHARS = 75;
export const BUTTON_VALUE_MAX_CHARS = 2_000;
export const URL_MAX_CHARS = 3_000;
export const ALT_TEXT_MAX_CHARS = 2_000;

/**
 * Maximum characters of all texts in a message's blocks. Not documented: Slack's staff mention 12,000 plus some
 * overhead for the blocks, and callers reported `msg_blocks_too_long` from 11,300 to 13,300.
 *
 * @see https://github.com/slackapi/bolt-js/issues/2509 (read 2026-11)
 */
export const BLOCKS_TEXT_MAX_CHARS = 12_000;

/** @see https://docs.slack.dev/reference/methods/bookmarks.add (read 2026-11) */
export const BOOKMARKS_MAX = 100;
/** @see https://slack.com/help/articles/205239997 (read 2026-11) */
export const PINS_MAX = 100;

/**
 * Limits of composition objects: counts, and characters.
 *
 * @see https://docs.slack.dev/reference/block-kit/composition-objects (read 2026-11)
 */
export const OPTIONS_MAX = 100;
export const OPTION_GROUPS_MAX = 100;
export const OPTION_TEXT_MAX_CHARS = 75;
export const OPTION_VALUE_MAX_CHARS = 150;
export const CONFIRM_TITLE_MAX_CHARS = 100;
export const CONFIRM_TEXT_MAX_CHARS = 300;
export const CONFIRM_BUTTON_MAX_CHARS = 30;

/**
 * Limits of elements: counts, and characters.
 *
 * @see https://docs.slack.dev/reference/block-kit/block-elements (read 2026-11)
 */
export const OVERFLOW_OPTIONS_MAX = 5;
/** Maximum options of checkboxes and radio buttons. */
export const CHOICES_MAX = 10;
export const PLACEHOLDER_MAX_CHARS = 150;
export const ACCESSIBILITY_LABEL_MAX_CHARS = 75;
/** Maximum value of `min_length` and `max_length` of a text input. */
export const INPUT_LENGTH_MAX = 3_000;

/**
 * Maximum characters of an input's label.
 *
 * @see https://docs.slack.dev/reference/block-kit/blocks/input-block (read 2026-11)
 */
export const INPUT_LABEL_MAX_CHARS = 2_000;

/**
 * Limits of a modal: counts, characters, bytes.
 *
 * @see https://docs.slack.dev/reference/views/modal-views (read 2026-11)
 */
export const VIEW_BLOCKS_MAX = 100;
export const VIEW_TITLE_MAX_CHARS = 24;
export const PRIVATE_METADATA_MAX_CHARS = 3_000;
export const CALLBACK_ID_MAX_CHARS = 255;
export const EXTERNAL_ID_MAX_CHARS = 255;
/** @see https://docs.slack.dev/reference/methods/views.open (read 2026-11), `view_too_large` */
export const VIEW_MAX_BYTES = 250_000;
/** Maximum modals in a stack. @see https://docs.slack.dev/reference/methods/views.push (read 2026-11) */
export const VIEWS_MAX = 3;

/**
 * Limits of an interaction's trigger and response URL, in milliseconds and uses. Not divided by the time scale, because
 * an app measures them on its own clock.
 *
 * @see https://docs.slack.dev/interactivity/handling-user-interaction (read 2026-11)
 */
export const TRIGGER_MS = 3_000;
export const RESPONSE_URL_MS = 30 * MINUTE_MS;
export const RESPONSE_URL_USES = 5;
/** Milliseconds within which an app must respond to a command, an interaction, or an event. */
export const RESPONSE_MAX_MS = 3_000;

/**
 * Delays before an event is sent again after a failure, in milliseconds; divided by the time scale.
 *
 * @see https://docs.slack.dev/apis/events-api (read 2026-11), "Retries"
 */
export const EVENT_RETRIES_MS: readonly number[] = [0, MINUTE_MS, 5 * MINUTE_MS];

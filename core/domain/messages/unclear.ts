import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/**
 * Seconds after which a call without an answer is either executed or never will be: its record is a few seconds older
 * than the call, the call has a time-out of ten seconds, and the vendor may execute it up to a minute later.
 */
const UNCLEAR_SECONDS = 75;

/** Returns the time from which the vendor's state certainly shows the outcome of an attempt that was recorded at `since`. */
export const outcomeKnownFrom = (since: Timestamp): Timestamp => plusSeconds(since, UNCLEAR_SECONDS);

/**
 * Returns when to set a value once more. An unanswered attempt may be executed late and overwrite a newer value, so the
 * value is set again when that is no longer possible. Null: not necessary.
 *
 * @param unansweredAt time of the unanswered attempt, if any
 */
export const setAgainFrom = (unansweredAt: Timestamp | null | undefined): Timestamp | null =>
  unansweredAt === null || unansweredAt === undefined ? null : outcomeKnownFrom(unansweredAt);

/**
 * Returns `unansweredAt` after an answer: null after an attempt that succeeded and started when the unanswered one could
 * no longer be executed; otherwise, unchanged.
 *
 * @param before value before the answered attempt
 * @param at start of that attempt; null: it was not executed
 */
export const unansweredAfter = (before: Timestamp | null | undefined, at: Timestamp | null): Timestamp | null =>
  before === null || before === undefined || (at !== null && at >= outcomeKnownFrom(before)) ? null : before;
